"""Traffic over KServe's Knative mode: `canaryTrafficPercent` of one InferenceService.

Facts it rests on (KServe 0.20, Knative 1.21): a change of the pod template makes a revision; the
field splits traffic between the newest *ready* revision and the last that had all of it; unset
means all for the newest; 0 on a service without a canary restores the revision before.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.inference_service.service_manifest import STORAGE_URI
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import INFERENCE_SERVICES, REVISIONS, Object
from kanaria.serving.protocol.annotation_names import SERVICE_LABEL, SOURCE_URI, VERSION_ANNOTATION
from kanaria.serving.traffic.canary_percent import CanaryPercentTraffic
from kanaria.serving.traffic.compare_and_swap import swap
from kanaria.serving.traffic.shadow_rules import NO_COPIES
from kanaria.serving.traffic.traffic_protocol import LoadFailure, Manifest, ServiceStatus
from kanaria.serving.traffic.transformer_rules import require_same_inputs

FAILED = ("BlockedByFailedLoad", "InvalidSpec")
CLUSTER_DOMAIN = "svc.cluster.local"
"""Where names of Services end inside a cluster."""


class KnativeTraffic(CanaryPercentTraffic):
    """The Traffic of InferenceServices in Knative mode."""

    def __init__(self, cluster: KubernetesClient) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def stage(self, manifest: Manifest) -> None:
        """Apply the manifest with its model at 0 %; a model that is applied is left as it is.

        Raises:
            ParameterError: the API refuses the manifest, or its features would be those of the
                stable model, too.
            ConflictError: another field manager owns a field of it.
        """
        staged = deepcopy(dict(manifest))
        metadata, predictor = staged["metadata"], staged["spec"]["predictor"]
        applied = self._cluster.get(INFERENCE_SERVICES, metadata["namespace"], metadata["name"])
        # 0 % for a revision that has all traffic would restore the one before it.
        if applied is not None and uri_of(applied) == uri_of(staged):
            return
        predictor["canaryTrafficPercent"] = 0
        if applied is None:
            self._cluster.apply(INFERENCE_SERVICES, metadata["namespace"], staged)
            return
        require_same_inputs(applied, staged)

        def write(service: Object) -> None:
            metadata["resourceVersion"] = service["metadata"]["resourceVersion"]
            self._cluster.apply(INFERENCE_SERVICES, metadata["namespace"], staged)

        read = partial(self._existing, metadata["namespace"], metadata["name"])
        swap(applied, read, _model_and_percent, _model_and_percent(staged), write)

    def observe(self, namespace: str, name: str) -> ServiceStatus | None:
        """Return the service's status, or None when there is no such service."""
        service = self._cluster.get(INFERENCE_SERVICES, namespace, name)
        if service is None:
            return None
        return status_of(service, self._revisions(namespace, name))

    def mirror(self, namespace: str, name: str, _percent: int, /) -> None:
        """Refuse: neither KServe nor Knative copies requests, at any percentage.

        Raises:
            ParameterError: always; it names the ways that there are.
        """
        raise ParameterError(f"{namespace}/{name}: {NO_COPIES}")

    def _set_percent(
        self,
        namespace: str,
        name: str,
        percent: int | None,
        require: Callable[[str, ServiceStatus], None],
    ) -> None:
        patch = {"spec": {"predictor": {"canaryTrafficPercent": percent}}}

        def check(service: Object) -> None:
            require(f"{namespace}/{name}", _rests_on(service, self._revisions(namespace, name)))

        def write(service: Object) -> None:
            check(service)
            version = service["metadata"]["resourceVersion"]
            self._cluster.merge_patch(INFERENCE_SERVICES, namespace, name, patch, version)

        read = partial(self._existing, namespace, name)
        service = read()
        # What is refused is no conflict between writes, even where the percentage stands already.
        check(service)
        swap(service, read, _model_and_percent, (uri_of(service), percent), write)

    def _existing(self, namespace: str, name: str) -> Object:
        service = self._cluster.get(INFERENCE_SERVICES, namespace, name)
        if service is None:
            raise ParameterError(f"service {namespace}/{name}: unknown; stage a manifest first")
        return service

    def _revisions(self, namespace: str, name: str) -> list[Object]:
        return self._cluster.list(REVISIONS, namespace, f"{SERVICE_LABEL}={name}")


