"""The work of push_model."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kanaria.components.push.deliver import Endpoint, deliver
from kanaria.components.push.publish import Sources, publish
from kanaria.components.shared import atomic, outcome, release, serving_samples, storage
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.parameters import Faults
from kanaria.serving.checks import policy, report
from kanaria.serving.checks.run import Checks
from kanaria.serving.inference_service.check import check
from kanaria.serving.inference_service.spec import ServiceSpec
from kanaria.serving.traffic.connect import cluster, connect

logger = logging.getLogger(__name__)

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
        checks: limits of the checks before any traffic; {} for the defaults.
        samples: serving samples of the model, or None.
        report: file for what the checks found, or None.
    """

    sources: Sources
    outcome: Path
    model_root: str
    service: ServiceSpec
    ready_timeout: int
    checks: Mapping[str, Any] = field(default_factory=dict)
    samples: Path | None = None
    report: Path | None = None


def _check(request: PushRequest) -> None:
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
    policy.parse(request.checks, faults)
    faults.raise_if_any()


def _served(uri: str) -> str:
    """Return the URI as KServe reads it: it knows `s3://` only, wherever that leads."""
    scheme, separator, rest = uri.partition("://")
    return f"s3://{rest}" if separator and scheme == "minio" else uri


def _gate(request: PushRequest) -> Checks:
    return Checks(
        policy=policy.parse(request.checks, Faults("push_model")),
        model=request.sources.model,
        samples=serving_samples.read(request.samples) if request.samples else None,
        cluster=cluster(),
    )


def push(request: PushRequest, target: Path) -> Endpoint:
    """Publish and deliver a blessed model; write `endpoint.json` into the folder `target`.

    Raises:
        ParameterError: parameters are wrong; all are named.
        DataError: the outcome is unreadable, there is no model, or it does not load.
        NotReadyError: a store does not answer, the revision is not ready in time, or there is
            no way to deliver.
    """
    _check(request)
    service = request.service
    blessing = outcome.read(request.outcome)
    if blessing.passed:
        root = storage.absolute(request.model_root)
        lineage = {"service": service.name, "outcome": blessing.summary()}
        published = publish(request.sources, storage.join(root, service.name), lineage)
        service = replace(service, storage_uri=_served(storage.join(published, release.MODEL)))
        pending = f"{published}.{service.namespace}{PENDING}"
        with connect() as traffic:
            gate = _gate(request)
            found = deliver(traffic, service, request.ready_timeout, pending, gate)
    else:
        found = Endpoint(
            pushed=False,
            reason=f"not pushed: {blessing.summary()}",
            name=service.name,
            namespace=service.namespace,
        )
    logger.warning("%s/%s: %s", found.namespace, found.name, found.reason)
    _write(found, target, request.report)
    return found


def _write(found: Endpoint, target: Path, page: Path | None) -> None:
    if page:
        title = f"Checks of {found.namespace}/{found.name}"
        atomic.write_text(page, report.page(found.checks, title, found.reason))
    with atomic.published(target) as temporary:
        temporary.mkdir()
        (temporary / "endpoint.json").write_text(json.dumps(found.as_metadata(), indent=1))
