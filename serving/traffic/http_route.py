"""Traffic over KServe's Standard mode: an InferenceService a model behind a route of our own.

KServe 0.20 sets no weights in Standard mode and rewrites its own HTTPRoutes, so the weighted
route has a name and a host name of its own, those of the service. A revision is called
`<service>-<8 digits of its URI's hash>`. The stable revision before this one is kept for a
rollback, with its replicas; older ones are deleted.
"""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from kanaria.components.shared.errors import ConflictError, NotReadyError, ParameterError
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import (
    HTTP_ROUTES,
    INFERENCE_SERVICES,
    PODS,
    Object,
)
from kanaria.serving.protocol.annotation_names import (
    DEPLOYMENT_MODE,
    SERVICE_ANNOTATION,
    SERVICE_LABEL,
    VERSION_ANNOTATION,
)
from kanaria.serving.traffic import route_weights
from kanaria.serving.traffic.change_rules import require_percent, require_rollback, require_shift
from kanaria.serving.traffic.compare_and_swap import swap
from kanaria.serving.traffic.gateways import require_mirroring
from kanaria.serving.traffic.knative import CLUSTER_DOMAIN, failure_of, uri_of
from kanaria.serving.traffic.route_weights import Gateway, Routing
from kanaria.serving.traffic.shadow_rules import require_shadow
from kanaria.serving.traffic.traffic_protocol import Manifest, ServiceStatus

DELETION_SECONDS, POLL_SECONDS = 60.0, 0.5
COMPONENT_LABEL, TRANSFORMER = "component", "transformer"
"""KServe's label of what a pod is of its InferenceService."""
LEFT_AFTER = timedelta(hours=1)
"""A push names the revision that it has made in the route within seconds."""


def revision_name(service: str, uri: str) -> str:
    """Return the name of the InferenceService that serves the model at `uri`."""
    return f"{service}-{route_weights.suffix(uri)}"


