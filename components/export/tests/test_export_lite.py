"""TensorFlow's own interpreter runs the files, and their numbers are the SavedModel's."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from kanaria.components.export.gate import Limits
from kanaria.components.train import signature_names

ANY = Limits(max_abs_difference=1e9, min_agreement=0.0)


@pytest.mark.parametrize(
    ("quantization", "most", "least"),
    [("none", 1e-6, 0.0), ("float16", 1e-3, 1e-7), ("dynamic", 0.02, 1e-5), ("int8", 0.05, 1e-4)],
)
def test_the_difference_is_that_of_an_independent_run(
    dense: Any, quantization: str, most: float, least: float
):
    world = dense()
    exported = world.export(quantization=quantization)
    rows = world.column("x")
    lite, saved = world.lite(x=rows)["probabilities"], world.saved(x=rows)["probabilities"]
    apart = np.abs(lite.astype(np.float64) - saved)
    (output,) = exported.measured.outputs
    assert output.max_difference == pytest.approx(float(apart.max()), abs=1e-7)
    assert output.mean_difference == pytest.approx(float(apart.mean()), rel=1e-3, abs=1e-8)
    assert output.agreement == (lite.argmax(axis=1) == saved.argmax(axis=1)).mean()
    assert least <= output.max_difference < most
    assert output.rows == 60


@pytest.mark.parametrize(
    ("quantization", "share"), [("float16", 0.6), ("dynamic", 0.35), ("int8", 0.35)]
)
def test_quantized_files_are_smaller_and_both_sizes_are_told(
    dense: Any, quantization: str, share: float
):
    world = dense(width=128)
    measured = world.export(quantization=quantization, limits=ANY).measured
    assert measured.bytes == world.file.stat().st_size
    assert 128 * 128 * 4 < measured.float32_bytes < 128 * 128 * 4 + 4000
    assert measured.bytes < share * measured.float32_bytes


def test_int8_computes_in_integers_between_float_inputs_and_outputs(dense: Any):
    world = dense()
    world.export(quantization="int8")
    interpreter = tf.lite.Interpreter(model_path=str(world.file))
    runner = interpreter.get_signature_runner("serving_default")
    assert runner.get_input_details()["x"]["dtype"] is np.float32
    types = [np.dtype(tensor["dtype"]).name for tensor in interpreter.get_tensor_details()]
    # Only what is fed and what is answered are floats.
    assert types.count("float32") == 2
    assert types.count("int8") >= 3


def test_ranges_that_leave_out_what_is_served_are_a_refusal_not_a_surprise(dense: Any):
    narrow = dense(spread=0.01)
    exported = narrow.export(quantization="int8", limits=Limits(max_abs_difference=0.02))
    rows = narrow.column("x")
    apart = np.abs(narrow.lite(x=rows)["probabilities"] - narrow.saved(x=rows)["probabilities"])
    assert not exported.outcome.passed
    assert float(apart.max()) > 0.02
    assert f"differs by {float(apart.max()):.4g}" in exported.outcome.reasons[0].text


def test_small_weights_are_said_to_stay_as_they_are(dense: Any):
    exported = dense(width=8).export(quantization="dynamic")
    assert exported.outcome.passed
    assert "dynamic changed nothing" in exported.outcome.notes[0]
    assert exported.measured.max_difference < 1e-6


def test_a_file_that_quantization_made_larger_is_said(dense: Any):
    exported = dense(width=4).export(quantization="int8", limits=ANY)
    assert exported.measured.bytes > exported.measured.float32_bytes
    assert any("made the file larger" in note for note in exported.outcome.notes)


def test_a_table_of_text_in_the_graph_travels(world: Any):
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(["AA", "UA"]), tf.constant([1, 2], tf.int64)
        ),
        0,
    )
    vectors = tf.Variable([[0.0, 0.0], [1.0, -1.0], [2.0, -2.0]])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "carrier")])
    def embed(carrier: Any) -> dict[str, Any]:
        return {"vector": tf.gather(vectors, table.lookup(carrier))}

    world.model(embed, table=table, vectors=vectors)
    texts = ["UA", "", "a" * 5000, "나이", "AA", b"\xff\x00", "UA "]
    texts = [text.encode() if isinstance(text, str) else text for text in texts]
    world.examples(eval={"carrier": texts})
    exported = world.export()
    wanted = [[2, -2], [0, 0], [0, 0], [0, 0], [1, -1], [0, 0], [0, 0]]
    assert world.lite(carrier=np.array(texts, object))["vector"].tolist() == wanted
    assert exported.outcome.passed
    assert exported.measured.max_difference == 0
    assert exported.inputs == {"carrier": "string[?]"}


def test_inputs_of_several_types_are_fed_by_name(world: Any):
    specs = {
        "hours per week": tf.TensorSpec([None], tf.int64, "feature_0"),
        "age": tf.TensorSpec([None], tf.float32, "age"),
        "is_member": tf.TensorSpec([None, 1], tf.bool, "is_member"),
    }

    @tf.function(input_signature=[specs])
    def add(features: Any) -> dict[str, Any]:
        member = tf.cast(features["is_member"][:, 0], tf.float32)
        hours = tf.cast(features["hours per week"], tf.float32)
        return {"sum": hours + 100 * features["age"] + 10_000 * member, "over": hours > 40}

    world.model(add)
    signature_names.restore(world.home / "model" / "1", {"hours per week": "feature_0"})
    rows = {"hours per week": [40, 50], "age": [1.5, 2.0], "is_member": [[0], [1]]}
    world.examples(eval=rows)
    exported = world.export(limits=Limits(max_abs_difference=0))
    assert exported.outcome.passed
    assert exported.inputs == {
        "hours per week": "int64[?]",
        "age": "float32[?]",
        "is_member": "bool[?, 1]",
    }
    assert exported.outputs == {"sum": "float32[?]", "over": "bool[?]"}
    lite = world.lite(
        **{
            "hours per week": np.array([40, 50]),
            "age": np.array([1.5, 2], np.float32),
            "is_member": np.array([[False], [True]]),
        }
    )
    assert lite["sum"].tolist() == [190, 10250]
    assert lite["over"].tolist() == [False, True]


def test_rows_of_different_lengths_are_run_each_with_its_own(world: Any):
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, "words")])
    def total(words: Any) -> dict[str, Any]:
        return {"total": tf.reduce_sum(words, axis=1)}

    world.model(total)
    world.examples(eval={"words": [[1.0], [1.0, 2.0], [4.0, 5.0, 6.0], [7.0]]})
    exported = world.export()
    assert exported.measured.rows == 4
    assert exported.measured.max_difference == 0
    assert world.lite(words=np.array([[4, 5, 6]], np.float32))["total"].tolist() == [15]


def test_a_signature_of_a_fixed_number_of_rows_gets_just_so_many(world: Any):
    size = 4  # Ten rows are three calls; the last is filled up.
    cell = tf.keras.layers.LSTM(3)
    cell.build((size, 5, 1))

    @tf.function(input_signature=[tf.TensorSpec([size, 5, 1], tf.float32, "series")])
    def remember(series: Any) -> dict[str, Any]:
        return {"state": cell(series)}

    world.model(remember, cell=cell)
    draw = np.random.default_rng(1)
    world.examples(eval={"series": list(draw.normal(size=(10, 5)).astype("f4"))})
    exported = world.export()
    assert exported.outcome.passed
    assert exported.measured.rows == 10
    assert exported.latency.rows == size
    assert 0 <= exported.measured.max_difference < 1e-5
    assert any("keeps state" in note for note in exported.outcome.notes)


def test_the_signature_named_is_the_one_converted(world: Any):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def double(x: Any) -> dict[str, Any]:
        return {"y": 2 * x}

    world.model(double, name="serving_raw")
    world.examples(eval={"x": [1.0, 3.0]})
    exported = world.export(signature="serving_raw")
    assert exported.signature == "serving_raw"
    assert world.lite("serving_raw", x=np.array([1, 3], np.float32))["y"].tolist() == [2, 6]


def test_the_latency_is_of_one_row_and_was_measured(dense: Any):
    latency = dense().export().latency
    assert latency.rows == 1
    assert latency.calls >= 1
    assert 0 < latency.median <= latency.percentile_95
