"""What cannot be exported is named in one line, with what to do."""

from typing import Any

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from kanaria.components.export.gate import Limits
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.train.export import export_model
from kanaria.components.transform.transform import TransformRequest, transform

SCHEMA = """
feature { name: "fare" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "way" type: BYTES presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "tip" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
"""
MODULE = """
import tensorflow_transform as tft


def preprocessing_fn(inputs):
    way = tft.compute_and_apply_vocabulary(
        inputs["way"], num_oov_buckets=BUCKETS, vocab_filename="ways"
    )
    return {"fare_xf": tft.scale_to_z_score(inputs["fare"]), "way_xf": way, "tip_xf": inputs["tip"]}
"""


@pytest.fixture(params=[0, 1], ids=["vocabulary", "hashed"])
def behind_transform(world: Any, request: Any) -> Any:
    """A model behind a real transform graph, in the two ways in which such graphs do not travel."""
    draw = np.random.default_rng(0)
    rows = {
        "fare": draw.uniform(1, 9, 80).astype("f4"),
        "way": ["cash", "card"] * 40,
        "tip": draw.uniform(0, 3, 80).astype("f4"),
    }
    world.examples(train=rows, eval=rows)
    (world.home / "schema").mkdir()
    (world.home / "schema/schema.pbtxt").write_text(SCHEMA)
    (world.home / "module.py").write_text(MODULE.replace("BUCKETS", str(request.param)))
    transform_request = TransformRequest(
        examples=world.home / "examples",
        schema=world.home / "schema",
        module_file=str(world.home / "module.py"),
    )
    transform(transform_request, world.home / "graph", world.home / "transformed")
    fare = tf.keras.Input((1,), name="fare_xf")
    way = tf.keras.Input((1,), name="way_xf", dtype=tf.int64)
    vector = tf.keras.layers.Flatten()(tf.keras.layers.Embedding(3, 2)(way + request.param * 0))
    outputs = tf.keras.layers.Dense(1)(tf.keras.layers.Concatenate()([fare, vector]))
    model = tf.keras.Model({"fare_xf": fare, "way_xf": way}, outputs)
    graph = tft.TFTransformOutput(str(world.home / "graph"))
    folder = str(world.home / "model" / "1")
    export_model(model, graph, folder, "tip", transformed_signature="serving_raw")
    return world, request.param


def test_a_transform_in_the_signature_does_not_travel_and_the_remedy_does(behind_transform: Any):
    world, is_hashed = behind_transform
    with pytest.raises(DataError) as refused:
        world.export(signature="serving_default")
    message = str(refused.value)
    assert "signature 'serving_default'" in message
    assert (
        "tf.StringToHashBucketFast" if is_hashed else "HASHTABLE_FIND has no entries"
    ) in message
    assert "ways" in message or is_hashed
    assert "export_model(transformed_signature=...)" in message
    assert "\n" not in message
    transformed = world.home / "transformed"
    exported = world.export(signature="serving_raw", examples=transformed)
    assert exported.outcome.passed
    assert exported.measured.rows == 80
    assert exported.inputs == {"fare_xf": "float32[?, 1]", "way_xf": "int64[?, 1]"}


def test_serialized_examples_are_refused_before_anything_is_converted(behind_transform: Any):
    world, _ = behind_transform
    with pytest.raises(DataError, match=r"'serve_tf_examples': parses serialized tf\.Examples"):
        world.export(signature="serve_tf_examples")


def doubled(world: Any, kind: Any = tf.float32) -> None:
    @tf.function(input_signature=[tf.TensorSpec([None], kind, "x")])
    def double(x: Any) -> dict[str, Any]:
        return {"y": x * 2}

    world.model(double)


def test_every_wrong_parameter_is_named_at_once(world: Any):
    doubled(world)
    limits = Limits(max_bytes=-1, max_abs_difference=float("nan"), min_agreement=1.5)
    with pytest.raises(ParameterError) as refused:
        world.export(quantization="int4", split=" ", representative_rows=0, limits=limits)
    for name in ("quantization='int4'", "split=' '", "representative_rows=0", "max_bytes=-1"):
        assert name in str(refused.value)
    assert "max_abs_difference=nan" in str(refused.value)
    assert "min_agreement=1.5" in str(refused.value)


