"""Traffic on a cluster: each service in the way that it has, or that it asks for.

the service                                       its way
-----------------------------------------------   ----------------------------------------------
InferenceService in Knative mode                  `knative`
InferenceService in Standard mode, made by us     `canary_spec`, whatever KServe says of itself
  or where KServe says that it routes canaries
  else                                            refused: nothing would be routed
HTTPRoute of its name, made by us                 `http_route`, whatever KServe says of itself
none yet: Knative mode is asked for               `knative`
  Standard mode, and KServe says that it routes   `canary_spec`; seen to be true at the first shift
  else                                            `http_route`

A service keeps its way when KServe is upgraded: none is moved from one to another while it is live.
"""

import json
from typing import Any

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import (
    CONFIG_MAPS,
    HTTP_ROUTES,
    INFERENCE_SERVICES,
    Object,
)
from kanaria.serving.protocol.annotation_names import (
    DEPLOYMENT_MODE,
    LATEST_ANNOTATION,
    SERVICE_ANNOTATION,
)
from kanaria.serving.traffic import canary_variants
from kanaria.serving.traffic.canary_spec import CanarySpecTraffic
from kanaria.serving.traffic.gateways import gateway_of, says_it_routes_canaries
from kanaria.serving.traffic.http_route import HttpRouteTraffic
from kanaria.serving.traffic.knative import KnativeTraffic
from kanaria.serving.traffic.traffic_protocol import Manifest, ServiceStatus, Traffic

KNATIVE, STANDARD = "Knative", "Standard"
CANARY_SPEC = "Standard with spec.canary"
NAMES = {
    "Serverless": KNATIVE,
    "Knative": KNATIVE,
    "RawDeployment": STANDARD,
    "Standard": STANDARD,
}
"""KServe's names of the modes, old and new."""


def mode_of(manifest: Manifest, default: str) -> str:
    """Return the mode a manifest asks for, KNATIVE or STANDARD.

    Args:
        manifest: an InferenceService.
        default: KServe's configured mode, for a manifest without the annotation.

    Raises:
        ParameterError: the mode cannot shift traffic, or the manifest routes by `spec.canary`.
    """
    if "canary" in manifest["spec"]:
        raise ParameterError(
            "spec.canary: KServe 0.20 makes Deployments of it and routes nothing to them, and a "
            "later one routes what rollouts write; leave it out, the rollout shifts traffic itself"
        )
    mode = manifest["metadata"].get("annotations", {}).get(DEPLOYMENT_MODE, default)
    if mode not in NAMES:
        raise ParameterError(
            f"{DEPLOYMENT_MODE}={shown(mode)}: cannot shift traffic; use Knative or Standard"
        )
    return NAMES[mode]


class ClusterTraffic:
    """The Traffic of a cluster."""

    def __init__(self, cluster: KubernetesClient) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def stage(self, manifest: Manifest) -> None:
        """Apply the manifest with its model at 0 %, in the mode that it asks for.

        Raises:
            ParameterError: the mode is not one that can shift traffic, or not the one that the
                service has.
        """
        config_map = self._cluster.get(CONFIG_MAPS, "kserve", "inferenceservice-config") or {}
        deploy: dict[str, Any] = json.loads(config_map.get("data", {}).get("deploy", "{}"))
        mode = mode_of(manifest, deploy.get("defaultDeploymentMode", KNATIVE))
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        current = self._current(namespace, name)
        if current not in ("", mode) and (mode, current) != (STANDARD, CANARY_SPEC):
            raise ParameterError(
                f"{namespace}/{name}: runs in {current} mode, {mode} is asked for; "
                "KServe cannot change it, use another service.name"
            )
        if not current and mode == STANDARD and says_it_routes_canaries(self._cluster):
            current = CANARY_SPEC
        self._of(current or mode).stage(manifest)

    def observe(self, namespace: str, name: str) -> ServiceStatus | None:
        """Return the service's status, or None when there is no such service."""
        mode = self._current(namespace, name)
        return self._of(mode).observe(namespace, name) if mode else None

    def shift(self, namespace: str, name: str, percent: int, revision: str = "") -> None:
        """Give the newest revision `percent` of the requests, 0 to 100."""
        self._existing(namespace, name).shift(namespace, name, percent, revision)

    def promote(self, namespace: str, name: str, revision: str = "") -> None:
        """Give the newest revision all requests and make it the stable one."""
        self._existing(namespace, name).promote(namespace, name, revision)

    def mirror(self, namespace: str, name: str, percent: int) -> None:
        """Send the newest revision a copy of `percent` of the requests, 0 to 100."""
        self._existing(namespace, name).mirror(namespace, name, percent)

    def rollback(self, namespace: str, name: str, revision: str = "") -> None:
        """Give the stable revision all requests; after a promotion, the one before it."""
        self._existing(namespace, name).rollback(namespace, name, revision)

    def _current(self, namespace: str, name: str) -> str:
        """Return the way of an existing service, "" when there is none."""
        service = self._cluster.get(INFERENCE_SERVICES, namespace, name)
        if service is not None:
            return self._way(service)
        route = self._cluster.get(HTTP_ROUTES, namespace, name)
        # That of an InferenceService that is gone stays a moment longer.
        is_ours = route is not None and LATEST_ANNOTATION in route["metadata"].get(
            "annotations", {}
        )
        return STANDARD if is_ours else ""

    def _way(self, service: Object) -> str:
        metadata = service["metadata"]
        requested = (metadata.get("annotations") or {}).get(DEPLOYMENT_MODE, KNATIVE)
        mode = service.get("status", {}).get("deploymentMode", requested)
        if NAMES.get(mode) == KNATIVE:
            return KNATIVE
        is_part = SERVICE_ANNOTATION in metadata.get("labels", {})  # Of one in the way http_route.
        knows = canary_variants.is_own(service) or says_it_routes_canaries(self._cluster)
        routes = knows and not is_part
        if NAMES.get(mode) != STANDARD or not routes:
            raise ParameterError(
                f"{metadata['namespace']}/{metadata['name']}: an InferenceService in {mode} mode "
                "has no traffic to shift; use another service.name, push_model makes its own"
            )
        return CANARY_SPEC

    def _existing(self, namespace: str, name: str) -> Traffic:
        mode = self._current(namespace, name)
        if not mode:
            raise ParameterError(f"service {namespace}/{name}: unknown; stage a manifest first")
        return self._of(mode)

    def _of(self, mode: str) -> Traffic:
        if mode == CANARY_SPEC:
            return CanarySpecTraffic(self._cluster)
        if mode == STANDARD:
            return HttpRouteTraffic(self._cluster, gateway_of(self._cluster))
        return KnativeTraffic(self._cluster)
