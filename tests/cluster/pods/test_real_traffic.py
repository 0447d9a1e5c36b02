import pytest
from inference_services import InferenceServices, predictor, traffic, wait_until
from real_pods import Predictor, StandardService, apply

from kanaria.serving.inference_service.service_spec import Placement, Scaling

FIRST, SECOND = "taxi-predictor-00001", "taxi-predictor-00002"


@pytest.fixture
def deployed(services: InferenceServices, publish) -> InferenceServices:
    apply(services, publish("v1"))
    services.wait_until_ready("taxi")
    Predictor(services).wait()
    return services


def test_of_a_thousand_requests_a_tenth_reaches_the_canary_until_it_is_promoted(
    deployed: InferenceServices, publish
):
    uri = publish("v2")
    apply(deployed, uri, 10)
    deployed.wait("taxi", lambda service: traffic(service) == {FIRST: 90, SECOND: 10})
    wait_for_version(deployed, "v2")
    counts = Predictor(deployed).versions(1000)
    print(f"Knative mode: {counts}")
    assert set(counts) == {"v1", "v2"}
    # The gateway deals the requests out in turn, so the share is exact but for the ends.
    assert 95 <= counts["v2"] <= 105
    apply(deployed, uri, 100)
    deployed.wait("taxi", lambda service: traffic(service) == {SECOND: 100})
    wait_until_no_version(deployed, "v1")
    assert Predictor(deployed).versions(100) == {"v2": 100}


def test_in_standard_mode_a_tenth_reaches_the_canary_through_the_weighted_route(
    services: InferenceServices, publish
):
    service = StandardService(services)
    service.stage(publish("v1"))
    service.until(lambda status: bool(status.traffic))
    client = Predictor(services, service.status().url)
    client.wait()
    service.stage(publish("v2"))
    assert client.versions(100) == {"v1": 100}
    service.shift(10)
    wait_until(lambda: "v2" in client.versions(20))
    counts = client.versions(1000)
    print(f"Standard mode: {counts}")
    assert 95 <= counts["v2"] <= 105
    service.promote()
    wait_until(lambda: "v1" not in client.versions(20))
    assert client.versions(100) == {"v2": 100}


def test_a_canary_whose_model_cannot_be_loaded_gets_no_request(
    deployed: InferenceServices, publish
):
    apply(deployed, publish("v2").replace("v2", "missing"), 10)
    deployed.wait("taxi", lambda service: predictor(service)["latestCreatedRevision"] == SECOND)
    wait_until_a_pod_fails(deployed, SECOND)
    assert Predictor(deployed).versions(200) == {"v1": 200}
    assert traffic(deployed.get("taxi")) == {FIRST: 100}


def test_a_service_in_standard_mode_answers_through_the_gateway(
    services: InferenceServices, publish
):
    apply(services, publish("v1"), annotations={"serving.kserve.io/deploymentMode": "Standard"})
    services.wait_until_ready("taxi")
    client = Predictor(services)
    client.wait()
    assert client.versions(20) == {"v1": 20}


def test_a_predictor_that_asks_for_a_gpu_runs_on_the_node_that_has_some(
    services: InferenceServices, publish
):
    apply(services, publish("v1"), placement=Placement(limits={"nvidia.com/gpu": "1"}))
    services.wait_until_ready("taxi")
    (pod,) = services.pods("taxi")
    assert pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["status"]["phase"] == "Running"


def test_a_service_scales_to_zero_and_answers_the_next_request(
    services: InferenceServices, publish
):
    apply(services, publish("v1"), scaling=Scaling(min_replicas=0))
    services.wait_until_ready("taxi")
    client = Predictor(services)
    client.wait()
    wait_until(lambda: not services.pods("taxi"))
    assert client.versions(1) == {"v1": 1}
    assert services.pods("taxi")


def wait_for_version(services: InferenceServices, version: str) -> None:
    client = Predictor(services)
    wait_until(lambda: version in client.versions(20))


def wait_until_no_version(services: InferenceServices, version: str) -> None:
    client = Predictor(services)
    wait_until(lambda: version not in client.versions(20))


def wait_until_a_pod_fails(services: InferenceServices, revision: str) -> None:
    wait_until(
        lambda: any(
            one.get("restartCount", 0) > 0
            for pod in services.pods("taxi")
            if pod["metadata"]["labels"]["serving.knative.dev/revision"] == revision
            for kind in ("initContainerStatuses", "containerStatuses")
            for one in pod["status"].get(kind) or []
        )
    )
