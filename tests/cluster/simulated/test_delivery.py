"""Both ways to deliver on a cluster, against the contract of all ways, and the push over them."""

from pathlib import Path

import pytest
from cluster_way import ClusterWay
from inference_services import InferenceServices
from traffic_contract import NoMirrorContract, TrafficContract

from kanaria.components.push.deliver_release import Endpoint, deliver
from kanaria.components.resolve.deployed_release import release_of
from kanaria.serving.doctor.doctor_report import State, is_fit
from kanaria.serving.doctor.examine_cluster import examine
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic
from kanaria.serving.traffic.gateways import gateway_of
from kanaria.serving.traffic.http_route import HttpRouteTraffic
from kanaria.serving.traffic.knative import KnativeTraffic


@pytest.fixture(scope="session")
def cluster() -> KubernetesClient:
    return KubernetesClient.connect()


class TestKnative(TrafficContract, NoMirrorContract):
    @pytest.fixture
    def way(self, cluster: KubernetesClient, services: InferenceServices) -> ClusterWay:
        return ClusterWay(KnativeTraffic(cluster), services.namespace)


class TestHttpRoute(TrafficContract, NoMirrorContract):
    @pytest.fixture
    def way(self, cluster: KubernetesClient, services: InferenceServices) -> ClusterWay:
        return ClusterWay(HttpRouteTraffic(cluster, gateway_of(cluster)), services.namespace)


def test_a_push_stages_shifts_and_changes_nothing_the_second_time(
    cluster: KubernetesClient, services: InferenceServices, tmp_path: Path
):
    traffic, namespace = ClusterTraffic(cluster), services.namespace

    def push(model: str) -> Endpoint:
        uri = f"s3://m/tips/{model}/model"
        spec = ServiceSpec(name="tips", namespace=namespace, storage_uri=uri, canary_percent=10)
        return deliver(traffic, spec, 120, str(tmp_path / model))

    first, second = push("one"), push("two")
    assert (first.revision, first.percent) == ("tips-predictor-00001", 100)
    assert (second.revision, second.percent) == ("tips-predictor-00002", 10)
    generation = services.get("tips")["metadata"]["generation"]
    assert push("two").reason.startswith("already served")
    assert services.get("tips")["metadata"]["generation"] == generation
    # The live release is the stable revision's, not the canary's.
    assert release_of(traffic.observe(namespace, "tips")) == "s3://m/tips/one"


def test_the_doctor_finds_what_the_control_plane_has(
    cluster: KubernetesClient, services: InferenceServices
):
    findings = {finding.subject: finding for finding in examine(cluster, services.namespace)}
    assert is_fit(list(findings.values()))
    modes = "default mode Knative; in Standard mode traffic is shifted by a route of Kanaria's"
    assert findings["kserve"].text.endswith(modes)
    assert findings["gpus"].text.startswith("4 of 4 nvidia.com/gpu free")
    assert findings["storage secret"].state is State.LIMITED
    assert "does not say that it copies requests" in findings["gateway api"].text
