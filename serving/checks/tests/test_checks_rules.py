"""The rules over facts: signature, infrastructure, answers, latency."""

import base64
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from checked_models import SAMPLES
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.artifacts.serving_samples import Feature, ServingSamples, Tensor
from kanaria.serving.checks import (
    infrastructure_faults,
    load_verdict,
    memory_amount,
    output_difference,
    signature_faults,
)
from kanaria.serving.checks.check_limits import ApiCall, Infrastructure, Load
from kanaria.serving.checks.check_result import MOST, Result, Verdict, failures, judged, skipped
from kanaria.serving.checks.checks_page import page
from kanaria.serving.checks.infrastructure_faults import Facts
from kanaria.serving.checks.load_verdict import Call
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ModelServer, Placement, ServiceSpec
from kanaria.serving.protocol import model_metadata, row_request

# ---- signature

TENSORFLOW_SERVING = {
    "model_spec": {"name": "taxi", "signature_name": "", "version": "1"},
    "metadata": {
        "signature_def": {
            "signature_def": {
                "serving_default": {
                    "inputs": {
                        "x": {
                            "dtype": "DT_FLOAT",
                            "tensor_shape": {
                                "dim": [{"size": "-1", "name": ""}],
                                "unknown_rank": False,
                            },
                            "name": "serving_default_x:0",
                        },
                        "n": {
                            "dtype": "DT_INT64",
                            "tensor_shape": {
                                "dim": [{"size": "-1", "name": ""}, {"size": "2", "name": ""}],
                                "unknown_rank": False,
                            },
                            "name": "serving_default_n:0",
                        },
                        "word": {
                            "dtype": "DT_STRING",
                            "tensor_shape": {"dim": [], "unknown_rank": True},
                            "name": "serving_default_word:0",
                        },
                    },
                    "outputs": {
                        "score": {
                            "dtype": "DT_FLOAT",
                            "tensor_shape": {"dim": [{"size": "-1"}], "unknown_rank": False},
                        },
                        "word": {
                            "dtype": "DT_STRING",
                            "tensor_shape": {"dim": [{"size": "-1"}], "unknown_rank": False},
                        },
                    },
                    "method_name": "tensorflow/serving/predict",
                }
            }
        }
    },
}


def test_the_metadata_of_tensorflow_serving_is_a_signature():
    served = model_metadata.of_tensorflow_serving(TENSORFLOW_SERVING)
    assert served[0]["n"] == Tensor(dtype="int64", shape=(None, 2))
    assert served[0]["word"] == Tensor(dtype="string", shape=None)
    assert list(signature_faults.faults_of_served(served, SAMPLES)) == []


def test_a_server_that_names_no_tensors_tells_no_signature():
    with pytest.raises(ValueError, match="no tensors"):
        model_metadata.of_inference_protocol({"name": "taxi", "inputs": [], "outputs": []})


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"x": None}, "input 'x' is not served"),
        ({"y": Tensor(dtype="float32", shape=(None,))}, "input 'y' is served; the trained"),
        ({"x": Tensor(dtype="float64", shape=(None,))}, "'x' is served as float64 of shape (any)"),
        ({"n": Tensor(dtype="int64", shape=(None, 3))}, "'n' is served as int64 of shape (any, 3)"),
    ],
)
def test_what_is_served_otherwise_than_trained_is_named(
    inputs: dict[str, Tensor | None], reason: str
):
    changed = {name: tensor for name, tensor in {**SAMPLES.inputs, **inputs}.items() if tensor}
    (fault,) = signature_faults.faults_of_served((changed, SAMPLES.outputs), SAMPLES)
    assert reason in fault


