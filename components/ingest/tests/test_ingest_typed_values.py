from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.ingest import input_file, typed_rows
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.shared.errors import DataError


def parquet(number: int, column: pa.Array) -> InputFile:
    return input_file.of_table(f"{number}.parquet", pa.table({"a": column}))


def stamp(unit: str) -> pa.Array:
    return pa.array([1359590400 * (1 if unit == "s" else 1000)], pa.timestamp(unit))


TYPED = {
    "small integers": (pa.array([1], pa.int8()), pa.int64(), 1),
    "truth": (pa.array([True]), pa.int64(), 1),
    "single floats": (pa.array([0.5], pa.float32()), pa.float64(), 0.5),
    "categories": (pa.array(["x"]).dictionary_encode(), pa.string(), "x"),
    "times": (stamp("s"), pa.string(), "2013-01-31T00:00:00"),
    "whole decimals": (pa.array([Decimal(5)], pa.decimal128(38, 0)), pa.int64(), 5),
    "decimals of hundreds": (pa.array([Decimal(1200)], pa.decimal128(5, -2)), pa.int64(), 1200),
    "decimals": (pa.array([Decimal("0.3")], pa.decimal128(9, 1)), pa.float64(), 0.3),
    "wide decimals": (pa.array([Decimal("0.3")], pa.decimal256(50, 1)), pa.float64(), 0.3),
    "lists of decimals": (
        pa.array([[Decimal(7)]], pa.list_(pa.decimal128(38, 0))),
        pa.list_(pa.int64()),
        [7],
    ),
    "bytes": (pa.array([b"x"], pa.large_binary()), pa.binary(), b"x"),
    "lists": (pa.array([[1, 2]], pa.list_(pa.int32())), pa.list_(pa.int64()), [1, 2]),
}


@pytest.mark.parametrize(("column", "kind", "value"), TYPED.values(), ids=TYPED)
def test_a_parquet_column_becomes_one_of_few_types(column, kind, value):
    joined = typed_rows.joined([parquet(1, column)]).table()["a"]
    assert (joined.type, joined.to_pylist()) == (kind, [value])


@pytest.mark.parametrize("empty", [pa.nulls(1), pa.nulls(1, pa.string()), pa.array([])])
def test_a_parquet_file_without_values_follows_the_others(empty):
    assert (
        typed_rows.joined([parquet(1, empty), parquet(2, pa.array([1]))]).table()["a"].type
        == "int64"
    )


def test_a_parquet_column_that_changes_type_is_an_error():
    message = r"int64 in 1\.parquet, string in 2\.parquet \(2\.parquet: row 2 holds 'x'\)"
    with pytest.raises(DataError, match=message):
        typed_rows.joined([parquet(1, pa.array([1])), parquet(2, pa.array([None, "x"]))])


@pytest.mark.parametrize("value", [{"x": 1}, [[1]]], ids=["struct", "nested list"])
def test_a_column_without_a_form_in_an_example_is_an_error(value):
    with pytest.raises(DataError, match=r"1\.parquet: column 'a' has type \S.*; use numbers"):
        typed_rows.joined([parquet(1, pa.array([value]))])


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2**63], pa.uint64()),
        pa.array([Decimal(1), Decimal(2**63)], pa.decimal128(38, 0)),
        pa.array([[Decimal(1)], [Decimal(2**63)]], pa.list_(pa.decimal128(38, 0))),
    ],
)
def test_an_integer_beyond_64_bits_in_a_typed_column_is_an_error(column):
    message = r"1\.parquet: row 2: column 'a' holds \D*9223372036854775808\D*, beyond 64-bit integ"
    with pytest.raises(DataError, match=message):
        typed_rows.joined([parquet(1, column)]).table()


@pytest.mark.parametrize(
    "columns",
    [
        [pa.array([2**53 + 1]), pa.array([0.5])],
        [pa.array([Decimal("9007199254740993.0")], pa.decimal128(20, 1))],
    ],
)
def test_a_typed_integer_that_a_float_would_round_is_an_error(columns):
    message = r"1\.parquet: row 1: column 'a' holds 9007199254740993\S*, beyond what floats hold"
    with pytest.raises(DataError, match=message):
        typed_rows.joined([parquet(n, column) for n, column in enumerate(columns, start=1)]).table()


@given(st.lists(st.none() | st.decimals(-(10**9), 10**9, places=9, allow_nan=False), min_size=1))
def test_a_decimal_becomes_the_float_that_its_text_becomes(values: list[Decimal | None]):
    column = pa.array([*values, Decimal(0)], pa.decimal128(38, 9))
    want = [None if value is None else float(str(value)) for value in values]
    assert typed_rows.joined([parquet(1, column)]).table()["a"].to_pylist()[:-1] == want
