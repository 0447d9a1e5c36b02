"""Why a step waits, from pods and events in the shapes that Kubernetes gives them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kanaria.components.shared.errors import NotReadyError, PermissionDeniedError
from kanaria.pipelines.submit import pod_problems, wait_reasons
from kanaria.pipelines.submit.workflow_nodes import Waiting

NOW = datetime(2026, 1, 31, 6, 0, tzinfo=UTC)
IMAGE = "registry.example.com/kanaria-training:0.1.0"
Object = dict[str, Any]


def pod(waits: Object | None = None, *, init: bool = False, **status: Any) -> Object:
    """A pod of KFP's executor of the step `train-model`, whose main container waits so."""
    idle = {
        "name": "wait",
        "image": "argoexec",
        "state": {"waiting": {"reason": "PodInitializing"}},
    }
    main = {"name": "main", "image": IMAGE, "state": {"waiting": waits or {}}}
    own = {"initContainerStatuses": [main]} if init else {"containerStatuses": [main, idle]}
    annotations = {pod_problems.NODE_NAME: "flow-abcde.root.tasty.train-model.executor(0)"}
    return {
        "metadata": {"name": "flow-abcde-impl-1", "annotations": annotations},
        "status": {"phase": "Pending", **(own if waits is not None else {}), **status},
    }


def condition(status: str, reason: str, message: str) -> list[Object]:
    return [{"type": "PodScheduled", "status": status, "reason": reason, "message": message}]


def event(reason: str, message: str, minute: int, kind: str = "Warning") -> Object:
    return {
        "type": kind,
        "reason": reason,
        "message": message,
        "lastTimestamp": f"2026-01-31T06:{minute:02}:00Z",
        "involvedObject": {"name": "flow-abcde-impl-1"},
    }


BACK_OFF = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{IMAGE}"'}
NO_CPU = "0/3 nodes are available: 3 Insufficient cpu.\npreemption: none"
PODS = {
    "an image that cannot be pulled": (
        pod(BACK_OFF),
        f'ImagePullBackOff: Back-off pulling image "{IMAGE}"',
    ),
    "an image whose name the message lacks": (
        pod({"reason": "ErrImagePull", "message": "unauthorized"}),
        f"ErrImagePull: unauthorized (image {IMAGE})",
    ),
    "an image with an impossible name": (
        pod({"reason": "InvalidImageName"}),
        f"InvalidImageName (image {IMAGE})",
    ),
    "an init container": (
        pod(BACK_OFF, init=True),
        PULL_REASON := f"ImagePullBackOff: {BACK_OFF['message']}",
    ),
    "a missing secret of the environment": (
        pod({"reason": "CreateContainerConfigError", "message": 'secret "s3" not found'}),
        f'CreateContainerConfigError: secret "s3" not found (image {IMAGE})',
    ),
    "no node that is large enough": (
        pod(conditions=condition("False", "Unschedulable", NO_CPU)),
        "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu. preemption: none",
    ),
    "a queue": (
        pod(conditions=condition("False", "SchedulingGated", "waits for its quota")),
        "SchedulingGated: waits for its quota",
    ),
    "an image is being pulled": (pod({"reason": "ContainerCreating"}), ""),
    "scheduled, and nothing more": (pod(conditions=condition("True", "", "")), ""),
    "no status at all": ({"metadata": {"name": "p"}}, ""),
}


@pytest.mark.parametrize("name", PODS)
def test_what_a_pod_itself_says(name: str):
    pod, said = PODS[name]
    assert pod_problems.held_up(pod) == said
    assert pod_problems.waits(pod)


def test_a_pod_that_runs_does_not_wait():
    assert not pod_problems.waits(pod(phase="Running"))


def test_a_pod_is_told_by_the_step_it_belongs_to():
    assert pod_problems.step_of(pod()) == "train-model"
    driver = {
        "metadata": {"annotations": {pod_problems.NODE_NAME: "flow-abcde.root.train-model-driver"}}
    }
    assert pod_problems.step_of(driver) == "train-model"
    assert pod_problems.step_of({"metadata": {}}) == ""


def test_the_newest_warning_is_told():
    events = [
        event("FailedMount", 'secret "new" not found', 9),
        event("FailedMount", 'secret "old" not found', 2),
        event("Scheduled", "assigned", 10, kind="Normal"),
    ]
    assert pod_problems.warned(events) == 'FailedMount: secret "new" not found'
    assert pod_problems.warned(events[2:]) == ""


class Cluster:
    """Lists what a namespace holds, as KubernetesClient.list does."""

    def __init__(self, **objects: list[Object]) -> None:
        self.objects = objects
        self.calls: list[tuple[str, str, str, str]] = []

    def list(self, resource: Any, namespace: str = "", labels: str = "", fields: str = "") -> Any:
        self.calls.append((resource.plural, namespace, labels, fields))
        return self.objects.get(resource.plural, [])


def test_the_pods_of_the_run_are_asked_and_events_only_where_they_tell_nothing():
    cluster = Cluster(pods=[pod(BACK_OFF), pod(phase="Succeeded")])
    assert wait_reasons.reasons(cluster, "r1", "team") == {"train-model": PULL_REASON}
    assert cluster.calls == [("pods", "team", "pipeline/runid=r1", "")]


