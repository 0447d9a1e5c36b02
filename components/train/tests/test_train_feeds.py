import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.train.feeds import missing_value, tensor_of

SMALLEST = -(2**63)
ROWS = st.lists(st.none() | st.lists(st.integers(-9, 9), max_size=4), min_size=1, max_size=20)


def lists(rows: list[object], values: pa.DataType) -> pa.Array:
    return pa.array(rows, pa.large_list(values))


@given(ROWS)
def test_each_row_gives_its_first_value_or_the_mark_of_missing(rows: list[list[int] | None]):
    tensor = tensor_of(lists(rows, pa.int64()), len(rows), tf.TensorSpec([None], tf.int64))
    assert tensor.numpy().tolist() == [row[0] if row else SMALLEST for row in rows]


@given(ROWS)
def test_an_input_of_two_values_takes_two(rows: list[list[int] | None]):
    tensor = tensor_of(lists(rows, pa.int64()), len(rows), tf.TensorSpec([None, 2], tf.int64))
    padded = [[*(row or []), SMALLEST, SMALLEST][:2] for row in rows]
    assert tensor.numpy().tolist() == padded


def test_text_is_bytes_and_missing_text_is_empty():
    column = lists([["AA"], None], pa.large_binary())
    tensor = tensor_of(column, 2, tf.TensorSpec([None, 1], tf.string))
    assert tensor.numpy().tolist() == [[b"AA"], [b""]]


def test_a_column_that_is_not_there_is_missing_in_every_row():
    tensor = tensor_of(None, 2, tf.TensorSpec([None], tf.float32))
    assert tf.math.is_nan(tensor).numpy().all()


@pytest.mark.parametrize(("dtype", "value"), [(tf.bool, False), (tf.int32, -(2**31))])
def test_other_types_have_a_mark_of_missing_too(dtype: tf.DType, value: object):
    assert missing_value(dtype) == value