def uri_of(service: Mapping[str, Any]) -> str:
    """Return the storageUri of an InferenceService's model, or ""."""
    predictor = service["spec"]["predictor"]
    containers = predictor.get("containers", [])
    environment = [entry for container in containers for entry in container.get("env", [])]
    custom = [entry["value"] for entry in environment if entry["name"] == STORAGE_URI]
    return str(predictor.get("model", {}).get("storageUri") or next(iter(custom), ""))


def failure_of(model_status: Mapping[str, Any]) -> LoadFailure | None:
    """Return why a model did not load, from KServe's `modelStatus`, or None."""
    failure = model_status.get("lastFailureInfo")
    # KServe leaves the text there when a later model has loaded.
    if not failure or model_status.get("transitionStatus") not in FAILED:
        return None
    # Who is killed for memory leaves no message, only 137.
    code = [f"exit code {failure['exitCode']}"] if failure.get("exitCode") else []
    message = ", ".join([*filter(None, [failure.get("message", "").strip()]), *code])
    return LoadFailure(reason=failure.get("reason", ""), message=message)


def status_of(service: Mapping[str, Any], revisions: list[dict[str, Any]]) -> ServiceStatus:
    """Return what an InferenceService and its Knative revisions say; pure."""
    status = service.get("status", {})
    predictor = status.get("components", {}).get("predictor", {})
    model = status.get("modelStatus", {})
    shares: dict[str, int] = {}
    for target in predictor.get("traffic", []):
        revision = target.get("revisionName", "")
        # Before the newest is ready, both targets name the stable revision.
        shares[revision] = shares.get(revision, 0) + target.get("percent", 0)
    annotations = {
        one["metadata"]["name"]: one["metadata"].get("annotations", {}) for one in revisions
    }
    rolled_out = predictor.get("latestRolledoutRevision", "")
    latest_ready = predictor.get("latestReadyRevision", "")
    # KServe and Knative go on naming a revision that was ready once.
    if latest_ready in _not_ready(revisions):
        latest_ready = rolled_out if rolled_out != latest_ready else ""
    return ServiceStatus(
        storage_uri=uri_of(service),
        canary_percent=service["spec"]["predictor"].get("canaryTrafficPercent"),
        latest_created=predictor.get("latestCreatedRevision", ""),
        latest_ready=latest_ready,
        rolled_out=rolled_out,
        previous_rolled_out=predictor.get("previousRolledoutRevision", ""),
        traffic=tuple(RevisionTraffic(revision=r, percent=p) for r, p in shares.items()),
        transition=model.get("transitionStatus", "InProgress"),
        failure=failure_of(model),
        url=status.get("url", ""),
        revision_uris={name: one.get(SOURCE_URI, "") for name, one in annotations.items()},
        revision_versions={
            name: one.get(VERSION_ANNOTATION, "") for name, one in annotations.items()
        },
        revision_urls={name: _own_url(service, name) for name in annotations},
        ready_copies={
            one["metadata"]["name"]: one.get("status", {}).get("actualReplicas", 0)
            for one in revisions
        },
    )


def _not_ready(revisions: list[dict[str, Any]], *said: str) -> set[str]:
    """Return the names of the revisions whose condition Ready is False now, or else as said."""
    return {
        revision["metadata"]["name"]
        for revision in revisions
        for condition in revision.get("status", {}).get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] in ("False", *said)
    }


def _rests_on(service: Mapping[str, Any], revisions: list[dict[str, Any]]) -> ServiceStatus:
    """Return the status that a change of shares rests on.

    Of a revision below its initial scale Knative says that it is ready, or that nothing is known,
    by turns, and goes on naming it as the latest ready one: it gets no more while that is so.
    """
    status = status_of(service, revisions)
    unsure = status.latest_ready in _not_ready(revisions, "Unknown")
    return replace(status, latest_ready="") if unsure else status


def _model_and_percent(service: Mapping[str, Any]) -> tuple[str, int | None]:
    """Return what of an InferenceService decides who gets requests."""
    return uri_of(service), service["spec"]["predictor"].get("canaryTrafficPercent")


def _own_url(service: Mapping[str, Any], revision: str) -> str:
    """Return the URL of the Kubernetes Service that Knative makes for each revision.

    Without pods it leads to the activator, which starts one and knows the revision by this host.
    """
    return f"http://{revision}.{service['metadata']['namespace']}.{CLUSTER_DOMAIN}"
