from kanaria.serving.protocol.annotation_names import SOURCE_URI, VERSION_ANNOTATION
from kanaria.serving.traffic.knative import status_of


def annotations(number: int) -> dict[str, str]:
    return {SOURCE_URI: f"s3://m/{number}", VERSION_ANNOTATION: f"model {number}"}


def revision(number: int, ready: str) -> dict:
    return {
        "metadata": {"name": f"tips-0000{number}", "annotations": annotations(number)},
        "status": {
            "conditions": [
                {"type": "Active", "status": "False"},
                {"type": "Ready", "status": ready},
            ]
        },
    }


def service(ready: int, rolled_out: int) -> dict:
    predictor = {
        "latestCreatedRevision": "tips-00002",
        "latestReadyRevision": f"tips-0000{ready}",
        "latestRolledoutRevision": f"tips-0000{rolled_out}",
    }
    return {
        "metadata": {"name": "tips", "namespace": "team"},
        "spec": {"predictor": {}},
        "status": {"components": {"predictor": predictor}},
    }


def test_a_canary_that_is_ready_is_the_newest_ready_revision():
    status = status_of(service(2, 1), [revision(1, "True"), revision(2, "True")])
    assert (status.latest_ready, status.rolled_out) == ("tips-00002", "tips-00001")
    assert status.revision_uris == {"tips-00001": "s3://m/1", "tips-00002": "s3://m/2"}
    assert status.revision_versions == {"tips-00001": "model 1", "tips-00002": "model 2"}


def test_a_canary_that_is_no_longer_ready_is_not_called_ready():
    status = status_of(service(2, 1), [revision(1, "True"), revision(2, "False")])
    assert status.latest_ready == "tips-00001"


def test_a_revision_without_traffic_stays_ready():
    # Scaled to zero it is not active; Ready stays True.
    assert status_of(service(1, 1), [revision(1, "True")]).latest_ready == "tips-00001"