class HttpRouteTraffic:
    """The Traffic of services in Standard mode."""

    def __init__(self, cluster: KubernetesClient, gateway: Gateway) -> None:
        """Use this cluster and its gateway."""
        self._cluster, self._gateway = cluster, gateway

    def stage(self, manifest: Manifest) -> None:
        """Make an InferenceService of the model and take it into the route at 0 %.

        Raises:
            ParameterError: the name is too long, or the API refuses the manifest.
            NotReadyError: an earlier revision of this model is still being deleted.
        """
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        revision = revision_name(name, uri_of(manifest))
        transformed = bool(manifest["spec"].get("transformer"))
        route_weights.require_short(namespace, name, transformed=transformed)
        own = _own(manifest, name, revision)
        self._make(namespace, revision, own)
        route = self._cluster.get(HTTP_ROUTES, namespace, name)
        if route is None:
            first = route_weights.first(revision, transformed=transformed)
            route = self._first(namespace, name, first)
        routed = self._with_stable(namespace, route)
        if revision not in (routed.latest, routed.rolled_out):
            wanted = route_weights.staged(routed, revision, transformed=transformed)
            self._change(namespace, name, route, wanted)
            # Another push that had not seen it in the route may have deleted it meanwhile.
            self._make(namespace, revision, own)

    def observe(self, namespace: str, name: str) -> ServiceStatus | None:
        """Return the service's status, or None when there is no such service."""
        route = self._cluster.get(HTTP_ROUTES, namespace, name)
        if route is None:
            return None
        services = self._services(namespace, name)
        labels = f"{SERVICE_LABEL} in ({','.join(sorted(services))})"
        pods = self._cluster.list(PODS, namespace, labels) if services else []
        return status_of(route, services, pods)

    def shift(self, namespace: str, name: str, percent: int, revision: str = "") -> None:
        """Give the newest revision `percent` of the requests, 0 to 100.

        Raises:
            ParameterError: there is no such service, or the percentage is out of range.
            NotReadyError: it is more than before, and the newest revision is not ready; or
                nothing is on trial.
            ConflictError: the route has changed in between, or a later revision than the one
                named is in it.
        """
        require_percent("shift", percent)
        route = self._route(namespace, name)
        services = self._services(namespace, name)
        require_shift(f"{namespace}/{name}", status_of(route, services), percent, revision)
        routed = _with_first_ready(route_weights.from_route(route), services)
        self._change(namespace, name, route, route_weights.shifted(routed, percent))

    def promote(self, namespace: str, name: str, revision: str = "") -> None:
        """Give the newest revision all requests and make it the stable one."""
        self.shift(namespace, name, 100, revision)

    def mirror(self, namespace: str, name: str, percent: int) -> None:
        """Send the newest revision a copy of `percent` of the requests, 0 to 100.

        Raises:
            ParameterError: there is no such service, the percentage is out of range, or the
                gateway does not say that it can copy requests.
            NotReadyError: the newest revision is not ready, or answers requests itself.
            ConflictError: the route has changed in between.
        """
        require_percent("mirror", percent)
        route, routed = self._routing(namespace, name)
        if percent:
            ready = _is_ready(self._services(namespace, name).get(routed.latest, {}))
            share = routed.weights.get(routed.latest, 0)
            require_shadow(f"{namespace}/{name}", routed.latest, share=share, ready=ready)
            require_mirroring(self._cluster, self._gateway, percent)
        self._change(namespace, name, route, route_weights.mirrored(routed, percent))

    def rollback(self, namespace: str, name: str, revision: str = "") -> None:
        """Give the stable revision all requests; after a promotion, the one before it.

        Raises:
            NotReadyError: there is no revision to go back to.
            ConflictError: it is another one than `revision`; or the service has changed in between.
        """
        route = self._route(namespace, name)
        services = self._services(namespace, name)
        require_rollback(f"{namespace}/{name}", status_of(route, services), revision)
        routed = _with_first_ready(route_weights.from_route(route), services)
        self._change(namespace, name, route, route_weights.rolled_back(routed))

    def _make(self, namespace: str, revision: str, manifest: Manifest) -> None:
        """Make a revision's InferenceService.

        A revision is its URI: what is there stays as it is, and its pods are not restarted.
        """
        service = self._cluster.get(INFERENCE_SERVICES, namespace, revision)
        deadline = time.monotonic() + DELETION_SECONDS
        while service is not None and "deletionTimestamp" in service["metadata"]:
            if time.monotonic() > deadline:
                raise NotReadyError(f"{namespace}/{revision}: is being deleted; push again later")
            time.sleep(POLL_SECONDS)
            service = self._cluster.get(INFERENCE_SERVICES, namespace, revision)
        if service is None:
            self._cluster.apply(INFERENCE_SERVICES, namespace, manifest)

    def _first(self, namespace: str, name: str, first: Routing) -> Object:
        """Return the route of a new service, or the one that is there in spite of what was read."""
        manifest = route_weights.to_route(first, namespace, name, self._gateway)
        # Never `apply`: it would give a revision that is not ready all traffic of an old service.
        with suppress(ConflictError):
            return self._cluster.create(HTTP_ROUTES, namespace, manifest)
        return self._route(namespace, name)

    def _route(self, namespace: str, name: str) -> Object:
        route = self._cluster.get(HTTP_ROUTES, namespace, name)
        if route is None:
            raise ParameterError(f"service {namespace}/{name}: unknown; stage a manifest first")
        return route

    def _routing(self, namespace: str, name: str) -> tuple[Object, Routing]:
        route = self._route(namespace, name)
        return route, self._with_stable(namespace, route)

    def _with_stable(self, namespace: str, route: Object) -> Routing:
        """Return the route's routing; a first revision is the stable one once it is ready."""
        services = self._services(namespace, route["metadata"]["name"])
        return _with_first_ready(route_weights.from_route(route), services)

    def _services(self, namespace: str, name: str) -> dict[str, Object]:
        labels = f"{SERVICE_ANNOTATION}={name}"
        services = self._cluster.list(INFERENCE_SERVICES, namespace, labels)
        return {service["metadata"]["name"]: service for service in services}

    def _change(self, namespace: str, name: str, route: Object, wanted: Routing) -> None:
        """Make the routing of a route as it was read `wanted`; drop what it leaves out.

        A revision that no route has named is one that another push is about to stage, or, when
        it is old, what a push that was killed has left.
        """
        manifest = route_weights.to_route(wanted, namespace, name, self._gateway)

        def write(route: Object) -> None:
            manifest["metadata"]["resourceVersion"] = route["metadata"]["resourceVersion"]
            self._cluster.apply(HTTP_ROUTES, namespace, manifest)

        swap(route, partial(self._route, namespace, name), route_weights.from_route, wanted, write)
        dropped = route_weights.from_route(route).weights.keys()
        for revision, service in self._services(namespace, name).items():
            if revision not in dropped and not _is_left(service):
                continue
            named = route_weights.from_route(self._route(namespace, name)).weights
            if revision not in named:
                self._cluster.delete(INFERENCE_SERVICES, namespace, revision)