def test_a_signature_that_the_model_lacks_is_told_with_those_it_has(world: Any):
    doubled(world)
    world.examples(eval={"x": [1.0]})
    with pytest.raises(ParameterError, match="signature='raw': the model has: serving_default"):
        world.export(signature="raw")


def test_an_input_that_is_no_column_is_named(world: Any):
    doubled(world)
    world.examples(eval={"z": [1.0]})
    with pytest.raises(DataError, match=r"inputs \['x'\] are no columns of the examples"):
        world.export()


def test_a_split_without_rows_has_nothing_to_compare(world: Any):
    doubled(world)
    world.examples(eval={"x": np.zeros(0, np.float32)})
    with pytest.raises(DataError, match="split=eval: the split has no rows to compare"):
        world.export()


def test_int8_without_representative_rows_is_refused_and_not_left_in_float32(dense: Any):
    world = dense()
    for file in (world.home / "examples/split=train").iterdir():
        file.unlink()
    with pytest.raises(DataError, match="no split 'train'"):
        world.export(quantization="int8")
    empty = world.home / "examples" / "split=empty"
    empty.mkdir()
    pq.write_table(pa.table({"x": pa.array([], pa.list_(pa.float32()))}), empty / "part-0.parquet")
    with pytest.raises(DataError, match="'empty' has no rows to measure the ranges of int8 on"):
        world.export(quantization="int8", representative_split="empty")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: tf.linalg.inv(x[:, :, tf.newaxis]), r"does not have tf\.MatrixInverse"),
        (lambda x: tf.cast(x, tf.float64) * 2, "cast to float32 before it"),
        (lambda x: tf.cast(tf.cast(x, tf.bfloat16) * 2, tf.float32), "no bfloat16"),
        (lambda x: tf.strings.as_string(x), r"does not have tf\.AsString"),
    ],
)
def test_operations_that_are_not_there_are_named(world: Any, function: Any, said: str):
    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, "x")])
    def compute(x: Any) -> dict[str, Any]:
        return {"y": function(x)}

    world.model(compute)
    world.examples(eval={"x": [1.0, 2.0]})
    with pytest.raises(DataError, match=said) as refused:
        world.export()
    assert "\n" not in str(refused.value)
    assert not (world.home / "tflite_model").exists()


def test_an_input_that_nothing_uses_is_refused_for_lite_answers_one_row_alone(world: Any):
    specs = [tf.TensorSpec([None], tf.float32, "x"), tf.TensorSpec([None], tf.string, "unused")]

    @tf.function(input_signature=specs)
    def double(x: Any, unused: Any) -> dict[str, Any]:  # noqa: ARG001
        return {"y": x * 2}

    world.model(double)
    world.examples(eval={"x": [1.0, 2.0], "unused": ["a", "b"]})
    with pytest.raises(DataError, match=r"shape \(1,\) for 2 rows; .* nothing is computed from"):
        world.export()


def test_a_table_of_other_types_is_said_with_those_there_are(world: Any):
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant(["a"]), tf.constant([1.5])), 0.0
    )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "s")])
    def look_up(s: Any) -> dict[str, Any]:
        return {"y": table.lookup(s)}

    world.model(look_up, table=table)
    world.examples(eval={"s": ["a"]})
    with pytest.raises(DataError, match="tables of text to int64 and of int64 to text alone"):
        world.export()


def test_a_converter_that_ends_its_process_is_a_message_of_the_step(world: Any):
    layer = keras.layers.LSTM(2)
    layer.build((1, 3, 1))

    @tf.function(input_signature=[tf.TensorSpec([1, 3, 1], tf.float32, "x")])
    def remember(x: Any) -> dict[str, Any]:
        return {"y": layer(x)}

    world.model(remember, layer=layer)
    world.examples(eval={"x": [[1.0, 2.0, 3.0]]})
    with pytest.raises(DataError) as refused:
        world.export(apart=True)
    assert "ended with SIGABRT" in str(refused.value)
    assert "LLVM ERROR" in str(refused.value)
