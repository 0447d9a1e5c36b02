import pytest
from inference_services import InferenceServices, condition, predictor, traffic

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec

FIRST, SECOND, THIRD = (f"taxi-predictor-0000{number}" for number in (1, 2, 3))


def apply(services: InferenceServices, version: int, percent: int | None = None, **annotations):
    uri = f"s3://models/taxi/{version}"
    marks = {f"kanaria.test/{name}": value for name, value in annotations.items()}
    spec = ServiceSpec(name="taxi", storage_uri=uri, canary_percent=percent, annotations=marks)
    services.apply(build(spec))


@pytest.fixture
def deployed(services: InferenceServices) -> InferenceServices:
    """A service whose first version is ready."""
    apply(services, 1)
    services.wait_until_ready("taxi")
    return services


@pytest.fixture
def canary(deployed: InferenceServices) -> InferenceServices:
    """A service whose second version gets 10 %."""
    apply(deployed, 2, 10)
    deployed.wait("taxi", lambda service: traffic(service) == {FIRST: 90, SECOND: 10})
    return deployed


def test_a_canary_of_ten_percent_makes_two_revisions_that_split_the_traffic(
    canary: InferenceServices,
):
    service = canary.wait_until_ready("taxi")
    assert predictor(service)["latestReadyRevision"] == SECOND
    assert predictor(service)["latestRolledoutRevision"] == FIRST
    route = canary.object("serving.knative.dev/v1", "Service", "taxi-predictor")
    targets = [(one["revisionName"], one["percent"]) for one in route["status"]["traffic"]]
    assert sorted(targets) == [(FIRST, 90), (SECOND, 10)]


def test_each_revision_keeps_its_own_model(canary: InferenceServices):
    arguments = {
        pod["metadata"]["labels"]["serving.knative.dev/revision"]: pod["spec"]["initContainers"][0][
            "args"
        ][0]
        for pod in canary.pods("taxi")
    }
    assert arguments == {FIRST: "s3://models/taxi/1", SECOND: "s3://models/taxi/2"}


def test_promotion_gives_all_traffic_to_the_canary(canary: InferenceServices):
    apply(canary, 2, 100)
    rolled_out = canary.wait("taxi", lambda service: traffic(service) == {SECOND: 100})
    assert predictor(rolled_out)["latestRolledoutRevision"] == SECOND


def test_a_share_of_zero_gives_all_traffic_back(canary: InferenceServices):
    apply(canary, 2, 0)
    canary.wait("taxi", lambda service: traffic(service).get(FIRST) == 100)


def test_a_canary_that_cannot_load_its_model_gets_no_traffic(deployed: InferenceServices):
    apply(deployed, 2, 10, simulate="load-failure")
    service = deployed.wait("taxi", blocked)
    assert service["status"]["modelStatus"]["lastFailureInfo"]["reason"] == "ModelLoadFailed"
    service = deployed.wait("taxi", lambda service: condition(service, "Ready") == "False")
    assert predictor(service)["latestCreatedRevision"] == SECOND
    assert traffic(service) == {FIRST: 100}


def test_a_service_recovers_from_a_failed_canary_with_the_next_version(
    deployed: InferenceServices,
):
    apply(deployed, 2, 10, simulate="load-failure")
    deployed.wait("taxi", blocked)
    apply(deployed, 3, 10)
    deployed.wait("taxi", lambda service: traffic(service) == {FIRST: 90, THIRD: 10})
    deployed.wait_until_ready("taxi")


def blocked(service) -> bool:
    return service["status"].get("modelStatus", {}).get("transitionStatus") == "BlockedByFailedLoad"
