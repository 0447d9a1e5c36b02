"""A value that the type of its column cannot hold, and the row on which it stands."""

from bisect import bisect_left
from collections.abc import Callable, Iterable

import pyarrow as pa

from kanaria.components.shared.errors import shown

Convert = Callable[[pa.ChunkedArray], pa.ChunkedArray]
"""Returns values in another type; raises ValueError (or Arrow's, a kind of it) for a misfit."""


class MisfitError(ValueError):
    """A value does not fit; the text says how, as in `beyond 64-bit floats`."""


def first_row(column: pa.ChunkedArray, convert: Convert) -> int:
    """Return the first row whose value `convert` refuses; there must be one.

    Arrow does not say which row it was, so the column is halved until one is left.
    """

    def refused(end: int) -> bool:
        try:
            convert(column.slice(0, end))
        except ValueError:
            return True
        return False

    return bisect_left(range(1, len(column) + 1), True, key=refused)


def first(columns: Iterable[pa.ChunkedArray], convert: Convert) -> tuple[int, str]:
    """Return the first row of a column that `convert` refuses, and its value for a message.

    Args:
        columns: the rows in order, some at a time.
        convert: refuses one of them.
    """
    start = 0
    for column in columns:
        try:
            convert(column)
        except ValueError:
            row = first_row(column, convert)
            return start + row, shown_value(column, row)
        start += len(column)
    raise AssertionError("no value is refused")


def shown_value(column: pa.ChunkedArray, row: int) -> str:
    """Return a value for an error message."""
    try:
        value = column[row].as_py()
    except (OverflowError, ValueError):  # A time that Python's datetime does not hold.
        value = column.slice(row, 1).cast(pa.string())[0]
    return shown(value) if isinstance(value, str | bytes | list) else str(value)
