"""The work of push_model."""

import json
import logging
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kanaria.components.push import ready
from kanaria.components.push.publish import Sources, publish
from kanaria.components.push.ready import Standing
from kanaria.components.shared import atomic, outcome, release, storage
from kanaria.components.shared.errors import DataError, NotReadyError
from kanaria.components.shared.parameters import Faults
from kanaria.serving import inference_service
from kanaria.serving.inference_service import ServiceSpec
from kanaria.serving.traffic.connect import connect
from kanaria.serving.traffic.protocol import ServiceStatus, Traffic

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class PushRequest:
    """What to push and how to serve it.

    Attributes:
        sources: model, schema and statistics artifacts.
        outcome: the blessing.
        model_root: folder below which releases are published.
        service: how to serve; its `storage_uri` is filled in here.
        ready_timeout: seconds to wait for the revision, more than 0.
    """

    sources: Sources
    outcome: Path
    model_root: str
    service: ServiceSpec
    ready_timeout: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where a pushed model is served, or why nothing was pushed.

    Attributes:
        pushed: whether the model is served by a revision now.
        reason: what was done, in one sentence.
        name: name of the InferenceService.
        namespace: its namespace.
        revision: the revision that serves the model, or "".
        url: where requests go, or "".
        storage_uri: of the model, or "".
        percent: share of requests the revision gets, 0 to 100.
    """

    pushed: bool
    reason: str
    name: str
    namespace: str
    revision: str = ""
    url: str = ""
    storage_uri: str = ""
    percent: int = 0

    def as_metadata(self) -> dict[str, Any]:
        """Return it as plain values, for an artifact's metadata or JSON."""
        return asdict(self)


def _check(request: PushRequest) -> None:
    faults = Faults("push_model")
    # The URI is known once the release is published; it will lie below the root.
    inference_service.check(replace(request.service, storage_uri=request.model_root or "/"), faults)
    faults.check(bool(request.model_root), "model_root", "", "name the folder of releases")
    timeout = request.ready_timeout
    faults.check(timeout > 0, "ready_timeout", timeout, "use more than 0 seconds")
    faults.raise_if_any()


def _await_ready(traffic: Traffic, service: ServiceSpec, timeout: int) -> ServiceStatus:
    """Wait until a revision with the service's URI is ready.

    Raises:
        DataError: its model does not load.
        NotReadyError: it is not ready in time.
    """
    deadline = time.monotonic() + timeout
    while True:
        status = traffic.observe(service.namespace, service.name)
        standing = ready.standing(status, service.storage_uri)
        if status and standing is Standing.READY:
            return status
        if status and status.failure and standing is Standing.FAILED:
            failure = status.failure
            raise DataError(
                f"{service.namespace}/{service.name}: {status.latest_created} does not load "
                f"{service.storage_uri}: {failure.reason}: {failure.message}"
            )
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"{service.namespace}/{service.name}: no ready revision of "
                f"{service.storage_uri} after {timeout} s: {status}"
            )
        time.sleep(POLL_SECONDS)


def _deliver(traffic: Traffic, service: ServiceSpec, timeout: int) -> Endpoint:
    """Stage the release, wait for it, and give it its share; nothing if it is already served."""
    before = traffic.observe(service.namespace, service.name)
    standing = ready.standing(before, service.storage_uri)
    if before and standing is Standing.READY and not _was_interrupted(before, service):
        return _endpoint(service, before, "already served; nothing was changed")
    if standing in (Standing.ABSENT, Standing.FAILED):
        traffic.stage(inference_service.build(replace(service, canary_percent=0)))
    status = _await_ready(traffic, service, timeout)
    percent = service.canary_percent or 0
    traffic.shift(service.namespace, service.name, percent)
    status = _await_share(traffic, service, status, timeout)
    return _endpoint(service, status, f"staged, ready, then {percent} % asked for")


def _was_interrupted(status: ServiceStatus, service: ServiceSpec) -> bool:
    """Tell whether an earlier push staged this very model and ended before giving it its share."""
    is_canary = status.latest_created != status.rolled_out
    return status.storage_uri == service.storage_uri and is_canary and not status.canary_percent


def _share(status: ServiceStatus, revision: str) -> int:
    return next((t.percent for t in status.traffic if t.revision == revision), 0)


def _await_share(
    traffic: Traffic, service: ServiceSpec, status: ServiceStatus, timeout: int
) -> ServiceStatus:
    """Read the traffic back until it is what was asked for."""
    deadline = time.monotonic() + timeout
    revision = ready.revision_of(status, service.storage_uri)
    while status.rolled_out != revision and _share(status, revision) != service.canary_percent:
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"{service.namespace}/{service.name}: {revision} did not get "
                f"{service.canary_percent} %: {status.traffic}"
            )
        time.sleep(POLL_SECONDS)
        status = traffic.observe(service.namespace, service.name) or status
    return status


def _endpoint(service: ServiceSpec, status: ServiceStatus, reason: str) -> Endpoint:
    revision = ready.revision_of(status, service.storage_uri)
    return Endpoint(
        pushed=True,
        reason=reason,
        name=service.name,
        namespace=service.namespace,
        revision=revision,
        url=status.url,
        storage_uri=service.storage_uri,
        percent=_share(status, revision),
    )


def push(request: PushRequest, target: Path) -> Endpoint:
    """Publish and deliver a blessed model; write `endpoint.json` into the folder `target`.

    Raises:
        ParameterError: parameters are wrong; all are named.
        DataError: the outcome is unreadable, there is no model, or it does not load.
        NotReadyError: the revision is not ready in time, or there is no way to deliver.
    """
    _check(request)
    service = request.service
    blessing = outcome.read(request.outcome)
    if blessing.passed:
        root = storage.local_path(request.model_root).resolve()
        folder = publish(request.sources, root / service.name, service.name)
        uri = str(release.model_folder(folder))
        with connect() as traffic:
            found = _deliver(traffic, replace(service, storage_uri=uri), request.ready_timeout)
    else:
        found = Endpoint(
            pushed=False,
            reason=f"not pushed: {blessing.summary()}",
            name=service.name,
            namespace=service.namespace,
        )
    logger.warning("%s/%s: %s", found.namespace, found.name, found.reason)
    with atomic.published(target) as temporary:
        temporary.mkdir()
        (temporary / "endpoint.json").write_text(json.dumps(found.as_metadata(), indent=1))
    return found
