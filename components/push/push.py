"""The work of push_model."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from kanaria.components.push import storage_access
from kanaria.components.push.active_rollout import ActiveRollouts, NoRollouts, OnActive, make_way
from kanaria.components.push.deliver import Endpoint, deliver
from kanaria.components.push.lineage import Lineage, marked
from kanaria.components.push.publish import Sources, publish
from kanaria.components.push.storage_access import PodAccess
from kanaria.components.shared import atomic, outcome, release, storage
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.parameters import Faults
from kanaria.serving.inference_service.check import check
from kanaria.serving.inference_service.spec import ServiceSpec
from kanaria.serving.traffic.connect import connect

logger = logging.getLogger(__name__)

NO_ROLLOUTS = NoRollouts()
PENDING = ".pending"
"""Ending of the file beside a release that says its push has begun and not ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PushRequest:
    """What to push and how to serve it.

    Attributes:
        sources: model, schema and statistics artifacts.
        outcome: the blessing.
        model_root: folder or URI below which releases are published.
        service: how to serve; its `storage_uri` is filled in here.
        ready_timeout: seconds to wait for the revision, more than 0.
        lineage: where the model comes from; its `model_version` is filled in here.
        on_active: what to do while a rollout of the service is active, an `OnActive`.
        create_storage_secret: whether the pods get this step's credentials for the model root.
    """

    sources: Sources
    outcome: Path
    model_root: str
    service: ServiceSpec
    ready_timeout: int
    lineage: Lineage = field(default_factory=Lineage)
    on_active: str = OnActive.REFUSE
    create_storage_secret: bool = False


def _check(request: PushRequest) -> PodAccess | None:
    """Raise all faults at once; return the access that the pods are to get, if any."""
    faults = Faults("push_model")
    # The URI is known once the release is published; it will lie below the root.
    check(replace(request.service, storage_uri=request.model_root or "/"), faults)
    faults.check(bool(request.model_root), "model_root", "", "name the folder of releases")
    try:
        storage.check(request.model_root)
    except ParameterError as error:
        faults.add(f"model_root: {error}")
    timeout = request.ready_timeout
    faults.check(timeout > 0, "ready_timeout", timeout, "use more than 0 seconds")
    known = request.on_active in tuple(OnActive)
    faults.check(known, "on_active", request.on_active, f"use {' or '.join(OnActive)}")
    access = None
    try:
        if request.create_storage_secret:
            access = storage_access.of(request.service, request.model_root)
    except ParameterError as error:
        faults.add(str(error))
    faults.raise_if_any()
    return access


def _served(uri: str) -> str:
    """Return the URI as KServe reads it: it knows `s3://` only, wherever that leads."""
    scheme, separator, rest = uri.partition("://")
    return f"s3://{rest}" if separator and scheme == "minio" else uri


def _preparation(
    request: PushRequest, rollouts: ActiveRollouts, published: str, access: PodAccess | None
) -> Callable[[], None]:
    """Return what comes before the release is staged."""

    def prepare() -> None:
        service, on_active = request.service, OnActive(request.on_active)
        who = f"push_model of {published}"
        make_way(rollouts, service.namespace, service.name, on_active, who)
        if access:
            storage_access.create(access)

    return prepare


def push(request: PushRequest, target: Path, rollouts: ActiveRollouts = NO_ROLLOUTS) -> Endpoint:
    """Publish and deliver a blessed model; write `endpoint.json` into the folder `target`.

    Args:
        request: what to push and how to serve it.
        target: new folder for the endpoint.
        rollouts: where active rollouts are kept.

    Raises:
        ParameterError: parameters are wrong; all are named.
        DataError: the outcome is unreadable, there is no model, or it does not load.
        NotReadyError: a store does not answer, the revision is not ready in time, or there is
            no way to deliver.
    """
    access = _check(request)
    service = storage_access.used(request.service, access) if access else request.service
    blessing = outcome.read(request.outcome)
    if blessing.passed:
        root = storage.absolute(request.model_root)
        told = {"service": service.name, "outcome": blessing.summary()}
        published = publish(request.sources, storage.join(root, service.name), told)
        service = replace(service, storage_uri=_served(storage.join(published, release.MODEL)))
        version = published.rpartition("/")[2]
        service = marked(service, replace(request.lineage, model_version=version))
        pending = f"{published}.{service.namespace}{PENDING}"
        prepare = _preparation(request, rollouts, published, access)
        with connect() as traffic:
            found = deliver(traffic, service, request.ready_timeout, pending, prepare)
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