def _own(manifest: Manifest, service: str, revision: str) -> dict[str, Any]:
    """Return the manifest of one revision: a name of its own, Standard mode, no percentage."""
    own = deepcopy(dict(manifest))
    own["metadata"]["name"] = revision
    own["metadata"].setdefault("labels", {})[SERVICE_ANNOTATION] = service
    own["metadata"].setdefault("annotations", {})[DEPLOYMENT_MODE] = "Standard"
    own["metadata"]["annotations"][SERVICE_ANNOTATION] = service
    predictor = own["spec"]["predictor"]
    predictor.pop("canaryTrafficPercent", None)
    if "logger" in predictor:
        # The agent tells the name of this InferenceService; the payload log is the whole service's.
        annotations = predictor["logger"].get("metadataAnnotations", [])
        predictor["logger"]["metadataAnnotations"] = [*annotations, SERVICE_ANNOTATION]
    return own


def _is_left(service: Object) -> bool:
    """Tell whether a revision that no route names is older than any push takes to name it."""
    made = service["metadata"].get("creationTimestamp", "")
    age = datetime.now(UTC) - datetime.fromisoformat(made) if made else timedelta()
    return age > LEFT_AFTER


def _is_ready(service: Object) -> bool:
    """Tell whether what answers is ready: the predictor, and a transformer before it."""
    conditions = service.get("status", {}).get("conditions", [])
    ready = {c["type"] for c in conditions if c["status"] == "True"}
    needed = {"PredictorReady"}
    if service.get("spec", {}).get("transformer"):
        needed.add("TransformerReady")
    return needed <= ready


def _with_first_ready(routed: Routing, services: dict[str, Object]) -> Routing:
    ready = {name for name, service in services.items() if _is_ready(service)}
    return route_weights.with_first_ready(routed, ready)


def ready_copies(services: dict[str, Object], pods: Sequence[Object]) -> dict[str, int]:
    """Return revision -> pods of its model that are ready and not on their way out."""
    ready = Counter(
        pod["metadata"]["labels"][SERVICE_LABEL]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and pod["metadata"]["labels"].get(COMPONENT_LABEL) != TRANSFORMER
        and any(
            (c["type"], c["status"]) == ("Ready", "True")
            for c in pod.get("status", {}).get("conditions", [])
        )
    )
    return {name: ready[name] for name in services}


def status_of(
    route: Object, services: dict[str, Object], pods: Sequence[Object] = ()
) -> ServiceStatus:
    """Return what a route, the InferenceServices behind it and their pods say; pure."""
    routed = _with_first_ready(route_weights.from_route(route), services)
    latest = services.get(routed.latest, {})
    model = latest.get("status", {}).get("modelStatus", {})
    is_live = route_weights.is_accepted(route) and bool(routed.rolled_out)
    hosts, namespace = route["spec"].get("hostnames", []), route["metadata"]["namespace"]
    return ServiceStatus(
        storage_uri=uri_of(latest) if latest else "",
        canary_percent=routed.weights.get(routed.latest),
        mirrored_percent=routed.mirrored,
        latest_created=routed.latest,
        latest_ready=routed.latest if _is_ready(latest) else routed.rolled_out,
        rolled_out=routed.rolled_out,
        previous_rolled_out=routed.previous,
        traffic=route_weights.shares(routed) if is_live else (),
        transition=model.get("transitionStatus", "InProgress"),
        failure=failure_of(model),
        url=f"http://{hosts[0]}" if hosts else "",
        revision_uris={name: uri_of(service) for name, service in services.items()},
        revision_versions={
            name: service["metadata"].get("annotations", {}).get(VERSION_ANNOTATION, "")
            for name, service in services.items()
        },
        revision_urls={
            name: f"http://{name}{route_weights.BACKEND_SUFFIX}.{namespace}.{CLUSTER_DOMAIN}"
            for name in services
        },
        ready_copies=ready_copies(services, pods),
    )