@pytest.mark.parametrize(
    ("dtype", "shape", "feature", "fits"),
    [
        ("float32", (None,), Feature(type="FLOAT", size=1), True),
        ("float32", (None, 1), Feature(type="FLOAT", size=1), True),
        ("float32", (None, 3), Feature(type="FLOAT", size=1), False),
        ("float32", (None, 2, 3), Feature(type="FLOAT", size=6), True),
        ("float32", (None, None), Feature(type="FLOAT", size=6), True),
        ("float32", None, Feature(type="FLOAT", size=6), True),
        ("float32", (None,), Feature(type="INT"), True),
        ("int64", (None,), Feature(type="FLOAT"), False),
        ("int64", (None, 4), Feature(type="INT"), True),
        ("string", (None,), Feature(type="BYTES"), True),
        ("string", (None,), Feature(type="INT"), False),
        ("float32", (None,), Feature(type="BYTES"), False),
    ],
)
def test_an_input_must_hold_what_the_schema_says(
    dtype: str, shape: tuple[int | None, ...] | None, feature: Feature, fits: bool
):
    samples = ServingSamples(
        inputs={"x": Tensor(dtype=dtype, shape=shape)}, outputs={}, features={"x": feature}
    )
    faults = list(signature_faults.faults_against_schema(samples))
    assert (faults == []) == fits
    assert fits or "the schema says" in faults[0]


def test_one_input_of_text_that_is_no_feature_takes_serialized_examples():
    text = {"examples": Tensor(dtype="string", shape=(None,))}
    assert list(signature_faults.faults_against_schema(replace(SAMPLES, inputs=text))) == []
    number = {"y": Tensor(dtype="int64", shape=(None,))}
    faults = list(signature_faults.faults_against_schema(replace(SAMPLES, inputs=number)))
    assert faults == ["input 'y' is no feature of the schema"]


# ---- infrastructure


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


# ---- messages and answers

LIMITS = ApiCall()


def test_a_request_holds_one_row_in_both_protocols():
    row = {"x": 1.5, "n": [1, 2], "word": "a"}
    assert json.loads(row_request.body(row, SAMPLES.inputs, "v1")) == {"instances": [row]}
    assert json.loads(row_request.body(row, SAMPLES.inputs, "v2")) == {
        "inputs": [
            {"name": "x", "shape": [1], "datatype": "FP32", "data": [1.5]},
            {"name": "n", "shape": [1, 2], "datatype": "INT64", "data": [1, 2]},
            {"name": "word", "shape": [1], "datatype": "BYTES", "data": ["a"]},
        ]
    }


def test_bytes_have_no_form_in_v2():
    row = {"word": {"b64": base64.b64encode(b"\xff").decode()}}
    tensors = SAMPLES.inputs.values()
    assert row_request.is_sendable(row, tensors, "v1")
    assert not row_request.is_sendable(row, tensors, "v2")
    assert row_request.is_sendable({"word": "a text with b64 in it"}, tensors, "v2")


@pytest.mark.parametrize("protocol", ["v1", "v2"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_floats_have_no_form_in_json(dtype, protocol):
    half = replace(SAMPLES.inputs["x"], dtype=dtype)
    assert not row_request.is_sendable({"x": 1.5}, [half], protocol)


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"[]",
        b'{"predictions": []}',
        b'{"predictions": [1, 2]}',
        b'{"predictions": [{"word": "a"}]}',
    ],
)
def test_an_answer_without_the_one_row_is_an_error(answer: bytes):
    with pytest.raises(row_request.AnswerError):
        row_request.outputs(answer, SAMPLES.outputs, "v1")


def test_the_only_output_comes_without_its_name():
    only = {"score": SAMPLES.outputs["score"]}
    assert row_request.outputs(b'{"predictions": [[0.5]]}', only, "v1") == {"score": [0.5]}


NUMBERS = st.floats(-1e6, 1e6)


@given(NUMBERS, st.floats(0, 0.99))
def test_a_number_within_the_tolerances_is_equal(number: float, share: float):
    bound = LIMITS.absolute_tolerance + LIMITS.relative_tolerance * abs(number)
    difference = output_difference.difference({"y": number + share * bound}, {"y": number}, LIMITS)
    assert not difference.fault
    assert output_difference.difference({"y": number + 1.1 * bound}, {"y": number}, LIMITS).fault


