"""The Gateway that KServe is configured with, and what both can do."""

import json
import re

from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import (
    CONFIG_MAPS,
    GATEWAY_CLASSES,
    GATEWAYS,
    Object,
)
from kanaria.serving.traffic.route_weights import Gateway
from kanaria.serving.traffic.shadow_rules import REMEDY

MIRROR, PERCENTAGE = "HTTPRouteRequestMirror", "HTTPRouteRequestPercentageMirror"
"""Names of features in a GatewayClass' status (Gateway API 1.4, pkg/features)."""
ROUTES_CANARIES = (0, 21)
"""The first version of KServe that gives entries of `spec.canary` weights in its HTTPRoute."""
IMAGES = ("agent", "router", "storageInitializer")
"""Entries of KServe's configuration that name images of its own version."""


def gateway_of(cluster: KubernetesClient) -> Gateway:
    """Return the Gateway that KServe is configured with.

    Raises:
        NotReadyError: KServe uses no Gateway.
    """
    ingress = _entry(_configuration(cluster), "ingress")
    namespace, slash, name = str(ingress.get("kserveIngressGateway", "")).partition("/")
    if not slash:
        raise NotReadyError(
            "kserve/inferenceservice-config: ingress.kserveIngressGateway is not set; "
            "rollouts in Standard mode need the Gateway API"
        )
    return Gateway(namespace=namespace, name=name, domain=ingress.get("ingressDomain", ""))


def says_it_routes_canaries(cluster: KubernetesClient) -> bool:
    """Tell whether KServe's configuration says that it routes `spec.canary` by an HTTPRoute.

    Its images name its version, all of them one that does; images without one say nothing. That it
    really does so is seen at the first shift, see `canary_spec`.
    """
    configuration = _configuration(cluster)
    images = [_entry(configuration, name).get("image", "") for name in IMAGES]
    versions = [_version(image) for image in images if image]
    is_new = bool(versions) and min(versions) >= ROUTES_CANARIES
    return is_new and _entry(configuration, "ingress").get("enableGatewayApi") is True


def _configuration(cluster: KubernetesClient) -> Object:
    config_map = cluster.get(CONFIG_MAPS, "kserve", "inferenceservice-config") or {}
    return dict(config_map.get("data", {}))


def _entry(configuration: Object, name: str) -> Object:
    return dict(json.loads(configuration.get(name, "{}")))


def _version(image: str) -> tuple[int, int]:
    """Return the version in an image's tag, (0, 0) when there is none."""
    match = re.search(r":v?(\d+)\.(\d+)[^:/]*(@|$)", image)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def require_mirroring(cluster: KubernetesClient, gateway: Gateway, percent: int) -> None:
    """Raise a ParameterError unless the gateway says that it can copy `percent` of the requests.

    A gateway that does not know the filter answers the whole route with errors, as the Gateway
    API asks for; so one that does not tell is not tried out on live traffic.
    """
    gateway_object = cluster.get(GATEWAYS, gateway.namespace, gateway.name) or {}
    name = gateway_object.get("spec", {}).get("gatewayClassName", "")
    features_known = features(cluster.get(GATEWAY_CLASSES, "", name) or {}) if name else frozenset()
    missing = {MIRROR, *([PERCENTAGE] if percent < 100 else [])} - features_known
    if missing:
        raise ParameterError(
            f"Gateway {gateway.namespace}/{gateway.name}: its GatewayClass {name!r} does not list "
            f"{', '.join(sorted(missing))} in status.supportedFeatures, so it cannot be "
            f"asked to copy {percent} % of the requests; use a gateway that can, or {REMEDY}"
        )


def features(gateway_class: Object) -> frozenset[str]:
    """Return the names of the features that a GatewayClass says it supports."""
    listed = gateway_class.get("status", {}).get("supportedFeatures", [])
    # Gateway API 1.0 listed names alone.
    return frozenset(feature if isinstance(feature, str) else feature["name"] for feature in listed)
