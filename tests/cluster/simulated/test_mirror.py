"""Copies for a shadow in Standard mode: the routes the API server takes, and who may write them.

The gateway here only says that it can copy requests; nobody serves it, so no request is sent.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from accounts import Account
from cluster_way import ClusterWay
from inference_services import InferenceServices
from kubernetes import dynamic
from traffic_contract import MirrorContract, Rollout

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import HTTP_ROUTES, INFERENCE_SERVICES
from kanaria.serving.traffic.gateways import MIRROR, PERCENTAGE, gateway_of
from kanaria.serving.traffic.http_route import HttpRouteTraffic
from kanaria.serving.traffic.route_weights import Gateway

API_VERSION = "gateway.networking.k8s.io/v1"


@pytest.fixture
def gateway(api: dynamic.DynamicClient, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """A gateway whose class lists the features of the test's parameter, by default both."""
    features = getattr(request, "param", (MIRROR, PERCENTAGE))
    name = f"mirroring-{uuid.uuid4().hex[:8]}"
    classes = api.resources.get(api_version=API_VERSION, kind="GatewayClass")
    gateways = api.resources.get(api_version=API_VERSION, kind="Gateway")

    def made(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}

    classes.create(made("GatewayClass", {"controllerName": "kanaria.test/nobody"}))
    listed = {"supportedFeatures": [{"name": feature} for feature in sorted(features)]}
    classes.status.patch(
        name=name, body={"status": listed}, content_type="application/merge-patch+json"
    )
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    gateways.create(
        made("Gateway", {"gatewayClassName": name, "listeners": [listener]}), namespace="kserve"
    )
    yield Gateway(namespace="kserve", name=name, domain="example.com")
    gateways.delete(name=name, namespace="kserve")
    classes.delete(name=name)


@pytest.fixture
def cluster() -> KubernetesClient:
    return KubernetesClient.connect()


def both_models(way: ClusterWay) -> None:
    """Deploy a model and stage a second one."""
    service = Rollout(way, "tips")
    for model in ("one", "two"):
        service.deploy(model)


class TestMirroringGateway(MirrorContract):
    @pytest.fixture
    def way(
        self, cluster: KubernetesClient, services: InferenceServices, gateway: Gateway
    ) -> ClusterWay:
        return ClusterWay(HttpRouteTraffic(cluster, gateway), services.namespace)


def test_the_controllers_account_copies_requests_and_ends_it(
    cluster: KubernetesClient, rollout: Account, services: InferenceServices, gateway: Gateway
):
    namespace = services.namespace
    both_models(ClusterWay(HttpRouteTraffic(cluster, gateway), namespace))
    shifting = HttpRouteTraffic(rollout.client(), gateway)
    shifting.mirror(namespace, "tips", 30)
    (rule,) = (cluster.get(HTTP_ROUTES, namespace, "tips") or {})["spec"]["rules"]
    _, copying = rule["filters"]
    status = shifting.observe(namespace, "tips")
    assert status
    assert copying["requestMirror"]["backendRef"]["name"] == f"{status.latest_created}-predictor"
    assert copying["requestMirror"]["percent"] == 30
    shifting.mirror(namespace, "tips", 0)
    (rule,) = (cluster.get(HTTP_ROUTES, namespace, "tips") or {})["spec"]["rules"]
    assert "filters" not in rule


def test_the_payload_log_of_every_revision_is_the_services(
    cluster: KubernetesClient, services: InferenceServices, gateway: Gateway
):
    traffic = HttpRouteTraffic(cluster, gateway)
    manifest = ClusterWay(traffic, services.namespace).manifest("tips", "one")
    manifest["spec"]["predictor"]["logger"] = {"url": "http://drift", "mode": "all"}
    traffic.stage(manifest)
    status = traffic.observe(services.namespace, "tips")
    assert status
    own = cluster.get(INFERENCE_SERVICES, services.namespace, status.latest_created) or {}
    assert own["metadata"]["annotations"]["kanaria.io/service"] == "tips"
    assert own["spec"]["predictor"]["logger"]["metadataAnnotations"] == ["kanaria.io/service"]


@pytest.mark.parametrize("gateway", [(), (MIRROR,)], ids=["none", "all or nothing"], indirect=True)
def test_a_gateway_that_does_not_say_it_can_is_not_tried_out(
    cluster: KubernetesClient, services: InferenceServices, gateway: Gateway
):
    traffic = HttpRouteTraffic(cluster, gateway)
    both_models(ClusterWay(traffic, services.namespace))
    with pytest.raises(ParameterError, match=PERCENTAGE):
        traffic.mirror(services.namespace, "tips", 30)
    route = cluster.get(HTTP_ROUTES, services.namespace, "tips") or {}
    assert "filters" not in route["spec"]["rules"][0]


def test_the_gateway_of_these_tests_does_not_say_it_can(
    cluster: KubernetesClient, rollout: Account, services: InferenceServices
):
    traffic = HttpRouteTraffic(rollout.client(), gateway_of(cluster))
    both_models(ClusterWay(HttpRouteTraffic(cluster, gateway_of(cluster)), services.namespace))
    with pytest.raises(ParameterError, match=f"'traefik' does not list .*{MIRROR}"):
        traffic.mirror(services.namespace, "tips", 100)
