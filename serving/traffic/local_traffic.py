"""Traffic over local serving: writes what is wanted into the state folder, reads what came of it.

A server must be live to make a change come true. If none is, one is started for as long as this
object is open or others use it. Reading needs no server, so the live release can be looked up at
any time.
"""

import threading
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.local.background_server import BackgroundServer
from kanaria.serving.local.controller import reconcile
from kanaria.serving.local.state import state_folder
from kanaria.serving.local.state.state_folder import Observed, Service
from kanaria.serving.protocol.annotation_names import MIRRORED_ANNOTATION, VERSION_ANNOTATION
from kanaria.serving.traffic.canary_percent import CanaryPercentTraffic
from kanaria.serving.traffic.change_rules import require_percent
from kanaria.serving.traffic.shadow_rules import require_shadow
from kanaria.serving.traffic.traffic_protocol import LoadFailure, Manifest, ServiceStatus

ADOPT_SECONDS = 30.0
POLL_SECONDS = 0.02


class LocalTraffic(CanaryPercentTraffic):
    """The Traffic of one state folder; close it, or use it as a context.

    Threads may share it.
    """

    promoted_percent = 100

    def __init__(self, state: Path, *, needs_server: bool = False) -> None:
        """Name the folder; nothing is started.

        Args:
            state: the folder.
            needs_server: whether looking at a service needs a live server too, and not only a
                change: what was applied before may still have to come true.
        """
        self._state = state.resolve()
        self._server = BackgroundServer(self._state)
        self._needs_server = needs_server
        self._starting = threading.Lock()

    def __enter__(self) -> Self:
        """Return this object."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Stop the server if it was started here and nobody else uses it; what is applied stays."""
        self._server.close()

    def stage(self, manifest: Manifest) -> None:
        """Apply the manifest with its model at 0 %; what is applied already is left as it is.

        Raises:
            ParameterError: local serving cannot run this manifest.
            NotReadyError: no server took the change over.
        """
        staged = deepcopy(dict(manifest))
        state_folder.check(staged, "stage")
        staged["spec"]["predictor"]["canaryTrafficPercent"] = 0
        service = state_folder.service_of(self._state, staged)

        def change(applied: dict[str, Any] | None) -> dict[str, Any] | None:
            # 0 % for a revision that has all traffic would roll it back.
            same = applied is not None and (
                reconcile.template(applied) == reconcile.template(staged)
            )
            return None if same else staged

        self._change(service, change)

    def observe(self, namespace: str, name: str) -> ServiceStatus | None:
        """Return the service's status as last written, or None when nothing is applied."""
        service = Service(self._state, namespace, name)
        manifest = service.manifest()
        if manifest is None:
            return None
        url = self._live_server() if self._needs_server else state_folder.live_url(self._state)
        return status_of(manifest, service.observed(), url)

    def mirror(self, namespace: str, name: str, percent: int) -> None:
        """Send the newest revision a copy of `percent` of the requests, 0 to 100.

        Raises:
            ParameterError: there is no such service, or the percentage is out of range.
            NotReadyError: the newest revision is not ready, or answers requests itself.
        """
        require_percent("mirror", percent)
        service = self._existing(namespace, name)

        def change(applied: dict[str, Any] | None) -> dict[str, Any] | None:
            if applied is not None and percent:
                _require_shadow(applied, service.observed())
            return _mirroring(applied, percent)

        self._change(service, change)

    def _set_percent(
        self,
        namespace: str,
        name: str,
        percent: int | None,
        require: Callable[[str, ServiceStatus], None],
    ) -> None:
        service = self._existing(namespace, name)

        def change(applied: dict[str, Any] | None) -> dict[str, Any] | None:
            if applied is not None:
                require(f"{namespace}/{name}", _rests_on(applied, service.observed()))
                applied["spec"]["predictor"]["canaryTrafficPercent"] = percent
            return _mirroring(applied, 0)

        self._change(service, change)

    def _existing(self, namespace: str, name: str) -> Service:
        service = Service(self._state, namespace, name)
        if service.manifest() is None:
            where = f"{namespace}/{name} in {self._state}"
            raise ParameterError(f"service {where}: unknown; stage a manifest first")
        return service

    def _change(
        self,
        service: Service,
        change: Callable[[dict[str, Any] | None], dict[str, Any] | None],
    ) -> None:
        """Write a changed manifest and wait until a server has taken it over."""
        with service.changing() as applied:
            changed = change(applied)
            if changed is not None:
                service.apply(changed)
        self._needs_server = True
        deadline = time.monotonic() + ADOPT_SECONDS
        while True:
            self._live_server()
            observed = service.observed()
            if observed.applied == service.applied():
                return
            if time.monotonic() > deadline:
                why = f": {observed.fault}" if observed.fault else ""
                why_not = f"no server took the manifest over in time{why}"
                raise NotReadyError(f"{service.folder}: {why_not}")
            time.sleep(POLL_SECONDS)

    def _live_server(self) -> str:
        """Return the URL of the live server; start one when there is none."""
        with self._starting:
            return self._server.url()


