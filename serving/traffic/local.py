"""Traffic over the state folder of local serving."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kanaria.components.shared.errors import DataError, NotReadyError
from kanaria.serving.local import store
from kanaria.serving.traffic.protocol import LoadFailure, Manifest, RevisionTraffic, ServiceStatus

START_SECONDS = 60.0


def _spec(manifest: dict[str, Any]) -> dict[str, Any]:
    return manifest["spec"]["predictor"]


class LocalTraffic:
    """Writes manifests that a local server converges to, and reads the status it keeps.

    When no server is live on the folder, the first change starts one; `close` ends it.
    """

    def __init__(self, state: Path) -> None:
        """Deliver to the services in the folder `state`."""
        self._state = state
        self._server: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End the server that this object started, if it started one."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait()
            self._server = None

    def _need_server(self) -> None:
        if store.live_url(self._state):
            return
        self._state.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "kanaria.serving.local", "--state", str(self._state)]
        with (self._state / "server.log").open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not store.live_url(self._state):
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise NotReadyError(f"the local server did not start; see {self._state}/server.log")
            time.sleep(0.1)

    def _service(self, namespace: str, name: str) -> store.Service:
        return store.Service(self._state, namespace, name)

    def _change(self, namespace: str, name: str, percent: int | None) -> None:
        service = self._service(namespace, name)
        manifest = service.manifest()
        if manifest is None:
            raise DataError(f"{namespace}/{name}: no such service; stage a model first")
        self._need_server()
        if percent is None:
            _spec(manifest).pop("canaryTrafficPercent", None)
        else:
            _spec(manifest)["canaryTrafficPercent"] = percent
        service.apply(manifest)

    def stage(self, manifest: Manifest) -> None:
        """Apply the manifest with its model at 0 %."""
        store.check(dict(manifest), "manifest")
        self._need_server()
        predictor = {**manifest["spec"]["predictor"], "canaryTrafficPercent": 0}
        store.apply(self._state, {**manifest, "spec": {"predictor": predictor}})

    def observe(self, namespace: str, name: str) -> ServiceStatus | None:
        """Return the status kept in the folder; no server is needed for that."""
        service = self._service(namespace, name)
        manifest = service.manifest()
        if manifest is None:
            return None
        observed = service.observed()
        predictor = observed.status.get("components", {}).get("predictor", {})
        model = observed.status.get("modelStatus", {})
        failure = model.get("lastFailureInfo")
        return ServiceStatus(
            storage_uri=_spec(manifest)["model"]["storageUri"],
            canary_percent=_spec(manifest).get("canaryTrafficPercent"),
            latest_created=predictor.get("latestCreatedRevision", ""),
            latest_ready=predictor.get("latestReadyRevision", ""),
            rolled_out=predictor.get("latestRolledoutRevision", ""),
            previous_rolled_out=predictor.get("previousRolledoutRevision", ""),
            traffic=tuple(
                RevisionTraffic(revision=entry["revisionName"], percent=entry["percent"])
                for entry in predictor.get("traffic", [])
            ),
            transition=model.get("transitionStatus", "InProgress"),
            failure=LoadFailure(**failure) if failure else None,
            url=observed.status.get("url", ""),
            revision_uris={r.name: r.storage_uri for r in observed.revisions},
        )

    def shift(self, namespace: str, name: str, percent: int) -> None:
        """Give the newest revision `percent` of the requests."""
        self._change(namespace, name, percent)

    def promote(self, namespace: str, name: str) -> None:
        """Give the newest revision all requests."""
        self._change(namespace, name, None)

    def rollback(self, namespace: str, name: str) -> None:
        """Give the stable revision all requests; after a promotion, the one before it."""
        self._change(namespace, name, 0)
