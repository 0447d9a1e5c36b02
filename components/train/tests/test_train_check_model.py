"""Saved models that must be doubted, each as small as it can be."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.errors import DataError, UserCodeError
from kanaria.components.train.check_model import check_model

SCHEMA = text_format.Parse(
    """
    feature { name: "distance" type: FLOAT }
    feature { name: "text" type: BYTES }
    feature { name: "label" type: FLOAT }
    """,
    schema_pb2.Schema(),
)
FLOATS = tf.TensorSpec([None], tf.float32, "distance")
Answer = Callable[..., dict[str, tf.Tensor]]


def save(folder: Path, *inputs: tf.TensorSpec, weight: float = 1.0, **signatures: Answer) -> Path:
    """Save signatures of functions (weight, *inputs) -> outputs."""
    module = tf.Module()
    module.weight = tf.Variable(weight)
    functions = {
        name: tf.function(lambda *args, f=function: f(module.weight, *args), autograph=False)
        for name, function in signatures.items()
    }
    concrete = {name: f.get_concrete_function(*inputs) for name, f in functions.items()}
    tf.saved_model.save(module, str(folder / "saved"), signatures=concrete)
    return folder / "saved"


def rows(folder: Path, distance: list[float | None], label: float = 0.0) -> list[Path]:
    table = {"distance": distance, "text": ["a"] * len(distance), "label": [label] * len(distance)}
    pq.write_table(pa.table(table), folder / "part-0.parquet")
    return [folder / "part-0.parquet"]


def scaled(weight: tf.Variable, distance: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"outputs": weight * distance}


def test_a_model_of_named_features_passes(tmp_path: Path):
    model = save(tmp_path, FLOATS, serving_default=scaled, other=scaled)
    files = rows(tmp_path, [1.0, 2.0])
    assert check_model(model, SCHEMA, files, files).signatures == ("other", "serving_default")


def test_a_model_of_serialized_examples_passes(tmp_path: Path):
    def parse(weight: tf.Variable, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        feature = {"distance": tf.io.FixedLenFeature([], tf.float32, 0.0)}
        return scaled(weight, tf.io.parse_example(examples, feature)["distance"])

    model = save(tmp_path, tf.TensorSpec([None], tf.string, "examples"), serving_default=parse)
    files = rows(tmp_path, [1.0, None])
    assert check_model(model, SCHEMA, files, files).signatures == ("serving_default",)


def test_a_single_text_feature_is_not_taken_for_examples(tmp_path: Path):
    def length(weight: tf.Variable, text: tf.Tensor) -> dict[str, tf.Tensor]:
        one_letter = tf.cast(tf.strings.length(text), tf.float32)
        return {"outputs": weight / tf.cast(tf.equal(one_letter, 1.0), tf.float32)}

    model = save(tmp_path, tf.TensorSpec([None], tf.string, "text"), serving_default=length)
    files = rows(tmp_path, [1.0])
    assert check_model(model, SCHEMA, files, files)


@pytest.mark.parametrize("odd", [math.nan, math.inf, None])
def test_the_column_behind_non_finite_answers_is_named(tmp_path: Path, odd: float | None):
    model = save(tmp_path, FLOATS, serving_default=scaled)
    files = rows(tmp_path, [1.0, odd, 3.0, odd])
    with pytest.raises(DataError, match=r"2 of 4 eval rows .* missing there: distance; mend"):
        check_model(model, SCHEMA, files, files)


def test_weights_that_are_not_finite_name_the_columns_trained_on(tmp_path: Path):
    model = save(tmp_path, FLOATS, weight=math.nan, serving_default=scaled)
    files = rows(tmp_path, [1.0, 2.0], label=math.nan)
    with pytest.raises(DataError, match=r"1 of 1 weights are not finite; .* train rows: label;"):
        check_model(model, SCHEMA, files, files)


def test_weights_that_blew_up_on_finite_rows_say_so(tmp_path: Path):
    model = save(tmp_path, FLOATS, weight=math.inf, serving_default=scaled)
    files = rows(tmp_path, [1.0])
    with pytest.raises(DataError, match=r"train rows are finite, so lower the learning rate"):
        check_model(model, SCHEMA, files, files)


def test_a_model_that_overflows_by_itself_says_so(tmp_path: Path):
    def overflow(weight: tf.Variable, distance: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": tf.exp(weight * distance)}

    model = save(tmp_path, FLOATS, serving_default=overflow)
    files = rows(tmp_path, [1.0, 1000.0])
    with pytest.raises(DataError, match=r"1 of 2 eval rows .* the model itself overflows"):
        check_model(model, SCHEMA, files, files)


def test_a_model_of_transformed_features_is_refused(tmp_path: Path):
    name = tf.TensorSpec([None], tf.float32, "distance_xf")
    model = save(tmp_path, name, serving_default=scaled)
    files = rows(tmp_path, [1.0])
    with pytest.raises(UserCodeError, match=r"takes \['distance_xf'\], which are no features"):
        check_model(model, SCHEMA, files, files)


def test_a_model_without_serving_default_is_refused(tmp_path: Path):
    model = save(tmp_path, FLOATS, other=scaled)
    files = rows(tmp_path, [1.0])
    with pytest.raises(UserCodeError, match=r"signatures \['other'\]; save one named"):
        check_model(model, SCHEMA, files, files)


def test_a_model_that_fails_on_a_row_is_refused(tmp_path: Path):
    def strict(weight: tf.Variable, distance: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.control_dependencies([tf.debugging.assert_less(distance, 10.0, "too far")]):
            return scaled(weight, tf.identity(distance))

    model = save(tmp_path, FLOATS, serving_default=strict)
    files = rows(tmp_path, [1.0, 20.0])
    with pytest.raises(UserCodeError, match=r"fails on eval rows: .*too far"):
        check_model(model, SCHEMA, files, files)


def test_one_answer_for_all_rows_is_refused(tmp_path: Path):
    def total(weight: tf.Variable, distance: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": weight * tf.reduce_sum(distance)}

    model = save(tmp_path, FLOATS, serving_default=total)
    files = rows(tmp_path, [1.0, 2.0])
    with pytest.raises(UserCodeError, match=r"'outputs' of shape \(\) for 2 rows; give one"):
        check_model(model, SCHEMA, files, files)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path):
    (tmp_path / "saved_model.pb").write_bytes(b"not a model")
    files = rows(tmp_path, np.ones(1).tolist())
    with pytest.raises(UserCodeError, match="the saved model does not load"):
        check_model(tmp_path, SCHEMA, files, files)