@pytest.mark.parametrize(
    ("served", "trained", "equal"),
    [
        ([1.0, 2.0], [1.0, 2.0], True),
        ([1.0], [1.0, 2.0], False),
        (1.0, [1.0], False),
        (math.nan, 1.0, False),
        (None, 1.0, False),
        ("1", 1.0, False),
        ("a", "a", True),
        (["a", "b"], ["a", "c"], False),
        ({"b64": base64.b64encode(b"a").decode()}, "a", True),
        ("\ufffd", {"b64": base64.b64encode(b"\xff").decode()}, True),
        (True, True, True),
        (2**53, 2**53, True),
    ],
)
def test_values_are_compared_by_shape_and_kind(served: Any, trained: Any, equal: bool):
    difference = output_difference.difference({"y": served}, {"y": trained}, LIMITS)
    assert (difference.fault == "") == equal
    assert math.isfinite(difference.largest) or not equal


# ---- latency

SECONDS = st.lists(st.floats(0, 10), min_size=1, max_size=200)


@given(SECONDS)
def test_percentiles_ascend_and_lie_among_the_latencies(seconds: list[float]):
    numbers = load_verdict.check([Call(seconds=s) for s in seconds], 1.0, Load(p99_ms=0)).numbers
    measured = [numbers["p50_ms"], numbers["p95_ms"], numbers["p99_ms"]]
    assert measured == sorted(measured)
    assert all(1000 * min(seconds) <= m + 1e-6 <= 1000 * max(seconds) + 2e-6 for m in measured)


@given(SECONDS, st.floats(0.001, 10))
def test_a_limit_fails_exactly_when_it_is_passed(seconds: list[float], limit: float):
    load = Load(requests=len(seconds), p50_ms=1000 * limit, p99_ms=0)
    result = load_verdict.check([Call(seconds=s) for s in seconds], 1.0, load)
    assert (result.verdict is Verdict.FAILED) == (result.numbers["p50_ms"] > 1000 * limit)


@pytest.mark.parametrize(("failed", "passes"), [(0, True), (2, True), (3, False), (200, False)])
def test_errors_above_the_share_fail_with_the_most_frequent_one(failed: int, passes: bool):
    calls = [Call(seconds=0.01, fault="503 sick")] * failed + [Call(seconds=0.01)] * (200 - failed)
    result = load_verdict.check(calls, 10.0, Load())
    assert (result.verdict is Verdict.PASSED) == passes
    assert passes or f"{failed} with: 503 sick" in result.reasons[0]


# ---- results and report


def test_many_reasons_are_cut_and_counted():
    result = judged("load", [str(number) for number in range(MOST + 5)])
    assert len(result.reasons) == MOST + 1
    assert result.reasons[-1] == "and 5 more"


def test_a_result_is_plain_for_the_metadata():
    metadata = judged("api_call", ["bad"], [], {"largest_difference": math.inf}).as_metadata()
    assert metadata["verdict"] == "failed"
    assert json.loads(json.dumps(metadata, allow_nan=False))["numbers"] == {
        "largest_difference": "inf"
    }


def test_the_report_tells_verdicts_reasons_and_numbers_escaped():
    results = [
        judged("api_call", ["row 0: 500 <html>"], [], {"rows": 50}),
        skipped("load", "not run"),
    ]
    text = page(results, "Checks of default/taxi", "not pushed")
    assert "Failed: it gets no traffic" in text
    assert "row 0: 500 &lt;html&gt;" in text
    assert "not run" in text
    assert "<html>" not in text.split("<html lang", 1)[1]


def test_a_push_without_checks_has_a_report_too():
    assert "No check was run." in page([], "Checks of default/taxi", "already served")
