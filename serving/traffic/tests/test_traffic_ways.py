"""Which way a cluster delivers a service, by what it has and by what KServe says of itself."""

import json
from typing import Any

import pytest
from paper_cluster import PaperCluster
from paper_next_kserve import PaperNextKServe
from traffic_contract import Rollout

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.kubernetes_api.resource_kinds import (
    CONFIG_MAPS,
    HTTP_ROUTES,
    INFERENCE_SERVICES,
)
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic
from kanaria.serving.traffic.gateways import says_it_routes_canaries

NAMESPACE, NAME = "team", "taxi"
MODE = "serving.kserve.io/deploymentMode"


def configured(cluster: PaperCluster, *tags: str, gateway_api: Any = True) -> None:
    """Let KServe's configuration name images of these versions."""
    ingress = {"kserveIngressGateway": "kserve/gateway", "enableGatewayApi": gateway_api}
    entries: dict[str, Any] = {"ingress": ingress | {"ingressDomain": "example.com"}}
    for name, tag in zip(("agent", "router", "storageInitializer"), tags, strict=False):
        entries[name] = {"image": f"registry.example.com:5000/kserve/{name}{tag}"}
    data = {name: json.dumps(entry) for name, entry in entries.items()}
    config = {"metadata": {"name": "inferenceservice-config"}, "data": data}
    cluster.apply(CONFIG_MAPS, "kserve", config)


@pytest.mark.parametrize(
    ("tags", "routes"),
    [
        ((":v0.21.0",), True),
        ((":v0.21.0-rc0", ":v0.22.1", ":v1.0.0"), True),
        ((":v0.21.0@sha256:0a1b",), True),
        ((":0.21.0",), True),
        ((":v0.20.0", ":v0.21.0"), False),
        ((":v0.20.0",), False),
        ((":latest",), False),
        (("@sha256:0a1b",), False),
        (("",), False),
        ((), False),
    ],
)
def test_kserve_says_its_version_by_its_images(tags: tuple[str, ...], routes: bool):
    cluster = PaperCluster()
    configured(cluster, *tags)
    assert says_it_routes_canaries(cluster) is routes


def test_without_the_gateway_api_kserve_routes_no_canaries():
    cluster = PaperCluster()
    configured(cluster, ":v0.21.0", gateway_api=False)
    assert not says_it_routes_canaries(cluster)


class Way:
    """A Traffic of a cluster in memory, for services that ask for Standard mode."""

    namespace = NAMESPACE
    loading_failure = ""

    def __init__(self, cluster: PaperCluster) -> None:
        self.cluster, self.traffic = cluster, ClusterTraffic(cluster)

    def manifest(self, name: str, model: str) -> dict[str, Any]:
        uri, mode = f"s3://models/{model}", {MODE: "Standard"}
        spec = ServiceSpec(name=name, namespace=NAMESPACE, storage_uri=uri, annotations=mode)
        return build(spec)

    def has(self, resource: Any, name: str) -> bool:
        return self.cluster.get(resource, NAMESPACE, name) is not None


def test_a_new_service_is_one_inference_service_where_kserve_says_that_it_routes():
    way = Way(PaperNextKServe())
    configured(way.cluster, ":v0.21.0")
    rollout = Rollout(way, NAME)
    rollout.deploy("one")
    rollout.deploy("two")
    way.traffic.shift(NAMESPACE, NAME, 25)
    assert rollout.shares() == {"one": 75, "two": 25}
    assert way.has(INFERENCE_SERVICES, NAME)
    # It stays so, whatever becomes of KServe's configuration.
    configured(way.cluster, ":latest")
    way.traffic.promote(NAMESPACE, NAME)
    assert rollout.shares() == {"two": 100}


def test_a_service_with_a_route_of_ours_keeps_it_when_kserve_is_upgraded():
    way = Way(PaperCluster())
    rollout = Rollout(way, NAME)
    rollout.deploy("one")
    rollout.deploy("two")
    way.traffic.shift(NAMESPACE, NAME, 25)
    configured(way.cluster, ":v0.21.0")
    assert rollout.shares() == {"one": 75, "two": 25}
    way.traffic.promote(NAMESPACE, NAME)
    rollout.deploy("three")
    assert rollout.shares() == {"two": 100}
    assert not way.has(INFERENCE_SERVICES, NAME)
    assert (
        "kanaria.io/latest"
        in way.cluster.get(HTTP_ROUTES, NAMESPACE, NAME)["metadata"]["annotations"]
    )


def test_one_model_of_a_service_with_a_route_of_ours_is_no_service_of_its_own():
    way = Way(PaperCluster())
    configured(way.cluster, ":latest")
    revision = Rollout(way, NAME).deploy("one").latest_created
    configured(way.cluster, ":v0.21.0")
    with pytest.raises(ParameterError, match=r"has no traffic to shift; use another service\.name"):
        way.traffic.observe(NAMESPACE, revision)


@pytest.mark.parametrize(("tag", "is_taken"), [(":v0.21.0", True), (":v0.20.0", False)])
def test_a_service_of_somebody_else_in_standard_mode(tag: str, is_taken: bool):
    way = Way(PaperNextKServe())
    configured(way.cluster, tag)
    way.cluster.create(INFERENCE_SERVICES, NAMESPACE, way.manifest(NAME, "one"))
    if not is_taken:
        with pytest.raises(ParameterError, match="has no traffic to shift"):
            way.traffic.stage(way.manifest(NAME, "two"))
        return
    Rollout(way, NAME).deploy("two")
    # It is ours from now on, whatever becomes of KServe's configuration.
    configured(way.cluster, ":latest")
    way.traffic.shift(NAMESPACE, NAME, 10)
    assert Rollout(way, NAME).shares() == {"one": 90, "two": 10}


def test_a_service_keeps_its_mode():
    way = Way(PaperNextKServe())
    configured(way.cluster, ":v0.21.0")
    Rollout(way, NAME).deploy("one")
    manifest = way.manifest(NAME, "two")
    manifest["metadata"]["annotations"][MODE] = "Knative"
    with pytest.raises(ParameterError, match="Knative is asked for"):
        way.traffic.stage(manifest)