def _rests_on(manifest: Manifest, observed: Observed) -> ServiceStatus:
    """Return the status, without a newest revision where the server has not made one of it yet."""
    status = status_of(manifest, observed, "")
    made = observed.revisions[-1].template if observed.revisions else ""
    is_made = made == reconcile.template(manifest)
    return status if is_made else replace(status, latest_created="", latest_ready="")


def _require_shadow(manifest: Manifest, observed: Observed) -> None:
    status = status_of(manifest, observed, "")
    newest = status.latest_created
    share = sum(target.percent for target in status.traffic if target.revision == newest)
    where = f"{manifest['metadata'].get('namespace', 'default')}/{manifest['metadata']['name']}"
    require_shadow(where, newest, share=share, ready=newest == status.latest_ready != "")


def _mirroring(manifest: dict[str, Any] | None, percent: int) -> dict[str, Any] | None:
    """Return a manifest that asks for copies of this percentage; no annotation stands for 0."""
    if manifest is not None:
        annotations = dict(manifest["metadata"].get("annotations") or {})
        annotations.pop(MIRRORED_ANNOTATION, None)
        added = {MIRRORED_ANNOTATION: str(percent)} if percent else {}
        manifest["metadata"]["annotations"] = annotations | added
    return manifest


def status_of(manifest: Manifest, observed: Observed, url: str) -> ServiceStatus:
    """Return the status of an applied manifest; pure."""
    status = observed.status
    predictor = status.get("components", {}).get("predictor", {})
    model = status.get("modelStatus", {})
    failure = model.get("lastFailureInfo")
    namespace = manifest["metadata"].get("namespace", "default")
    return ServiceStatus(
        storage_uri=manifest["spec"]["predictor"]["model"]["storageUri"],
        canary_percent=reconcile.percent(manifest),
        mirrored_percent=reconcile.mirrored(manifest),
        latest_created=predictor.get("latestCreatedRevision", ""),
        latest_ready=predictor.get("latestReadyRevision", ""),
        rolled_out=predictor.get("latestRolledoutRevision", ""),
        previous_rolled_out=predictor.get("previousRolledoutRevision", ""),
        traffic=tuple(
            RevisionTraffic(revision=target["revisionName"], percent=target["percent"])
            for target in predictor.get("traffic", [])
        ),
        transition=model.get("transitionStatus", "InProgress"),
        failure=LoadFailure(reason=failure["reason"], message=failure["message"])
        if failure
        else None,
        url=url,
        revision_uris={r.name: r.storage_uri for r in observed.revisions},
        revision_versions={
            r.name: r.log.annotations.get(VERSION_ANNOTATION, "") for r in observed.revisions
        },
        revision_urls={
            r.name: url + state_folder.revision_path(namespace, r.name) if url else ""
            for r in observed.revisions
        },
    )
