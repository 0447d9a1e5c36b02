"""Parquet rows as lists: the helper that transform, train, evaluate and validate read with."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.data.record_batches import record_batches, to_lists
from kanaria.components.shared.errors import DataError

INTEGERS = st.integers(-(2**63), 2**63 - 1)
VALUES = st.lists(st.none() | INTEGERS)
LISTS = st.lists(st.none() | st.lists(INTEGERS, max_size=3))


def batch_of(array):
    return pa.RecordBatch.from_arrays([array], ["x"])


def listed(array):
    return to_lists(batch_of(array)).column(0)


@given(VALUES)
def test_a_value_becomes_a_list_of_one_and_a_missing_one_a_missing_list(values):
    lists = listed(pa.array(values, pa.int64()))
    assert lists.to_pylist() == [None if value is None else [value] for value in values]


@given(LISTS, st.integers(0, 3))
def test_lists_stay_as_they_are_also_in_a_part_of_a_batch(lists, start):
    part = pa.array(lists, pa.list_(pa.int64()))[start:]
    assert listed(part).to_pylist() == lists[start:]


@given(VALUES, st.integers(0, 3))
def test_a_part_of_a_batch_keeps_its_own_rows(values, start):
    lists = listed(pa.array(values, pa.int64())[start:])
    assert [row and row[0] for row in lists.to_pylist()] == values[start:]


@pytest.mark.parametrize(
    ("array", "kind", "first"),
    [
        (pa.array([1.5], pa.float64()), pa.float32(), [1.5]),
        (pa.array([7], pa.int8()), pa.int64(), [7]),
        (pa.array([True]), pa.int64(), [1]),
        (pa.array(["é"]), pa.large_binary(), ["é".encode()]),
        (pa.array([["a", "b"]]), pa.large_binary(), [b"a", b"b"]),
    ],
)
def test_types_are_those_of_a_tf_example(array, kind, first):
    assert listed(array).type == pa.large_list(kind)
    assert listed(array)[0].as_py() == first


def test_a_column_without_any_value_has_type_null():
    assert listed(pa.nulls(3)).type == pa.null()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (pa.array([[1, None]]), "'x': a list holds a missing value"),
        (pa.array([2**63], pa.uint64()), "'x': .*9223372036854775808"),
        (pa.array(["a"]).dictionary_encode(), "'x' has type dictionary"),
        (pa.array([0], pa.timestamp("s")), "'x' has type timestamp"),
    ],
)
def test_what_has_no_form_in_a_tf_example_is_refused(array, message):
    with pytest.raises(DataError, match=message):
        listed(array)


def test_files_are_read_in_order_in_batches_of_at_most_so_many_rows(tmp_path):
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    pq.write_table(pa.table({"x": [1, 2, 3]}), files[0])
    pq.write_table(pa.table({"x": [4]}), files[1])
    values = [batch.column(0).flatten().to_pylist() for batch in record_batches(files, 2)]
    assert values == [[1, 2], [3], [4]]
