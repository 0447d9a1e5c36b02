import math
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.ingest import input_file, typed_table
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.shared.data_reference import DataFile
from kanaria.components.shared.errors import DataError


def read(path: Path) -> InputFile:
    return input_file.read(DataFile(uri=str(path), path=path))


@pytest.fixture
def typed(tmp_path: Path):
    """Join CSV files, given as the lines of their only column `a` and a filler `b`."""

    def join(*files: list[str]) -> pa.ChunkedArray:
        read_files = []
        for number, values in enumerate(files, start=1):
            path = tmp_path / f"{number}.csv"
            path.write_text("a,b\n" + "".join(f"{value},x\n" for value in values))
            read_files.append(read(path))
        return typed_table.joined(read_files)["a"]

    return join


TYPES = {
    "integers": (["1", "-2"], pa.int64()),
    "integers with a gap": (["1", "", "3"], pa.int64()),
    "an integer and a float": (["1", "0.5"], pa.float64()),
    "floats with nan": (["0.5", "nan", "-inf"], pa.float64()),
    "blanks around numbers": ([" 1", "2 "], pa.int64()),
    "numbers and one word": (["1", "two"], pa.string()),
    "truth": (["true", "False"], pa.string()),
    "dates": (["2013-01-31"], pa.string()),
    "hexadecimal": (["0x1f"], pa.string()),
    "blank is no number": ([" ", "1"], pa.string()),
    "no value": (["", ""], pa.null()),
}


@pytest.mark.parametrize(("values", "kind"), TYPES.values(), ids=TYPES)
def test_a_column_gets_the_narrowest_type_of_all_its_rows(typed, values: list[str], kind):
    assert typed(values).type == kind


def test_a_word_in_the_last_of_many_rows_makes_text(typed):
    assert typed(["1"] * 100_000 + ["x"]).type == pa.string()


def test_integers_with_a_gap_keep_their_values(typed):
    assert typed(["9007199254740993", ""]).to_pylist() == [2**53 + 1, None]


def test_nan_is_a_value_and_an_empty_cell_is_missing(typed):
    nan, missing, one = typed(["nan", "", "1.0"]).to_pylist()
    assert math.isnan(nan)
    assert (missing, one) == (None, 1.0)


def test_integers_in_one_file_widen_to_the_floats_of_another(typed):
    assert typed(["1"], ["0.5"]).to_pylist() == [1.0, 0.5]


@pytest.mark.parametrize(("kind", "value"), [(pa.int64(), "1"), (pa.string(), "x")])
def test_a_file_without_values_in_a_column_follows_the_others(typed, kind, value: str):
    assert typed([""], [value], []).type == kind


def test_a_number_in_one_file_and_text_in_another_is_an_error_with_the_place(typed):
    message = (
        r"column 'a' changes type: int64 in \S*1\.csv, string in \S*2\.csv "
        r"\(\S*2\.csv:3 holds 'two'\); give it one type in every file"
    )
    with pytest.raises(DataError, match=message):
        typed(["1", "2"], ["1", "two", "three"])


def test_an_integer_beyond_64_bits_is_an_error_with_the_place(typed):
    message = r"1\.csv:3: column 'a' holds '9223372036854775808', beyond 64-bit integers; write"
    with pytest.raises(DataError, match=message):
        typed(["1", str(2**63)])


def test_a_huge_number_among_floats_is_a_float(typed):
    assert typed(["0.5", str(2**63)]).to_pylist() == [0.5, float(2**63)]


def test_files_may_order_their_columns_differently(tmp_path: Path):
    (tmp_path / "1.csv").write_text("a,b\n1,x\n")
    (tmp_path / "2.csv").write_text("b,a\ny,2\n")
    table = typed_table.joined([read(tmp_path / "1.csv"), read(tmp_path / "2.csv")])
    assert table.to_pylist() == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


@pytest.mark.parametrize(
    ("header", "difference"),
    [
        ("a", r"lacks \['b'\], adds \[\]"),
        ("a,b,c", r"lacks \[\], adds \['c'\]"),
        ("a,B", r"lacks \['b'\], adds \['B'\]"),
    ],
)
def test_files_with_different_columns_are_an_error_naming_them(
    tmp_path: Path, header: str, difference: str
):
    (tmp_path / "1.csv").write_text("a,b\n1,x\n")
    (tmp_path / "2.csv").write_text(f"{header}\n")
    with pytest.raises(DataError, match=rf"2\.csv: differs from \S*1\.csv: {difference}; give"):
        typed_table.joined([read(tmp_path / "1.csv"), read(tmp_path / "2.csv")])


def parquet(number: int, column: pa.Array) -> InputFile:
    return InputFile(uri=f"{number}.parquet", table=pa.table({"a": column}))


def stamp(unit: str) -> pa.Array:
    return pa.array([1359590400 * (1 if unit == "s" else 1000)], pa.timestamp(unit))


TYPED = {
    "small integers": (pa.array([1], pa.int8()), pa.int64(), 1),
    "truth": (pa.array([True]), pa.int64(), 1),
    "single floats": (pa.array([0.5], pa.float32()), pa.float64(), 0.5),
    "categories": (pa.array(["x"]).dictionary_encode(), pa.string(), "x"),
    "times": (stamp("s"), pa.string(), "2013-01-31 00:00:00"),
    "bytes": (pa.array([b"x"], pa.large_binary()), pa.binary(), b"x"),
    "lists": (pa.array([[1, 2]], pa.list_(pa.int32())), pa.list_(pa.int64()), [1, 2]),
}


@pytest.mark.parametrize(("column", "kind", "value"), TYPED.values(), ids=TYPED)
def test_a_parquet_column_becomes_one_of_few_types(column, kind, value):
    joined = typed_table.joined([parquet(1, column)])["a"]
    assert (joined.type, joined.to_pylist()) == (kind, [value])


@pytest.mark.parametrize("empty", [pa.nulls(1), pa.nulls(1, pa.string()), pa.array([])])
def test_a_parquet_file_without_values_follows_the_others(empty):
    assert typed_table.joined([parquet(1, empty), parquet(2, pa.array([1]))])["a"].type == "int64"


def test_a_parquet_column_that_changes_type_is_an_error():
    message = r"int64 in 1\.parquet, string in 2\.parquet \(2\.parquet: row 2 holds 'x'\)"
    with pytest.raises(DataError, match=message):
        typed_table.joined([parquet(1, pa.array([1])), parquet(2, pa.array([None, "x"]))])


@pytest.mark.parametrize("value", [{"x": 1}, [[1]]], ids=["struct", "nested list"])
def test_a_column_without_a_form_in_an_example_is_an_error(value):
    with pytest.raises(DataError, match=r"1\.parquet: column 'a' has type \S.*; use numbers"):
        typed_table.joined([parquet(1, pa.array([value]))])


def test_an_unsigned_integer_beyond_64_bits_is_an_error():
    with pytest.raises(DataError, match="column 'a' of type uint64 does not fit int64"):
        typed_table.joined([parquet(1, pa.array([2**63], pa.uint64()))])


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_survive_the_text(tmp_path_factory, values: list[int | None]):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("a,b\n" + "".join(f"{'' if v is None else v},x\n" for v in values))
    assert typed_table.joined([read(path)])["a"].to_pylist() == values


@given(st.lists(st.floats(allow_nan=False), min_size=1).filter(lambda v: v != [None]))
def test_floats_survive_the_text_bit_for_bit(tmp_path_factory, values: list[float]):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("a,b\n" + "".join(f"{value!r},x\n" for value in values))
    assert typed_table.joined([read(path)])["a"].to_pylist() == values
