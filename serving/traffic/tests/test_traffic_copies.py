"""What a cluster tells of copies and of failures."""

from typing import Any

import pytest

from kanaria.serving.protocol.annotation_names import SERVICE_LABEL
from kanaria.serving.traffic import http_route, knative
from kanaria.serving.traffic.pod_failures import failure_in


def pod(revision: str, ready: str = "True", **metadata: Any) -> dict[str, Any]:
    labels = {SERVICE_LABEL: revision}
    conditions = [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": ready}]
    return {"metadata": {"labels": labels, **metadata}, "status": {"conditions": conditions}}


def test_a_revision_of_knative_answers_by_a_name_inside_the_cluster():
    service = {"metadata": {"namespace": "team"}, "spec": {"predictor": {}}}
    status = knative.status_of(service, [{"metadata": {"name": "tips-1"}}])
    assert status.revision_urls == {"tips-1": "http://tips-1.team.svc.cluster.local"}


def test_pods_that_are_ready_and_stay_are_counted():
    pods = [
        pod("tips-1"),
        pod("tips-1"),
        pod("tips-1", ready="False"),
        pod("tips-1", deletionTimestamp="2026-01-01T00:00:00Z"),
        {"metadata": {"labels": {SERVICE_LABEL: "tips-2"}}},
    ]
    copies = http_route.ready_copies({"tips-1": {}, "tips-2": {}, "tips-3": {}}, pods)
    assert copies == {"tips-1": 2, "tips-2": 0, "tips-3": 0}


def test_knative_counts_the_copies_of_a_revision():
    service = {"metadata": {"namespace": "default"}, "spec": {"predictor": {}}}
    revisions = [
        {"metadata": {"name": "tips-1"}, "status": {"actualReplicas": 2}},
        {"metadata": {"name": "tips-2"}},
    ]
    assert knative.status_of(service, revisions).ready_copies == {"tips-1": 2, "tips-2": 0}


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ({"message": "no saved_model.pb\n", "exitCode": 1}, "no saved_model.pb, exit code 1"),
        ({"exitCode": 137}, "exit code 137"),
        ({"message": "no such bucket"}, "no such bucket"),
    ],
)
def test_a_failure_tells_message_and_exit_code(details: dict[str, Any], message: str):
    last = {"reason": "ModelLoadFailed", **details}
    status = {"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": last}
    failure = knative.failure_of(status)
    assert failure
    assert (failure.reason, failure.message) == ("ModelLoadFailed", message)


def serving(*, initial: Any = None, ready: str = "False", **states: Any) -> dict[str, Any]:
    """Return a pod whose containers are in these states."""
    serving_pod = pod("tips-1", ready=ready)
    serving_pod["status"]["containerStatuses"] = [{"name": "kserve-container", **states}]
    serving_pod["status"]["initContainerStatuses"] = [
        {"name": "storage-initializer", **(initial or {})}
    ]
    return serving_pod


def ended(code: int, **details: str) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, **details}}


CRASHES = {"waiting": {"reason": "CrashLoopBackOff"}}


@pytest.mark.parametrize(
    ("failing", "message"),
    [
        (
            serving(state=CRASHES, lastState=ended(1, message="no saved_model.pb\n")),
            "kserve-container: no saved_model.pb, exit code 1",
        ),
        (
            serving(state=ended(137, reason="OOMKilled")),
            "kserve-container: OOMKilled, exit code 137",
        ),
        (
            serving(initial={"state": ended(1, message="no such bucket")}),
            "storage-initializer: no such bucket, exit code 1",
        ),
        (
            serving(state={"waiting": {"reason": "ErrImagePull", "message": "not found"}}),
            "kserve-container: not found",
        ),
        (serving(state=CRASHES), "kserve-container: CrashLoopBackOff"),
    ],
)
def test_a_canary_that_does_not_load_is_known_by_its_pods(failing: dict[str, Any], message: str):
    failure = failure_in([serving(state={"running": {}}), failing])
    assert failure
    assert (failure.reason, failure.message) == ("ModelLoadFailed", message)


def test_pods_that_load_serve_or_go_tell_of_no_failure():
    crashed = {"state": CRASHES, "lastState": ended(1, message="too early")}
    going = serving(**crashed)
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    loads = serving(state={"waiting": {"reason": "PodInitializing"}}, initial={"state": ended(0)})
    restarted = serving(state={"running": {}}, lastState=ended(1, message="too early"))
    assert failure_in([going, loads, restarted, serving(ready="True", **crashed)]) is None
    assert failure_in([]) is None
