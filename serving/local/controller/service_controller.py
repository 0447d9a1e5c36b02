"""Converges predictors and status to the applied manifests, in one asyncio loop.

Each service stands for itself: what cannot be taken of one is told, in its status and in the log,
and it goes on as it was. No other service notices.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from kanaria.components.shared import json_log
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import KanariaError
from kanaria.serving.features import feature_settings
from kanaria.serving.features.feature_settings import FeatureSettings
from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.local.controller import reconcile, revision_shares
from kanaria.serving.local.payload_logger.log_rule import LogRule
from kanaria.serving.local.predictor.host_client import GRACE_SECONDS, Spawner
from kanaria.serving.local.predictor.predictor_runner import Files, Runner
from kanaria.serving.local.state import manifest_fields
from kanaria.serving.local.state.file_changes import FileChanges
from kanaria.serving.local.state.state_folder import MANIFEST, Service, services
from kanaria.serving.local.state.status_document import Observed, Revision

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.05


class LiveService:
    """One service: what is observed of it, its shares, and the runners of its revisions.

    Attributes:
        shares: who answers how much.
        shadow: who gets a copy of which percentage of the requests, if anybody.
    """

    def __init__(self, service: Service, spawner: Spawner, url: str) -> None:
        """Know nothing of it yet; `poll` takes up what was observed before."""
        self.namespace, self.name = service.namespace, service.name
        self.shares: tuple[RevisionTraffic, ...] = ()
        self.shadow: RevisionTraffic | None = None
        self.runners: dict[str, Runner] = {}
        self._fault, self._unwritten = "", ""
        self._service, self._spawner, self._url = service, spawner, url
        self._manifest = FileChanges(service.folder / MANIFEST)
        self._stopping: set[asyncio.Task[None]] = set()
        self._observed = Observed()
        self._is_open = False
        self._told_inert: list[str] = []
        self._features: dict[str, FeatureSettings] = {}

    def poll(self) -> None:
        """Take over what was written since; what cannot be is told, and changes nothing."""
        try:
            if not self._is_open:
                self._publish(self._service.observed())
                self._is_open = True
            if self._unwritten:
                self._publish(self._observed)
            if self._manifest.changed(self._service.is_as_written):
                self._take_over()
        except FileNotFoundError:
            self._manifest.look_again()
            self._refuse(f"{self._service.folder / MANIFEST}: is gone; it is served as it was")
        except (KanariaError, OSError) as error:
            if isinstance(error, OSError) or isinstance(error.__cause__, OSError):
                self._manifest.look_again()  # The file is the same when it can be read again.
            self._refuse(str(error))

    @property
    def fault(self) -> str:
        """Why what is written now was not taken over, or what came of it not written; or ""."""
        return self._fault or self._unwritten

    @property
    def stopped(self) -> bool:
        """Whether its manifest stops the service."""
        return self._observed.stopped

    def _take_over(self) -> None:
        digest = self._service.applied()  # First: what is written in between is read once more.
        manifest = self._service.manifest()
        if manifest is None:
            return
        self._tell_inert(manifest_fields.inert(manifest))
        if digest != self._observed.applied:
            self._publish(reconcile.adopt(self._observed, manifest, digest))
        elif self._observed.fault:
            self._publish(replace(self._observed, fault=""))
        self._fault = ""

    def _refuse(self, fault: str) -> None:
        """Tell once what is wrong; a status that could not be read is left as it is."""
        if fault == self._fault:
            return
        self._fault = fault
        serves = "is served as it was" if self.shares else "is not served"
        logger.error("%s %s: %s", self._service.full_name, serves, fault)
        if self._is_open:
            self._publish(replace(self._observed, fault=fault))

    def _tell_inert(self, fields: list[str]) -> None:
        if fields and fields != self._told_inert:
            names = ", ".join(fields)
            logger.info("%s: kept for a cluster, nothing here: %s", self._service.full_name, names)
        self._told_inert = fields

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

    async def awake(self, revision: str, seconds: float) -> int | None:
        """Return the port as `port` does; wait so long for a revision that starts again.

        Knative's activator holds requests, too, until a revision that was scaled to zero answers.
        """
        runner = self.runners.get(revision)
        return await runner.awake(seconds) if runner else None

    def protocol(self, revision: str) -> str:
        """Return "v1" or "v2"."""
        observed = self._revision(revision)
        return observed.protocol if observed else "v1"

    def storage_uri(self, revision: str) -> str:
        """Return the URI of the revision's model, "" where there is no such revision."""
        observed = self._revision(revision)
        return observed.storage_uri if observed else ""

    def log_rule(self, revision: str) -> LogRule:
        """Return where the revision's requests and responses are logged."""
        observed = self._revision(revision)
        return observed.log if observed else LogRule()

    def features(self, revision: str) -> FeatureSettings | None:
        """Return where features of the revision's requests come from, None for nowhere."""
        observed = self._revision(revision)
        if observed is None or not observed.features:
            return None
        if revision not in self._features:  # A revision never changes, and each request asks.
            self._features[revision] = feature_settings.read(observed.features, Faults(revision))
        return self._features[revision]

    def _revision(self, name: str) -> Revision | None:
        return next(
            (revision for revision in self._observed.revisions if revision.name == name), None
        )

    def _publish(self, observed: Observed) -> None:
        """Write what is observed first; then let traffic and processes follow it.

        What cannot be written is tried again at the next poll.
        """
        self._observed = replace(observed, status=reconcile.status(observed, self._url))
        try:
            self._service.write_observed(self._observed)
        except (KanariaError, OSError) as error:
            if not self._unwritten:
                logger.error("%s: its status cannot be written: %s", self._service.full_name, error)
            self._unwritten = f"its status cannot be written: {error}"
            return
        self._unwritten = ""
        facts = reconcile.rollout(self._observed)
        self.shares, self.shadow = revision_shares.traffic(facts), revision_shares.shadow(facts)
        self._converge(revision_shares.wanted(facts))

    def _converge(self, wanted: frozenset[str]) -> None:
        revisions_by_name = {revision.name: revision for revision in self._observed.revisions}
        for name in wanted - self.runners.keys():
            log, copies = self._service.log(name), self._service.models()
            self.runners[name] = Runner(
                revisions_by_name[name],
                Files(namespace=self.namespace, service=self.name, log=log, copies=copies),
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

    def __init__(self, state: Path, url: str, *, spare: bool = False) -> None:
        """Nothing runs before `run`; `spare` is as `Spawner` takes it."""
        self._state, self._url = state, url
        self._spawner = Spawner(state / "predictor-host.log", spare=spare)
        self._live: dict[tuple[str, str], LiveService] = {}
        self._has_looked = False

    @property
    def current_services(self) -> list[LiveService] | None:
        """The services, None before they have been looked at once."""
        return list(self) if self._has_looked else None

    def __iter__(self) -> Iterator[LiveService]:
        """Go through the services."""
        return iter(list(self._live.values()))

    def find(self, name: str) -> list[LiveService]:
        """Return the services of a name: one a namespace."""
        return [live for live in self._live.values() if live.name == name]

    def of_revision(self, namespace: str, revision: str) -> LiveService | None:
        """Return the service whose revision it is, if its predictor is to run, or None."""
        services = (live for live in self if live.namespace == namespace)
        return next((live for live in services if revision in live.runners), None)

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
            with json_log.fields(namespace=service.namespace, service=service.name):
                self._live[key].poll()
        self._has_looked = True

    async def stop(self) -> None:
        """End all predictors, politely for at most ten seconds."""
        runners = [runner for live in self for runner in live.runners.values()]
        for runner in runners:
            runner.cancel()
        ending = [asyncio.create_task(runner.stop()) for runner in runners if runner.forked]
        if ending:
            await asyncio.wait(ending, timeout=GRACE_SECONDS)
        await self._spawner.stop()
