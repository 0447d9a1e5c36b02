"""The rules over facts: signature, answers, latency."""

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
    load_verdict,
    output_difference,
    signature_faults,
)
from kanaria.serving.checks.check_limits import ApiCall, Load
from kanaria.serving.checks.check_result import MOST, Verdict, judged, skipped
from kanaria.serving.checks.checks_page import page
from kanaria.serving.checks.load_verdict import Call
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
