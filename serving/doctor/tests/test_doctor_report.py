from hypothesis import given
from hypothesis import strategies as st

from kanaria.serving.doctor import access_rights, free_gpus
from kanaria.serving.doctor.doctor_report import Finding, State, is_fit, report

GPU = "nvidia.com/gpu"


def node(name, count, **spec):
    return {
        "metadata": {"name": name},
        "spec": spec,
        "status": {"allocatable": {GPU: str(count)}},
    }


def pod(node_name, *counts, phase="Running", init=()):
    def containers(amounts):
        return [{"resources": {"requests": {GPU: str(amount)}}} for amount in amounts]

    spec = {
        "nodeName": node_name,
        "containers": containers(counts),
        "initContainers": containers(init),
    }
    return {"spec": spec, "status": {"phase": phase}}


def test_a_free_gpu_is_one_that_no_running_pod_asks_for():
    pods = [pod("a", 1), pod("a", 1, 1), pod("a", 3, phase="Succeeded"), pod("b", 0)]
    assert free_gpus.free([node("a", 4), node("b", 2)], pods, GPU) == {"a": (1, 4), "b": (2, 2)}


def test_an_init_container_counts_only_where_it_needs_more():
    assert free_gpus.free([node("a", 4)], [pod("a", 1, init=(3,))], GPU) == {"a": (1, 4)}
    assert free_gpus.free([node("a", 4)], [pod("a", 3, init=(1,))], GPU) == {"a": (1, 4)}


def test_a_cordoned_node_offers_nothing():
    assert free_gpus.free([node("a", 4, unschedulable=True)], [], GPU) == {}


def test_a_pod_that_waits_for_a_node_holds_nothing():
    waiting = {"spec": {"containers": [{}]}, "status": {"phase": "Pending"}}
    assert free_gpus.free([node("a", 1)], [waiting], GPU) == {"a": (1, 1)}


@given(st.lists(st.sampled_from(State)))
def test_only_what_is_known_to_be_missing_makes_a_cluster_unfit(states):
    findings = [Finding(subject="x", state=state, text="") for state in states]
    assert is_fit(findings) == (State.MISSING not in states)


def test_the_report_is_aligned():
    findings = [
        Finding(subject="gpus", state=State.OK, text="4 free"),
        Finding(subject="gateway api", state=State.UNKNOWN, text="403"),
    ]
    assert report(findings) == "gpus         ok       4 free\ngateway api  unknown  403\n"


def test_missing_rules_are_written_as_a_role_has_them():
    text = access_rights.as_yaml(access_rights.NEEDED[:1])
    assert text == (
        "[{apiGroups: [serving.kserve.io], resources: [inferenceservices], "
        "verbs: [get, list, create, patch, delete]}]"
    )
