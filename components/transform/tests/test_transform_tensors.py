"""Rows as tensors, dense or sparse as TFX gives them for the schema."""

import pyarrow as pa
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.errors import DataError
from kanaria.components.shared.tensors import adapter


def schema_of(text):
    return text_format.Parse(text, schema_pb2.Schema())


@pytest.fixture(scope="module")
def tensors(raw):
    schema = schema_of((raw / "schema/schema.pbtxt").read_text())
    [file, *_] = sorted((raw / "examples/split=eval").iterdir())
    return next(adapter.tensors([file], 100, schema))


def test_a_feature_with_a_shape_is_dense_with_one_column(tensors):
    assert tensors["miles"].shape == (40, 1)
    assert tensors["miles"].dtype == tf.float32


def test_a_feature_without_a_shape_is_sparse(tensors):
    assert isinstance(tensors["hour"], tf.SparseTensor)
    assert tensors["hour"].dtype == tf.int64
    assert isinstance(tensors["tags"], tf.SparseTensor)


def test_a_missing_value_takes_no_place_in_a_sparse_tensor(tensors, raw, read_split):
    hours = read_split(raw / "examples", "eval")["hour"].to_pylist()
    present = [row for row, hour in enumerate(hours) if hour is not None]
    assert tensors["hour"].indices.numpy()[:, 0].tolist() == present


def conformed(array, kind):
    schema = schema_of(f'feature {{ name: "x" type: {kind} }}')
    batch = pa.RecordBatch.from_arrays([array], ["x"])
    return adapter.conform(batch, adapter.adapter_config(schema).arrow_schema).column(0)


def test_integers_become_floats_where_the_schema_says_so():
    lists = pa.array([[1], None], pa.large_list(pa.int64()))
    assert conformed(lists, "FLOAT").type == pa.large_list(pa.float32())


def test_a_column_that_the_schema_lacks_is_left_out():
    batch = pa.RecordBatch.from_arrays([pa.nulls(1), pa.nulls(1)], ["x", "y"])
    wanted = adapter.adapter_config(schema_of('feature { name: "x" type: INT }')).arrow_schema
    assert adapter.conform(batch, wanted).schema == wanted


def test_an_absent_column_is_missing_in_every_row():
    batch = pa.RecordBatch.from_arrays([pa.nulls(2)], ["other"])
    wanted = adapter.adapter_config(schema_of('feature { name: "x" type: INT }')).arrow_schema
    assert adapter.conform(batch, wanted).column(0).to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (pa.array([[b"a"]], pa.large_list(pa.large_binary())), "INT"),
        (pa.array([[1]], pa.large_list(pa.int64())), "BYTES"),
        (pa.array([[0.5]], pa.large_list(pa.float32())), "INT"),
    ],
)
def test_values_that_do_not_fit_the_schema_are_refused(array, kind):
    with pytest.raises(DataError, match="feature 'x'"):
        conformed(array, kind)


def test_examples_are_one_a_row_with_the_values_of_the_row(raw):
    schema = schema_of((raw / "schema/schema.pbtxt").read_text())
    [file, *_] = sorted((raw / "examples/split=eval").iterdir())
    rows = next(adapter.serialized_examples([file], 100, schema))
    first = tf.train.Example.FromString(rows[0])
    assert len(rows) == 40
    assert first.features.feature["id"].int64_list.value == [300]


def test_a_schema_that_contradicts_itself_is_told_in_one_line():
    schema = schema_of('feature { name: "x" type: INT shape { dim { size: 1 } } }')
    with pytest.raises(DataError, match=r"Feature x had shape .* min_fraction") as caught:
        adapter.adapter_config(schema)
    assert "\n" not in str(caught.value)
