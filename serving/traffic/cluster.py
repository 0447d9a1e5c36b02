"""Traffic on a cluster: each service by the deployment mode that it has, or that it asks for."""

import json
from typing import Any

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.serving.kubernetes_client import (
    CONFIG_MAPS,
    HTTP_ROUTES,
    INFERENCE_SERVICES,
    KubernetesClient,
)
from kanaria.serving.traffic.gateways import gateway_of
from kanaria.serving.traffic.http_route import DEPLOYMENT_MODE, HttpRouteTraffic
from kanaria.serving.traffic.knative import KnativeTraffic
from kanaria.serving.traffic.protocol import Manifest, ServiceStatus, Traffic

KNATIVE, STANDARD = "Knative", "Standard"
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
            "spec.canary: KServe 0.20 makes Deployments of it and routes nothing to them; "
            "leave it out, the rollout shifts traffic itself"
        )
    asked = manifest["metadata"].get("annotations", {}).get(DEPLOYMENT_MODE, default)
    if asked not in NAMES:
        raise ParameterError(
            f"{DEPLOYMENT_MODE}={shown(asked)}: cannot shift traffic; use Knative or Standard"
        )
    return NAMES[asked]


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
        found = self._cluster.get(CONFIG_MAPS, "kserve", "inferenceservice-config") or {}
        deploy: dict[str, Any] = json.loads(found.get("data", {}).get("deploy", "{}"))
        mode = mode_of(manifest, deploy.get("defaultDeploymentMode", KNATIVE))
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        current = self._current(namespace, name)
        if current not in ("", mode):
            raise ParameterError(
                f"{namespace}/{name}: runs in {current} mode, {mode} is asked for; "
                "KServe cannot change it, use another service_name"
            )
        self._of(mode).stage(manifest)

    def observe(self, namespace: str, name: str) -> ServiceStatus | None:
        """Return the service's status, or None when there is no such service."""
        mode = self._current(namespace, name)
        return self._of(mode).observe(namespace, name) if mode else None

    def shift(self, namespace: str, name: str, percent: int) -> None:
        """Give the newest revision `percent` of the requests, 0 to 100."""
        self._existing(namespace, name).shift(namespace, name, percent)

    def promote(self, namespace: str, name: str) -> None:
        """Give the newest revision all requests and make it the stable one."""
        self._existing(namespace, name).promote(namespace, name)

    def mirror(self, namespace: str, name: str, percent: int) -> None:
        """Send the newest revision a copy of `percent` of the requests, 0 to 100."""
        self._existing(namespace, name).mirror(namespace, name, percent)

    def rollback(self, namespace: str, name: str) -> None:
        """Give the stable revision all requests; after a promotion, the one before it."""
        self._existing(namespace, name).rollback(namespace, name)

    def _current(self, namespace: str, name: str) -> str:
        """Return the mode of an existing service, "" when there is none."""
        service = self._cluster.get(INFERENCE_SERVICES, namespace, name)
        if service is not None:
            mode = service.get("status", {}).get("deploymentMode", KNATIVE)
            if NAMES.get(mode) != KNATIVE:
                raise ParameterError(
                    f"{namespace}/{name}: an InferenceService in {mode} mode has no traffic to "
                    "shift; use another service_name, push_model makes its own"
                )
            return KNATIVE
        route = self._cluster.get(HTTP_ROUTES, namespace, name)
        return STANDARD if route is not None else ""

    def _existing(self, namespace: str, name: str) -> Traffic:
        mode = self._current(namespace, name)
        if not mode:
            raise ParameterError(f"service {namespace}/{name}: unknown; stage a manifest first")
        return self._of(mode)

    def _of(self, mode: str) -> Traffic:
        if mode == STANDARD:
            return HttpRouteTraffic(self._cluster, gateway_of(self._cluster))
        return KnativeTraffic(self._cluster)
