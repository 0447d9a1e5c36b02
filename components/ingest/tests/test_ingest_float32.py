import logging

import pyarrow as pa
import pytest

from kanaria.components.ingest.float32 import Rounding
from kanaria.components.shared.errors import DataError


def rounded_columns(*tables: pa.Table) -> tuple[str, ...]:
    rounding = Rounding()
    for table in tables:
        rounding.add(table)
    return rounding.columns(tables[0].column_names)


HELD = {
    "fractions": [0.1, 1234.5678],
    "whole numbers that 32 bits hold": [2.0**24, 2.0**30, -0.0],
    "no numbers": [float("nan"), float("inf"), None],
}


@pytest.mark.parametrize("values", HELD.values(), ids=HELD)
def test_what_floats_are_for_is_not_warned_of(values, caplog):
    assert rounded_columns(pa.table({"a": pa.array(values, pa.float64())})) == ()
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("value", "becomes"), [(2.0**24 + 1, "16777216.0"), (1e-60, "0.0"), (1.5e9 + 1, "1500000000.0")]
)
def test_a_number_that_becomes_another_is_told(value: float, becomes: str, caplog):
    table = pa.table({"a": [0.5, value], "b": [0.5, 1.0], "n": [2**60, 2**60 + 1]})
    with caplog.at_level(logging.WARNING):
        assert rounded_columns(table) == ("a",)
    assert f"'a': 1 values such as {value!r} become another number, here {becomes}" in caplog.text


def test_values_in_lists_are_looked_at_too():
    assert rounded_columns(pa.table({"a": [[0.5], None, [2.0**24 + 1]]})) == ("a",)


def test_a_number_beyond_32_bit_floats_is_an_error():
    message = r"column 'a' holds 1e\+39, beyond the 32-bit floats of a tf\.Example; scale it, or"
    with pytest.raises(DataError, match=message):
        rounded_columns(pa.table({"a": [0.5, 1e39]}))
