"""What a cluster tells of copies and of failures."""

from typing import Any

import pytest

from kanaria.serving.traffic import http_route, knative


def pod(revision: str, ready: str = "True", **metadata: Any) -> dict[str, Any]:
    labels = {knative.SERVICE_LABEL: revision}
    conditions = [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": ready}]
    return {"metadata": {"labels": labels, **metadata}, "status": {"conditions": conditions}}


def test_a_revision_of_knative_answers_by_a_name_inside_the_cluster():
    service = {"metadata": {"namespace": "team"}, "spec": {"predictor": {}}}
    found = knative.status_of(service, [{"metadata": {"name": "tips-1"}}])
    assert found.revision_urls == {"tips-1": "http://tips-1.team.svc.cluster.local"}


def test_pods_that_are_ready_and_stay_are_counted():
    pods = [
        pod("tips-1"),
        pod("tips-1"),
        pod("tips-1", ready="False"),
        pod("tips-1", deletionTimestamp="2026-01-01T00:00:00Z"),
        {"metadata": {"labels": {knative.SERVICE_LABEL: "tips-2"}}},
    ]
    found = http_route.ready_copies({"tips-1": {}, "tips-2": {}, "tips-3": {}}, pods)
    assert found == {"tips-1": 2, "tips-2": 0, "tips-3": 0}


def test_knative_counts_the_copies_of_a_revision():
    service = {"metadata": {"namespace": "default"}, "spec": {"predictor": {}}}
    revisions = [
        {"metadata": {"name": "tips-1"}, "status": {"actualReplicas": 2}},
        {"metadata": {"name": "tips-2"}},
    ]
    assert knative.status_of(service, revisions).ready_copies == {"tips-1": 2, "tips-2": 0}


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"message": "no saved_model.pb\n", "exitCode": 1}, "no saved_model.pb, exit code 1"),
        ({"exitCode": 137}, "exit code 137"),
        ({"message": "no such bucket"}, "no such bucket"),
    ],
)
def test_a_failure_tells_message_and_exit_code(told: dict[str, Any], message: str):
    last = {"reason": "ModelLoadFailed", **told}
    status = {"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": last}
    failure = knative.failure_of(status)
    assert failure
    assert (failure.reason, failure.message) == ("ModelLoadFailed", message)
