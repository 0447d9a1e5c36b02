"""The rules over what the cluster has: runtimes, memory, nodes with GPUs."""

from typing import Any

import pytest

from kanaria.serving.checks import (
    infrastructure_faults,
    memory_amount,
)
from kanaria.serving.checks.check_limits import Infrastructure
from kanaria.serving.checks.check_result import Result, Verdict, failures
from kanaria.serving.checks.infrastructure_faults import Facts
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ModelServer, Placement, ServiceSpec


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1024", 1024),
        ("4Gi", 4 * 1024**3),
        ("1.5Gi", 3 * 1024**3 // 2),
        ("500M", 500_000_000),
        ("2k", 2000),
        ("128974848000m", 128_974_848),
        ("1e9", 10**9),
        ("2E", 2 * 10**18),
        ("", None),
        ("4 Gi", None),
        ("4GiB", None),
    ],
)
def test_a_quantity_of_memory_is_read_as_kubernetes_does(text: str, size: int | None):
    assert memory_amount.in_bytes(text) == size


def runtime(name: str, **spec: Any) -> dict[str, Any]:
    formats = [{"name": "tensorflow", "autoSelect": True}]
    container = {"name": "kserve-container", "resources": {"limits": {"memory": "2Gi"}}}
    parts = {"supportedModelFormats": formats, "containers": [container]}
    return {"metadata": {"name": name}, "spec": {**parts, "protocolVersions": ["v1"], **spec}}


def node(gpus: int, unschedulable: bool = False, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "node", "labels": labels},
        "spec": {"unschedulable": unschedulable},
        "status": {"allocatable": {"nvidia.com/gpu": str(gpus)}},
    }


def judge(service: ServiceSpec | None = None, **facts: Any) -> Result:
    service = service or ServiceSpec(name="taxi", storage_uri="s3://m")
    known_facts = {"model_bytes": 1000, "runtimes": (runtime("tf"),), "all_runtimes": True, **facts}
    return infrastructure_faults.check(
        Facts(**known_facts), service, build(service), Infrastructure()
    )


def service(**parts: Any) -> ServiceSpec:
    return ServiceSpec(name="taxi", storage_uri="s3://m", **parts)


@pytest.mark.parametrize(
    ("server", "runtimes", "reason"),
    [
        (ModelServer(), (runtime("tf"),), ""),
        (ModelServer(runtime="tf"), (runtime("tf"),), ""),
        (ModelServer(runtime="other"), (runtime("tf"),), "runtime 'other': no ServingRuntime"),
        (ModelServer(runtime="tf"), (runtime("tf", disabled=True),), "'tf' is disabled"),
        (ModelServer(), (runtime("tf", disabled=True),), "no runtime serves tensorflow"),
        (ModelServer(), (), "no runtime serves tensorflow and protocol v1"),
        (ModelServer(protocol_version="v2"), (runtime("tf"),), "protocol v2"),
        (ModelServer(protocol_version="v2"), (runtime("tf", protocolVersions=[]),), ""),
        (ModelServer(model_format="onnx"), (runtime("tf"),), "no runtime serves onnx"),
        (ModelServer(image="mine:1"), (), ""),
    ],
)
def test_a_runtime_must_be_there(server: ModelServer, runtimes: Any, reason: str):
    result = judge(service(server=server), runtimes=runtimes)
    assert (result.verdict is Verdict.FAILED) == bool(reason)
    assert reason in failures([result])


def test_a_runtime_that_could_not_be_seen_may_exist():
    named = service(server=ModelServer(runtime="other"))
    assert judge(named, all_runtimes=False).verdict is Verdict.PASSED


def test_a_model_larger_than_its_share_of_the_memory_is_refused():
    small = service(placement=Placement(limits={"memory": "1Gi"}))
    assert judge(small, model_bytes=int(0.8 * 1024**3)).verdict is Verdict.PASSED
    result = judge(small, model_bytes=int(0.9 * 1024**3))
    assert result.reasons[0].startswith("the model's files take 921.6 MiB, more than 80% of")
    assert result.numbers["memory_limit_bytes"] == 1024**3


def test_without_a_limit_of_its_own_the_runtimes_counts():
    assert judge(model_bytes=3 * 1024**3).verdict is Verdict.FAILED
    result = judge(model_bytes=3 * 1024**3, runtimes=(), all_runtimes=False)
    assert result.verdict is Verdict.PASSED
    assert "no memory limit is known" in result.notes[0]


def test_the_limit_of_a_users_patch_counts():
    patch = {"spec": {"predictor": {"model": {"resources": {"limits": {"memory": "1Mi"}}}}}}
    assert judge(service(patch=patch), model_bytes=2 * 1024**2).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ((node(2, zone="a"),), ""),
        ((node(1, zone="a"),), "no node with the labels {'zone': 'a'} offers 2 nvidia.com/gpu"),
        ((node(2, zone="b"),), "no node with the labels"),
        ((node(2, unschedulable=True, zone="a"),), "no node with the labels"),
        ((), "no node with the labels"),
        (None, ""),
    ],
)
def test_a_node_must_offer_the_gpus(nodes: Any, reason: str):
    placement = Placement(limits={"nvidia.com/gpu": "2"}, node_selector={"zone": "a"})
    result = judge(service(placement=placement), nodes=nodes, pods=())
    assert (result.verdict is Verdict.FAILED) == bool(reason)
    assert reason in failures([result])


def test_gpus_that_others_hold_are_a_note():
    pod = {
        "spec": {
            "nodeName": "node",
            "containers": [{"resources": {"requests": {"nvidia.com/gpu": "1"}}}],
        }
    }
    one = service(placement=Placement(limits={"nvidia.com/gpu": "1"}))
    result = judge(one, nodes=(node(1),), pods=(pod,))
    assert result.verdict is Verdict.PASSED
    assert "no GPU is free now" in result.notes[0]
    assert result.numbers["free_gpus"] == 0