def test_an_event_tells_of_a_secret_that_cannot_be_mounted():
    creating = {"reason": "ContainerCreating"}
    cluster = Cluster(pods=[pod(creating)], events=[event("FailedMount", "no secret", 1)])
    assert wait_reasons.reasons(cluster, "r1", "team") == {"train-model": "FailedMount: no secret"}
    assert cluster.calls[-1] == ("events", "team", "", "involvedObject.name=flow-abcde-impl-1")
    quiet = Cluster(pods=[pod(creating)])
    assert wait_reasons.reasons(quiet, "r1", "team") == {"train-model": "ContainerCreating"}


def test_without_a_pod_the_workflow_is_asked():
    refused = 'pods "x" is forbidden: exceeded quota: small'
    node = {"phase": "Pending", "name": "flow.root.train-model.executor", "message": refused}
    status = {"phase": "Running", "nodes": {"n": node}}
    cluster = Cluster(workflows=[{"status": status}])
    assert wait_reasons.reasons(cluster, "r1", "team") == {"train-model": refused}
    idle = Cluster(workflows=[{}])
    assert "workflow controller" in wait_reasons.reasons(idle, "r1", "team")[""]


def test_another_cluster_is_not_mistaken_for_that_of_the_run():
    with pytest.raises(NotReadyError, match=r"namespace team .* holds nothing of this run"):
        wait_reasons.reasons(Cluster(), "r1", "team")


def waits(seconds: float, *names: str) -> tuple[Waiting, ...]:
    return (Waiting(names=names or ("train",), since=NOW - timedelta(seconds=seconds)),)


class ReasonsOf:
    def __init__(self, answer: dict[str, str] | Exception) -> None:
        self.answer, self.times = answer, 0

    def __call__(self) -> dict[str, str]:
        self.times += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def lines_said(tell: wait_reasons.Teller, seconds: float, *names: str) -> list[str]:
    return tell(waits(seconds, *names), NOW)


def test_it_is_told_after_half_a_minute_and_again_rarely():
    tell = wait_reasons.Teller(ReasonsOf({"train": "why"}), lambda: "look")
    moments = [s for s in range(0, 8000, 2) if lines_said(tell, s)]
    assert moments == [30, 120, 600, 2400, 4200, 6000, 7800]


def test_a_wait_that_is_long_already_is_told_once():
    ask = ReasonsOf({"train": "ImagePullBackOff: x"})
    tell = wait_reasons.Teller(ask, lambda: "look")
    assert lines_said(tell, 3700) == [
        "train waits for a pod since 04:58:20 UTC (1 h 1 min): ImagePullBackOff: x"
    ]
    assert lines_said(tell, 3702) == []
    assert ask.times == 1


def test_of_several_steps_the_one_that_the_cluster_names_is_told():
    tell = wait_reasons.Teller(ReasonsOf({"train": "why"}), lambda: "look")
    (line,) = lines_said(tell, 30, "ingest", "train")
    assert line == "train waits for a pod since 05:59:30 UTC (30 s): why"


def test_a_cluster_that_is_away_is_asked_once_and_the_command_is_named():
    ask = ReasonsOf(NotReadyError("no kubeconfig"))
    tell = wait_reasons.Teller(ask, lambda: wait_reasons.look("r1", "team"))
    lines = [line for s in (30, 120) for line in lines_said(tell, s)]
    assert len(lines) == 2
    assert lines[0].endswith(
        "the cluster cannot be asked why (no kubeconfig); look with "
        "`kubectl -n team describe pods -l pipeline/runid=r1`"
    )
    assert ask.times == 1


def test_a_refusal_is_told_and_asked_again():
    ask = ReasonsOf(PermissionDeniedError("pods is forbidden"))
    tell = wait_reasons.Teller(ask, lambda: "look")
    assert "(pods is forbidden)" in lines_said(tell, 30)[0]
    lines_said(tell, 120)
    assert ask.times == 2


def test_a_reason_of_the_whole_run_counts_for_what_has_none():
    tell = wait_reasons.Teller(ReasonsOf({"": "postponed"}), lambda: "look")
    assert lines_said(tell, 30)[0].endswith(": postponed")


def test_argo_says_why_a_pod_failed_that_wrote_nothing_of_it():
    def node(name: str, kind: str, phase: str, message: str) -> Object:
        return {"name": f"flow.root.{name}", "type": kind, "phase": phase, "message": message}

    nodes = [
        node("train.executor(0)", "Pod", "Failed", "OOMKilled (exit code 137)"),
        node("train", "DAG", "Failed", "child failed"),
        node("ingest-driver", "Pod", "Error", "no secret"),
        node("cook.executor", "Pod", "Succeeded", "fine"),
    ]
    status = {"message": "child failed", "nodes": dict(enumerate(nodes))}
    cluster = Cluster(workflows=[{"status": status}])
    assert wait_reasons.failures(cluster, "r1", "team") == {
        "": "child failed",
        "train": "OOMKilled (exit code 137)",
        "ingest": "no secret",
    }
    assert cluster.calls == [("workflows", "team", "pipeline/runid=r1", "")]
