"""The work of push_model."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanaria.components.push import (
    model_runtime,
    pending_mark,
    release_card,
    release_signature,
    storage_access,
)
from kanaria.components.push.active_rollout import Rollouts
from kanaria.components.push.deliver_release import Endpoint, deliver
from kanaria.components.push.lineage import Lineage, marked
from kanaria.components.push.publish_release import Sources, publish
from kanaria.components.push.push_tracking import PushTracking, ServedRelease
from kanaria.components.push.push_trail import PushTrail, blessed_by, pusher
from kanaria.components.push.release_card import CardSources, PublishedRelease
from kanaria.components.push.storage_access import PodAccess
from kanaria.components.shared.artifacts import (
    outcome,
    release,
    serving_samples,
    trigger_cause,
)
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, KanariaError, ParameterError
from kanaria.components.shared.storage import atomic, uri_files
from kanaria.serving import delivery_mapping
from kanaria.serving.checks import check_limits, checks_page
from kanaria.serving.checks.push_checks import Checks
from kanaria.serving.delivery_mapping import Delivery
from kanaria.serving.inference_service import service_mapping
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.model_card.card import Card
from kanaria.serving.model_registry import tracking_settings
from kanaria.serving.model_registry.tracking_settings import Tracking
from kanaria.serving.rollout.control import registered_aliases
from kanaria.serving.rollout.control.environment import Place, connect
from kanaria.serving.rollout.policy import rollout_policy as policies
from kanaria.serving.signature_keys import SignatureKeys
from kanaria.serving.traffic.find_traffic import namespace_of

if TYPE_CHECKING:  # Local serving loads no Kubernetes client.
    from kanaria.serving.kubernetes_api.client import KubernetesClient

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PushRequest:
    """What to push and how to serve it.

    Attributes:
        sources: model, schema and statistics artifacts.
        outcomes: verdicts that must all have passed, the blessing first.
        model_root: folder or URI below which releases are published.
        service: how to serve, in the words of an InferenceService.
        delivery: how the release comes to its traffic; {} for the defaults.
        samples: serving samples of the model, or None.
        report: file for what the checks found, or None.
        lineage: where the model comes from; its `model_version` and `evaluation` are filled in.
        rollout_policy_file: policy of the rollout that follows, "" for none; with one, a revision
            beside a stable one stays at 0 %.
        card: what the model card is made of beside the release.
        tracking: the MLflow server that is told of it; {} for none.
    """

    sources: Sources
    outcomes: tuple[Path, ...]
    model_root: str
    service: Mapping[str, Any]
    delivery: Mapping[str, Any] = field(default_factory=dict)
    samples: Path | None = None
    report: Path | None = None
    lineage: Lineage = field(default_factory=Lineage)
    rollout_policy_file: str = ""
    card: CardSources = field(default_factory=CardSources)
    tracking: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Settings:
    """What a request asks for once nothing in it is wrong; `access` is what the pods are to get."""

    service: ServiceSpec
    delivery: Delivery
    keys: SignatureKeys
    access: PodAccess | None
    tracking: Tracking | None


def _checked(request: PushRequest) -> _Settings:
    """Return what is asked for; raise all faults at once."""
    faults = Faults("push_model")
    service = service_mapping.parse(request.service, faults, namespace_of)
    delivery_settings = delivery_mapping.parse(request.delivery, faults)
    faults.check(bool(request.model_root), "model_root", "", "name the folder of releases")
    try:
        uri_files.check(request.model_root)
    except ParameterError as error:
        faults.add(f"model_root: {error}")
    _check_rollout(request.rollout_policy_file, faults)
    keys = release_signature.keys_of(delivery_settings, faults)
    tracking = _tracking(request, service.name, faults)
    access = None
    try:
        if service.storage.create:
            access = storage_access.of(service, request.model_root)
    except ParameterError as error:
        faults.add(str(error))
    faults.raise_if_any()
    return _Settings(
        service=service, delivery=delivery_settings, keys=keys, access=access, tracking=tracking
    )


def _tracking(request: PushRequest, service: str, faults: Faults) -> Tracking | None:
    """Return how the run is tracked; it is found again by its id alone."""
    tracking = tracking_settings.within(request.tracking, faults, os.environ)
    if tracking is None:
        return None
    is_named = bool(request.lineage.run_id or tracking.mlflow_run_id)
    faults.check(is_named, "run_id", "", "tracking needs it: dsl.PIPELINE_JOB_ID_PLACEHOLDER")
    try:
        tracking_settings.model_name(tracking, service)
    except ParameterError as error:
        faults.add(str(error))
    return tracking


def _check_rollout(uri: str, faults: Faults) -> None:
    """Read the policy of the rollout that follows: nothing is delivered under a faulty one."""
    try:
        if uri:
            policies.parse(uri_files.read_text(uri), uri)
    except (ParameterError, DataError) as error:
        faults.add(f"rollout_policy_file: {error}")


def _served(uri: str) -> str:
    """Return the URI as KServe reads it: it knows `s3://` only, wherever that leads."""
    scheme, separator, rest = uri.partition("://")
    return f"s3://{rest}" if separator and scheme == "minio" else uri


def _gate(request: PushRequest, settings: Delivery, reached: "KubernetesClient | None") -> Checks:
    return Checks(
        policy=check_limits.parse(settings.checks, Faults("push_model")),
        model=request.sources.model,
        samples=serving_samples.read(request.samples) if request.samples else None,
        cluster=reached,
        ready_seconds=settings.ready_timeout,
    )


def push(request: PushRequest, target: Path) -> Endpoint:
    """Publish and deliver a blessed model; write `endpoint.json` into the folder `target`.

    Raises:
        ParameterError: parameters are wrong; all are named.
        DataError: an outcome did not pass or is unreadable, there is no model, or it does not
            load.
        NotReadyError: a store does not answer, the revision is not ready in time, a rollout is
            active and not to be superseded, or there is no way to deliver.
    """
    settings = _checked(request)
    tracked = PushTracking(settings.tracking, request.lineage)
    blessing = outcome.read(request.outcomes[0])
    tracked.begin(blessing, request.card.evaluation)
    outcome.require_passed(*request.outcomes)
    endpoint = _delivered(request, settings, blessing, tracked)
    logger.warning("%s/%s: %s", endpoint.namespace, endpoint.name, endpoint.reason)
    _write(endpoint, target, request.report)
    return endpoint


@dataclass(frozen=True, kw_only=True, slots=True)
class _Published:
    """A release in its store: its folder, its card, and the service that is to serve it."""

    folder: str
    card: Card
    service: ServiceSpec


def _published(request: PushRequest, settings: _Settings, blessing: Outcome) -> _Published:
    """Publish the release, sign it and write its card; nothing points at it yet."""
    access = settings.access
    service = model_runtime.served(settings.service, request.sources.model)
    service = storage_access.used(service, access) if access else service
    lineage = replace(request.lineage, evaluation=blessing.evaluation)
    record = lineage.recorded(service.name, blessing.summary())
    root = uri_files.join(uri_files.resolved(request.model_root), service.name)
    with model_runtime.laid_out(request.sources, service.name) as sources:
        folder = publish(sources, root, record)
        release_signature.settle(folder, sources, settings.keys)
    percent = 0 if request.rollout_policy_file else service.canary_percent
    uri = _served(uri_files.join(folder, release.MODEL))
    service = marked(
        replace(service, canary_percent=percent, storage_uri=uri),
        replace(request.lineage, model_version=folder.rpartition("/")[2]),
    )
    return _Published(folder=folder, card=_card(folder, request, settings), service=service)


def _delivered(
    request: PushRequest, settings: _Settings, blessing: Outcome, tracked: PushTracking
) -> Endpoint:
    """Publish the release and deliver it."""
    published, access = _published(request, settings, blessing), settings.access
    service = published.service
    pending = f"{published.folder}.{service.namespace}{pending_mark.ENDING}"
    # A push that was killed left what nobody may serve now.
    with connect(needs_server=uri_files.exists(pending)) as place:
        if place.cluster:
            packages = request.lineage.training.get("packages", {})
            model_runtime.tell_versions(service, packages)
        trail = _trail(place, service, request.lineage, blessing)

        def prepare() -> None:
            trail.begin(blessing.summary())
            if access and place.cluster:
                storage_access.create(access, place.cluster)

        rollouts = Rollouts(
            world=place.world(reads=False),
            namespace=service.namespace,
            service=service.name,
            on_active=settings.delivery.on_active,
            who=f"push_model of {published.folder}",
        )
        gate = _gate(request, settings.delivery, place.cluster)
        timeout = settings.delivery.ready_timeout
        try:
            endpoint = deliver(place.traffic, service, timeout, pending, gate, prepare, rollouts)
        except KanariaError as error:
            trail.fail(error)
            raise
        trail.end(endpoint)
        release_card.finish(published.card, place.trails, request.card.page)
        pushed = ServedRelease(
            folder=published.folder,
            record=release.read_record(published.folder),
            endpoint=endpoint,
            model_uri=service.storage_uri,
        )
        tracked.end(pushed, place.trails)
        registered_aliases.catch_up(place, service.namespace, service.name)
        return endpoint


def _card(published: str, request: PushRequest, settings: _Settings) -> Card:
    pushed = PublishedRelease(
        uri=published,
        namespace=settings.service.namespace,
        outcomes=tuple(outcome.read(each) for each in request.outcomes),
        samples=request.samples,
        has_detector=request.sources.drift_detector is not None,
        fields=settings.delivery.card,
    )
    return release_card.written(pushed, request.card)


def _trail(place: Place, service: ServiceSpec, lineage: Lineage, blessing: Outcome) -> PushTrail:
    facts = {
        "release": service.storage_uri.split("/")[-2],
        "pipeline": lineage.pipeline,
        "data_span": lineage.data_span,
        "trigger": trigger_cause.in_words(lineage.trigger),
    }
    return PushTrail(
        trails=place.trails,
        namespace=service.namespace,
        service=service.name,
        uri=service.storage_uri,
        who=pusher(lineage.run_id),
        numbers=blessed_by(blessing, service.canary_percent or 0, facts),
    )


def _write(endpoint: Endpoint, target: Path, page: Path | None) -> None:
    if page:
        title = f"Checks of {endpoint.namespace}/{endpoint.name}"
        atomic.write_text(page, checks_page.page(endpoint.checks, title, endpoint.reason))
    with atomic.published(target) as temporary:
        temporary.mkdir()
        text = json.dumps(release.ENDPOINT_FORMAT.numbered(endpoint.as_metadata()), indent=1)
        (temporary / release.ENDPOINT).write_text(text, encoding="utf-8")
