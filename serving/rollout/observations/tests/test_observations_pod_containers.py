from kanaria.serving.kubernetes_api.resource_kinds import PODS
from kanaria.serving.rollout.observations.between_readings import Memory, observation
from kanaria.serving.rollout.observations.observation_source import Container, Reading, Revisions
from kanaria.serving.rollout.observations.pod_containers import containers, of_revision

REVISIONS = Revisions(namespace="team", service="flights", canary="flights-2", stable="flights-1")


def status(name, restarts=0, state=None, last=None):
    listed = {"name": name, "restartCount": restarts, "state": {}, "lastState": {}}
    for key, ended in (("state", state), ("lastState", last)):
        if ended:
            reason, which = ended
            listed[key] = {"terminated": {"exitCode": 137, "reason": reason, "containerID": which}}
    return listed


def pod(*statuses, name="flights-2-deployment-1", initial=()):
    return {
        "metadata": {"name": name},
        "status": {"containerStatuses": list(statuses), "initContainerStatuses": list(initial)},
    }


def ends(*readings):
    """Restarts and ends for memory of each interval."""
    memory, listed = Memory(), []
    for number, pods in enumerate(readings):
        reading = Reading(now=60.0 * number, containers=containers(pods))
        memory, observed = observation(memory, reading, interval=number, status=None, canary="")
        listed.append((observed.facts.restarts, observed.facts.oom_kills))
    return listed


def test_every_container_of_a_pod_is_told_with_its_restarts():
    listed = containers(
        [pod(status("kserve-container", 2), status("queue-proxy"), initial=[status("storage", 1)])]
    )
    place = "flights-2-deployment-1"
    assert listed == (
        Container(name=f"{place}/storage", restarts=1, oom_kills=0),
        Container(name=f"{place}/kserve-container", restarts=2, oom_kills=0),
        Container(name=f"{place}/queue-proxy", restarts=0, oom_kills=0),
    )


def test_an_end_for_memory_is_counted_once_while_it_is_told_of():
    running = pod(status("server"))
    ended = pod(status("server", state=("OOMKilled", "id-1")))
    again = pod(status("server", 1, last=("OOMKilled", "id-1")))
    assert ends([running], [ended], [again], [again]) == [(0, 0), (0, 1), (1, 0), (0, 0)]


def test_each_end_for_memory_counts_though_the_restarts_hide_the_one_before():
    first = pod(status("server", 1, last=("OOMKilled", "id-1")))
    second = pod(status("server", 2, last=("OOMKilled", "id-2")))
    assert ends([pod(status("server"))], [first], [second]) == [(0, 0), (1, 1), (1, 1)]


def test_an_end_for_another_reason_is_a_restart_only():
    crashed = pod(status("server", 1, last=("Error", "id-1")))
    assert ends([pod(status("server"))], [crashed]) == [(0, 0), (1, 0)]


def test_a_new_pod_counts_from_zero_and_a_gone_one_nothing():
    one = pod(status("server", 3), name="one")
    other = pod(status("server", 2, last=("OOMKilled", "id-9")), name="other")
    assert ends([one], [other], [one]) == [(0, 0), (2, 1), (0, 0)]


def test_a_pod_that_is_not_scheduled_yet_has_no_containers():
    assert containers([{"metadata": {"name": "new"}, "status": {"phase": "Pending"}}]) == ()


class Cluster:
    """What a cluster lists for a label selector."""

    def __init__(self, pods):
        self.pods = pods

    def list(self, resource, namespace="", labels=""):
        assert (resource, namespace) == (PODS, "team")
        return self.pods.get(labels, [])


def test_a_revision_of_knative_is_known_by_its_own_label():
    cluster = Cluster({"serving.knative.dev/revision=flights-2": [pod()]})
    assert of_revision(cluster, REVISIONS, "flights-2") == [pod()]


def test_a_revision_of_standard_mode_is_an_inference_service():
    cluster = Cluster({"serving.kserve.io/inferenceservice=flights-2": [pod()]})
    assert of_revision(cluster, REVISIONS, "flights-2") == [pod()]


def test_a_revision_of_standard_mode_may_be_a_part_of_an_inference_service():
    cluster = Cluster({"app=isvc.flights-2-predictor": [pod()]})
    assert of_revision(cluster, REVISIONS, "flights-2") == [pod()]


def test_a_revision_without_pods_has_none():
    assert of_revision(Cluster({}), REVISIONS, "flights-2") == []
