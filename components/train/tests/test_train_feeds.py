"""Rows as the arrays of named inputs: `shared.tensors.named`, which train and evaluate use."""

from collections.abc import Sequence

import ml_dtypes
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.artifacts.model_inputs import (
    Input,
    inputs_of,
    missing_value,
    parses_examples,
    takes_examples,
)
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.tensors.signature_arrays import Feed, feeds

SMALLEST = -(2**63)
WHOLE, TEXT = np.dtype(np.int64), np.dtype(object)
ROWS = st.lists(st.none() | st.lists(st.integers(-9, 9), max_size=4), min_size=1, max_size=20)
PAIRS = st.lists(st.none() | st.lists(st.integers(-9, 9), min_size=2, max_size=2), min_size=1)


def fed(
    rows: Sequence[object], values: pa.DataType, dtype: object, *shape: int | None, **more: bool
) -> list[Feed]:
    column = pa.array(rows, pa.large_list(values))
    batch = pa.RecordBatch.from_arrays([column], names=["v"])
    wanted = Input(dtype=np.dtype(dtype), shape=(None, *shape), **({"required": False} | more))
    return list(feeds(batch, {"v": wanted}))


@given(st.lists(st.none() | st.integers(-9, 9), min_size=1))
def test_a_row_gives_its_value_or_the_mark_of_missing(values: list[int | None]):
    rows = [None if value is None else [value] for value in values]
    for shape in ((), (1,)):
        (feed,) = fed(rows, pa.int64(), WHOLE, *shape)
        wanted = [SMALLEST if value is None else value for value in values]
        assert feed.arrays["v"].reshape(-1).tolist() == wanted
        assert feed.arrays["v"].shape == (len(rows), *shape)


@given(PAIRS)
def test_an_input_of_two_values_takes_both(rows: list[list[int] | None]):
    (feed,) = fed(rows, pa.int64(), WHOLE, 2)
    assert feed.arrays["v"].tolist() == [row or [SMALLEST] * 2 for row in rows]


def test_an_input_of_two_axes_takes_the_values_in_order():
    (feed,) = fed([[1, 2, 3, 4], None], pa.int64(), np.float32, 2, 2)
    assert feed.arrays["v"][0].tolist() == [[1, 2], [3, 4]]
    assert np.isnan(feed.arrays["v"][1]).all()


@given(ROWS)
def test_a_free_size_takes_each_row_once_with_exactly_its_values(rows: list[list[int] | None]):
    values_of_rows = {
        int(row): values.tolist()
        for feed in fed(rows, pa.int64(), WHOLE, None)
        for row, values in zip(feed.rows, feed.arrays["v"], strict=True)
    }
    assert values_of_rows == {number: row or [] for number, row in enumerate(rows)}


def test_a_free_size_beside_a_fixed_one_is_worked_out():
    shapes = {
        f.arrays["v"].shape for f in fed([[1, 2], [1, 2, 3, 4], [5, 6]], pa.int64(), WHOLE, None, 2)
    }
    assert shapes == {(2, 1, 2), (1, 2, 2)}


@pytest.mark.parametrize(
    ("rows", "values", "dtype", "shape", "message"),
    [
        ([[1, 2], [3]], pa.int64(), WHOLE, (2,), "row 1 has 1 values; the model's input takes 2"),
        ([[1], [2, 3]], pa.int64(), WHOLE, (), "row 1 has 2 values; the model's input takes 1"),
        ([[1, 2, 3]], pa.int64(), WHOLE, (None, 2), r"3 values has no shape \[None, 2\]"),
        ([[1.5]], pa.float32(), WHOLE, (), "holds float32, such as 1.5; .* takes int64"),
        ([[b"a"]], pa.large_binary(), np.float32, (), "holds text, such as b'a'"),
        ([[7]], pa.int64(), TEXT, (), "holds int64, such as 7; .* takes text"),
        ([[300]], pa.int64(), np.uint8, (), "300 is no value of the model's input of type uint8"),
        ([[2**40]], pa.int64(), np.int32, (), "no value .* of type int32"),
        ([[2]], pa.int64(), np.bool_, (), "2 is no value .* of type bool"),
        ([[1e6]], pa.float32(), np.float16, (), "no value .* of type float16"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_by_name(rows, values, dtype, shape, message):
    with pytest.raises(DataError, match=f"column 'v': .*{message}"):
        fed(rows, values, dtype, *shape)


def test_a_required_value_that_is_missing_is_refused():
    with pytest.raises(DataError, match="column 'v': row 1 has no value and the schema requires"):
        fed([[1], None], pa.int64(), WHOLE, required=True)


def test_an_input_without_an_axis_for_rows_is_refused():
    batch = pa.RecordBatch.from_arrays([pa.array([[1]], pa.large_list(pa.int64()))], names=["v"])
    with pytest.raises(DataError, match="'v': has no axis for rows"):
        list(feeds(batch, {"v": Input(dtype=WHOLE, shape=())}))


def test_a_column_that_is_not_there_or_without_type_is_missing_in_every_row():
    batch = pa.RecordBatch.from_arrays([pa.nulls(2)], names=["null"])
    wanted = {name: Input(dtype=TEXT, shape=(None, 1), required=False) for name in ("null", "gone")}
    (feed,) = feeds(batch, wanted)
    assert {name: values.tolist() for name, values in feed.arrays.items()} == {
        "null": [[b""], [b""]],
        "gone": [[b""], [b""]],
    }


@pytest.mark.parametrize(
    ("dtype", "value"),
    [(np.bool_, False), (np.int32, -(2**31)), (np.uint8, 0), (np.int64, SMALLEST), (object, b"")],
)
def test_every_type_has_a_mark_of_missing(dtype: object, value: object):
    assert missing_value(np.dtype(dtype)) == value


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
def test_a_missing_float_is_nan(dtype: object):
    (feed,) = fed([None, [1.0]], pa.float32(), dtype)
    values = feed.arrays["v"].astype(float)
    assert np.isnan(values[0])
    assert values[1] == 1.0


TEXTS = [tf.TensorSpec([None], tf.string, name="text")]


def loaded_signature(folder, function):
    module = tf.Module()
    module.serve = tf.function(function, input_signature=TEXTS)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    return tf.saved_model.load(str(folder)).signatures["serving_default"]


def parsed(text):
    return {"o": tf.io.parse_example(text, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]}


def parsed_one_by_one(text):
    return {"o": tf.map_fn(lambda t: parsed(t[tf.newaxis])["o"][0], text, tf.float32)}


def counted(text):
    return {"o": tf.strings.length(text)}


@pytest.mark.parametrize(
    ("function", "when_a_column", "else_"),
    [(parsed, True, True), (parsed_one_by_one, True, True), (counted, False, True)],
)
def test_the_signature_decides_what_its_one_text_input_takes(
    tmp_path, function, when_a_column, else_
):
    signature = loaded_signature(tmp_path / "model", function)
    inputs, parses = inputs_of(signature), parses_examples(signature)
    assert takes_examples(inputs, {"text", "y"}, parses) == when_a_column
    assert takes_examples(inputs, {"y"}, parses) == else_
