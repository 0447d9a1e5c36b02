import math
import re
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.ingest import input_file, typed_rows
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError


def exact(text: str) -> Fraction | float:
    """Return the number that is written: whole ones exactly, others as Python's own float."""
    is_whole = text.removesuffix(".0").lstrip("-").isdigit()
    return Fraction(text) if is_whole else float(text)


def read(path: Path) -> InputFile:
    return input_file.opened(DataFile(uri=str(path), path=path))


@pytest.fixture
def typed(tmp_path: Path):
    """Join CSV files, given as the lines of their only column `a` and a filler `b`."""

    def join(*files: list[str]) -> pa.ChunkedArray:
        read_files = []
        for number, values in enumerate(files, start=1):
            path = tmp_path / f"{number}.csv"
            path.write_text("a,b\n" + "".join(f'"{value}",x\n' for value in values))
            read_files.append(read(path))
        return typed_rows.joined(read_files).table()["a"]

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
    "a leading zero": (["01234", "1234"], pa.string()),
    "a leading zero before a point": (["01.10", "1.1"], pa.string()),
    "a leading zero behind a sign": (["-07"], pa.string()),
    "leading zeros beyond 64 bits": (["00000000000000000000123"], pa.string()),
    "zeros that are numbers": (["0", "-0", "10"], pa.int64()),
    "zeros before a point": (["0.5", "-0.5", ".5", "0"], pa.float64()),
    "a plus, as of a telephone": (["+4930123"], pa.string()),
    "words alone": (["Inf", "inf"], pa.string()),
    "nan alone": (["NaN"], pa.string()),
    "nan beside integers": (["1", "nan"], pa.float64()),
    "a word in brackets": (["nan(1)", "0.5"], pa.string()),
    "bare exponents": (["1E5", "12e3"], pa.string()),
    "bare exponents beside integers": (["47583311587E590003", "123"], pa.string()),
    "a bare exponent among floats": (["1E5", "0.5"], pa.float64()),
    "signed exponents": (["1e+05", "1e-05"], pa.float64()),
    "separators of thousands": (["1,234", "1_000"], pa.string()),
    "letters of other languages": (["1f", "12D3", "2E"], pa.string()),
    "full-width digits": (["１２"], pa.string()),
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
        r"\(\S*2\.csv:3 holds 'two'\); give it one type in every file, or in column_types"
    )
    with pytest.raises(DataError, match=message):
        typed(["1", "2"], ["1", "two", "three"])


def test_an_integer_beyond_64_bits_is_an_error_with_the_place(typed):
    message = (
        r"1\.csv:3: column 'a' holds '9223372036854775808', beyond 64-bit integers; mend it, or "
        r"keep the column as text: column_types=\{'a': 'string'\}"
    )
    with pytest.raises(DataError, match=message):
        typed(["1", str(2**63)])


@pytest.mark.parametrize("files", [[["1", str(2**53), "0.5"]], [["1", str(-(2**53))], ["0.5"]]])
def test_an_integer_that_a_float_beside_it_may_not_hold_is_an_error(typed, files: list[list[str]]):
    message = r"1\.csv:3: column 'a' holds '-?9007199254740992', beyond what floats hold exactly"
    with pytest.raises(DataError, match=message):
        typed(*files)


def test_the_largest_integers_that_floats_hold_widen(typed):
    assert typed([str(2**53 - 1)], ["0.5"]).to_pylist() == [2.0**53 - 1, 0.5]


@pytest.mark.parametrize("value", ["9007199254740993.0", "12345678901234567.5"])
def test_a_large_number_of_which_a_float_has_not_every_digit_is_an_error(typed, value: str):
    with pytest.raises(DataError, match=rf"1\.csv:3: column 'a' holds '{value}', beyond what floa"):
        typed(["9007199254740992.0", value])


@pytest.mark.parametrize("value", ["1.0e400", "-1.0e400", "9.9e+308"])
def test_a_number_beyond_floats_is_an_error(typed, value: str):
    with pytest.raises(
        DataError, match=rf"1\.csv:3: column 'a' holds '{re.escape(value)}', beyond 64"
    ):
        typed(["0.5", value])


def test_a_number_that_would_become_zero_is_an_error(typed):
    with pytest.raises(DataError, match=r"1\.csv:4: column 'a' holds '1e-400', too small for 64-b"):
        typed(["0.5", "0e-400", "1e-400"])


def test_a_leading_zero_in_one_file_makes_text_of_all(typed):
    assert typed(["1234"], ["01234"]).to_pylist() == ["1234", "01234"]


def test_hexadecimal_beside_numbers_of_another_file_is_words(typed):
    with pytest.raises(
        DataError, match=r"double in \S*1\.csv, string in \S*2\.csv \(.* holds '0x1f'"
    ):
        typed(["0.5"], ["0x1f", "1"])


def test_names_in_digits_fit_words(typed):
    assert typed(["01234"], ["K1A 0B1"]).to_pylist() == ["01234", "K1A 0B1"]


def test_nan_alone_in_one_file_is_a_number_beside_those_of_another(typed):
    assert typed(["nan"], ["1"]).type == pa.float64()


def test_files_may_order_their_columns_differently(tmp_path: Path):
    (tmp_path / "1.csv").write_text("a,b\n1,x\n")
    (tmp_path / "2.csv").write_text("b,a\ny,2\n")
    table = typed_rows.joined([read(tmp_path / "1.csv"), read(tmp_path / "2.csv")]).table()
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
        typed_rows.joined([read(tmp_path / "1.csv"), read(tmp_path / "2.csv")]).table()


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_survive_the_text(tmp_path_factory, values: list[int | None]):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("a,b\n" + "".join(f"{'' if v is None else v},x\n" for v in values))
    assert typed_rows.joined([read(path)]).table()["a"].to_pylist() == values


# A column of words alone is text, and `inf` is one.
some_finite = st.lists(st.floats(allow_nan=False), min_size=1).filter(
    lambda values: any(map(math.isfinite, values))
)


@given(some_finite)
def test_floats_survive_the_text_bit_for_bit(tmp_path_factory, values: list[float]):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("a,b\n" + "".join(f"{value!r},x\n" for value in values))
    assert typed_rows.joined([read(path)]).table()["a"].to_pylist() == values


integers = st.integers(-(2**70), 2**70)
numbers = integers.map(str) | integers.map("{}.0".format) | st.floats().map(repr)


@given(st.lists(numbers, min_size=1))
def test_no_value_is_silently_changed(tmp_path_factory, values: list[str]):
    """Whatever the type, a value is the very number that was written, or the text."""
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("a,b\n" + "".join(f"{value},x\n" for value in values))
    try:
        typed = typed_rows.joined([read(path)]).table()["a"]
    except DataError:
        return
    for text, value in zip(values, typed.to_pylist(), strict=True):
        assert value == text or value == exact(text) or (text == "nan" and math.isnan(value))
