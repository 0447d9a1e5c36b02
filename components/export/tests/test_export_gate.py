"""Limits that do not hold are named with value, limit and row; what cannot be judged is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from kanaria.components.export.gate import Limits, Measured, judged
from kanaria.components.export.parity import Comparison
from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.errors import DataError

ROWS = np.array([10, 11, 12])


def compared(saved: list[Any], lite: list[Any], kind: Any = np.float32) -> Any:
    comparison = Comparison()
    comparison.add(ROWS, {"y": np.array(saved, kind)}, {"y": np.array(lite, kind)})
    return comparison.result()[0]


def measured(*outputs: Any, size: int = 100) -> Measured:
    return Measured(
        quantization="int8",
        bytes=size,
        float32_bytes=400,
        quantized=True,
        keeps_state=False,
        rows=3,
        outputs=outputs,
    )


def test_probabilities_decide_at_a_half():
    parity = compared([0.1, 0.6, 0.9], [0.2, 0.45, 0.9])
    assert parity.agreement == pytest.approx(2 / 3)
    assert parity.first_disagreement == 11
    assert (parity.max_difference, parity.worst_row) == (pytest.approx(0.15), 11)
    assert parity.mean_difference == pytest.approx(0.25 / 3)


def test_several_values_decide_for_the_largest():
    parity = compared([[1, 2], [3, 0], [5, 6]], [[1, 2], [0, 3], [6, 5]])
    assert parity.agreement == pytest.approx(1 / 3)
    assert parity.max_difference == 3


def test_a_regression_decides_nothing_and_that_is_said():
    parity = compared([0.1, 7.0, 0.9], [0.6, 7.0, 0.9])
    assert parity.agreement is None
    (note,) = judged(measured(parity), Limits(max_abs_difference=1)).notes
    assert note == "output 'y' decides nothing, so only its difference is judged"


@pytest.mark.parametrize("kind", [np.int64, object, bool])
def test_what_are_no_floats_agree_or_do_not(kind: Any):
    parity = compared([1, 0, 1], [1, 1, 1], kind)
    assert parity.max_difference is None
    assert parity.agreement == pytest.approx(2 / 3)


def test_a_value_that_is_not_finite_is_infinitely_far_and_an_equal_one_is_not():
    nan, infinity = float("nan"), float("inf")
    assert compared([nan, infinity, 1], [nan, infinity, 1]).max_difference == 0
    worse = compared([1, 2, 3], [1, nan, 3])
    assert (worse.max_difference, worse.worst_row) == (infinity, 11)
    assert not judged(measured(worse), Limits()).passed


def test_each_limit_that_does_not_hold_is_a_reason():
    parity = compared([0.1, 0.6, 0.9], [0.2, 0.45, 0.9])
    limits = Limits(max_bytes=99, max_abs_difference=0.1, min_agreement=0.9)
    verdict = judged(measured(parity), limits)
    assert [reason.text for reason in verdict.reasons] == [
        "the file has 100 bytes, limit 99",
        "output 'y' differs by 0.15 from the SavedModel at row 11, limit 0.1",
        "output 'y' decides as the SavedModel in 66.67% of 3 rows, limit 90.00%; "
        "first otherwise at row 11",
    ]
    assert not verdict.passed
    assert verdict.thresholds == {
        "max_bytes": 99,
        "max_abs_difference": 0.1,
        "min_agreement": 0.9,
    }


def test_limits_that_just_hold_pass():
    parity = compared([0, 1, 1], [0, 0.5 + 2**-20, 1])
    at_most = parity.max_difference
    assert judged(measured(parity), Limits(max_bytes=100, max_abs_difference=at_most)).passed


def test_batches_add_up_to_the_whole():
    draw = np.random.default_rng(0)
    saved, lite = draw.random((9, 1)), draw.random((9, 1))
    whole, parts = Comparison(), Comparison()
    whole.add(np.arange(9), {"y": saved}, {"y": lite})
    for places in (np.arange(5, 9), np.arange(5)):
        parts.add(places, {"y": saved[places]}, {"y": lite[places]})
    one, other = whole.result()[0], parts.result()[0]
    assert other.mean_difference == pytest.approx(one.mean_difference)
    for name in ("rows", "max_difference", "worst_row", "agreement", "first_disagreement"):
        assert getattr(one, name) == getattr(other, name)


def test_another_shape_is_no_number():
    with pytest.raises(ValueError, match=r"output 'y': shape \(3,\) became shape \(3, 1\)"):
        Comparison().add(ROWS, {"y": np.zeros(3)}, {"y": np.zeros((3, 1))})


def test_the_next_step_refuses_a_file_that_did_not_pass(dense: Any):
    world = dense()
    exported = world.export(limits=Limits(max_bytes=1000))
    size = world.file.stat().st_size
    assert not exported.outcome.passed
    with pytest.raises(DataError, match=f"export_lite did not pass: the file has {size:,} bytes"):
        outcome.require_passed(world.home / "outcome")
    page = (world.home / "report").read_text()
    assert "Did not pass" in page
    assert f"the file has {size:,} bytes, limit 1,000" in page


def test_the_metadata_lists_what_a_caller_needs(dense: Any):
    exported = dense().export(quantization="float16", apart=True)
    facts = exported.metadata({"fingerprint": "abc"})
    assert facts["inputs"] == {"x": "float32[?, 64]"}
    assert facts["outputs"] == {"probabilities": "float32[?, 64]"}
    assert facts["signature"] == "serving_default"
    assert facts["quantization"] == "float16"
    assert facts["fingerprint"] == "abc"
    assert facts["passed"] is True
    assert facts["display_name"] == f"tflite_model: float16, {facts['bytes']:,} bytes"
    assert facts["latency_ms"]["rows"] == 1


def test_the_report_tells_a_name_of_an_output_as_text(world: Any):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def double(x: Any) -> dict[str, Any]:
        return {"a<b>": x * 2}

    world.model(double)
    world.examples(eval={"x": [1.0]})
    world.export()
    page = Path(world.home / "report").read_text()
    assert "a&lt;b&gt;" in page
    assert "a<b>" not in page
