"""Converges predictors and status to the applied manifests, in one asyncio loop."""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.local import reconcile, revisions
from kanaria.serving.local.payload_events import LogRule
from kanaria.serving.local.runner import Runner
from kanaria.serving.local.spawner import GRACE_SECONDS, Spawner
from kanaria.serving.local.store import MANIFEST, Observed, Revision, Service, check, services
from kanaria.serving.traffic.protocol import RevisionTraffic

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.1


class LiveService:
    """One service: what is observed of it, its shares, and the runners of its revisions.

    Attributes:
        shares: who answers how much.
        shadow: who gets a copy of which percentage of the requests, if anybody.
    """

    def __init__(self, service: Service, spawner: Spawner, url: str) -> None:
        """Take up what was observed before the server was last stopped."""
        self.namespace, self.name = service.namespace, service.name
        self.shares: tuple[RevisionTraffic, ...] = ()
        self.shadow: RevisionTraffic | None = None
        self.runners: dict[str, Runner] = {}
        self._service, self._spawner, self._url = service, spawner, url
        self._seen = (0, 0)
        self._stopping: set[asyncio.Task[None]] = set()
        self._observed = Observed()
        self._publish(service.observed())

    def poll(self) -> None:
        """Take over the manifest if it was written since."""
        entry = (self._service.folder / MANIFEST).stat()
        seen = (entry.st_mtime_ns, entry.st_ino)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            with self._service.changing() as manifest:
                digest = self._service.applied()
            if manifest is None or digest == self._observed.applied:
                return
            check(manifest, str(self._service.folder / MANIFEST))
        except ParameterError as error:
            logger.error("a manifest edited by hand is left out: %s", error)
        else:
            self._publish(reconcile.adopt(self._observed, manifest, digest))

    def on_ready(self, revision: str) -> None:
        """Count the revision among the ready ones; it may get traffic from now on."""
        logger.info("%s is ready", revision)
        self._publish(reconcile.mark_ready(self._observed, revision))

    def on_failed(self, revision: str, why: str) -> None:
        """Show in the status why the model does not load."""
        self._publish(reconcile.mark_failed(self._observed, revision, why))

    def answers(self) -> bool:
        """Tell whether every revision that gets requests can answer them now."""
        routed = [share.revision for share in self.shares if share.percent]
        return bool(routed) and all(self.port(revision) is not None for revision in routed)

    def port(self, revision: str) -> int | None:
        """Return the port of the revision's predictor, or None while it does not answer."""
        runner = self.runners.get(revision)
        return runner.port if runner else None

    def protocol(self, revision: str) -> str:
        """Return "v1" or "v2"."""
        found = self._revision(revision)
        return found.protocol if found else "v1"

    def log_rule(self, revision: str) -> LogRule:
        """Return where the revision's requests and responses are logged."""
        found = self._revision(revision)
        return found.log if found else LogRule()

    def _revision(self, name: str) -> Revision | None:
        return next((found for found in self._observed.revisions if found.name == name), None)

    def _publish(self, observed: Observed) -> None:
        """Write what is observed first; then let traffic and processes follow it."""
        self._observed = replace(observed, status=reconcile.status(observed, self._url))
        self._service.write_observed(self._observed)
        facts = reconcile.rollout(self._observed)
        self.shares, self.shadow = revisions.traffic(facts), revisions.shadow(facts)
        self._converge(revisions.wanted(facts))

    def _converge(self, wanted: frozenset[str]) -> None:
        known = {revision.name: revision for revision in self._observed.revisions}
        for name in wanted - self.runners.keys():
            self.runners[name] = Runner(
                name=self.name,
                revision=known[name],
                log=self._service.log(name),
                copies=self._service.models(),
                spawner=self._spawner,
                watcher=self,
                was_ready=name in self._observed.ready,
            )
        for name in self.runners.keys() - wanted:
            task = asyncio.create_task(self.runners.pop(name).stop())
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)


class Controller:
    """All services of a state folder."""

    def __init__(self, state: Path, url: str) -> None:
        """Nothing runs before `run`."""
        self._state, self._url = state, url
        self._spawner = Spawner(state / "predictor-host.log")
        self._live: dict[tuple[str, str], LiveService] = {}

    def __iter__(self) -> Iterator[LiveService]:
        """Go through the services."""
        return iter(list(self._live.values()))

    def find(self, name: str) -> list[LiveService]:
        """Return the services of a name: one a namespace."""
        return [live for live in self._live.values() if live.name == name]

    def of_revision(self, namespace: str, revision: str) -> LiveService | None:
        """Return the service whose revision it is, if its predictor is to run, or None."""
        found = (live for live in self if live.namespace == namespace)
        return next((live for live in found if revision in live.runners), None)

    async def run(self) -> None:
        """Converge until cancelled."""
        await self._spawner.start()
        while True:
            self.poll()
            await asyncio.sleep(POLL_SECONDS)

    def poll(self) -> None:
        """Look at every manifest once."""
        for service in services(self._state):
            key = (service.namespace, service.name)
            if key not in self._live:
                self._live[key] = LiveService(service, self._spawner, self._url)
            self._live[key].poll()

    async def stop(self) -> None:
        """End all predictors, politely for at most ten seconds."""
        runners = [runner for live in self for runner in live.runners.values()]
        for runner in runners:
            runner.cancel()
        ending = [asyncio.create_task(runner.stop()) for runner in runners if runner.forked]
        if ending:
            await asyncio.wait(ending, timeout=GRACE_SECONDS)
        await self._spawner.stop()
