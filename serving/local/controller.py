"""Converges predictors, shares and status to the applied manifests, again and again."""

import asyncio
import hashlib
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from kanaria.components.shared import storage
from kanaria.serving.local import revisions, status, store
from kanaria.serving.local.process import Launch, Predictor
from kanaria.serving.local.revisions import Rollout
from kanaria.serving.local.store import Observed, Revision, Service
from kanaria.serving.traffic.protocol import RevisionTraffic

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where one share of a service's requests goes."""

    share: RevisionTraffic
    predictor: Predictor


def template(manifest: dict[str, Any]) -> str:
    """Return the fingerprint of what makes a revision: all of the predictor but the percentage."""
    predictor = {
        name: value
        for name, value in manifest["spec"]["predictor"].items()
        if name != "canaryTrafficPercent"
    }
    return hashlib.sha256(json.dumps(predictor, sort_keys=True).encode()).hexdigest()


def _revision(manifest: dict[str, Any], number: int) -> Revision:
    model = manifest["spec"]["predictor"]["model"]
    return Revision(
        name=f"{manifest['metadata']['name']}-predictor-{number:05d}",
        template=template(manifest),
        storage_uri=str(storage.local_path(model["storageUri"])),
        protocol=model.get("protocolVersion", "v1"),
    )


class _Served:
    """One service: its manifest, revisions and predictors."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.observed = service.observed()
        self.predictors: dict[str, Predictor] = {}
        self.routes: tuple[Route, ...] = ()

    async def tick(self, client: httpx.AsyncClient, url: str) -> None:
        manifest = self.service.manifest()
        if manifest is None:
            await self.stop()
            self.routes = ()
            return
        known = self.observed.revisions
        if not known or known[-1].template != template(manifest):
            known = (*known, _revision(manifest, len(known) + 1))
        rollout = await self._converge(manifest, known, client)
        observed = Observed(
            revisions=known,
            ready=tuple(sorted(rollout.ready)),
            stable=rollout.stable,
            previous=rollout.previous,
            failures={n: p.failure for n, p in self.predictors.items() if p.failure},
        )
        observed = replace(observed, status=status.of(observed, rollout, self._answering(), url))
        if observed != self.observed:
            self.service.write_observed(observed)
            self.observed = observed

    def _answering(self) -> frozenset[str]:
        return frozenset(name for name, predictor in self.predictors.items() if predictor.ready)

    async def _converge(
        self, manifest: dict[str, Any], known: tuple[Revision, ...], client: httpx.AsyncClient
    ) -> Rollout:
        """Run the wanted predictors and route between them."""
        percent = manifest["spec"]["predictor"].get("canaryTrafficPercent")
        rollout = revisions.advance(
            Rollout(
                created=tuple(revision.name for revision in known),
                ready=frozenset(self.observed.ready) | self._answering(),
                percent=percent,
                stable=self.observed.stable,
                previous=self.observed.previous,
            )
        )
        wanted = revisions.wanted(rollout)
        for revision in known:
            if revision.name in wanted and revision.name not in self.predictors:
                launch = Launch(
                    service=self.service.name,
                    revision=revision,
                    log=self.service.log(revision.name),
                )
                self.predictors[revision.name] = Predictor(launch, revision.name in rollout.ready)
        self.routes = tuple(
            Route(share=share, predictor=self.predictors[share.revision])
            for share in revisions.traffic(rollout)
            if share.percent
        )
        for name in set(self.predictors) - wanted:
            await self.predictors.pop(name).stop()
        for predictor in self.predictors.values():
            await predictor.tick(client)
        return rollout

    async def stop(self) -> None:
        for predictor in self.predictors.values():
            await predictor.stop()
        self.predictors = {}


class Controller:
    """All services of a state folder."""

    def __init__(self, state: Path, url: str) -> None:
        """Serve the manifests in `state`; `url` is where the router answers."""
        self._state, self._url = state, url
        self._served: dict[tuple[str, str], _Served] = {}

    def routes(self, name: str) -> tuple[Route, ...] | None:
        """Return the routes of service `name`, or None if no service or several have the name."""
        found = [served for (_, known), served in self._served.items() if known == name]
        return found[0].routes if len(found) == 1 else None

    def namespace(self, name: str) -> str:
        """Return the namespace of service `name`, or ""."""
        return next((space for space, known in self._served if known == name), "")

    def statuses(self) -> dict[str, dict[str, Any]]:
        """Return `namespace/name` -> KServe's status of each service."""
        return {f"{s}/{n}": served.observed.status for (s, n), served in self._served.items()}

    async def run(self) -> None:
        """Converge until cancelled, then stop every predictor."""
        try:
            async with httpx.AsyncClient() as client:
                while True:
                    await self._tick(client)
                    await asyncio.sleep(TICK_SECONDS)
        finally:
            for served in self._served.values():
                await served.stop()

    async def _tick(self, client: httpx.AsyncClient) -> None:
        for service in store.services(self._state):
            key = (service.namespace, service.name)
            self._served.setdefault(key, _Served(service))
        for (namespace, name), served in list(self._served.items()):
            await served.tick(client, f"{self._url}/v1/models/{name}")
            if served.service.manifest() is None:
                logger.info("%s/%s was deleted", namespace, name)
                del self._served[namespace, name]
