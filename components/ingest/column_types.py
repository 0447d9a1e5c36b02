"""Types of columns, stable over all files: int64, float64 or text.

A column is int64 if every value in every file reads as one, float64 if every value reads as a
number, else text; a column without any value is null. Missing values never change a type.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.shared.errors import DataError, shown


@dataclass(frozen=True, kw_only=True, slots=True)
class FileTable:
    """The rows of one file, in the file's own types; text columns of CSV are not yet read."""

    path: Path
    table: pa.Table


def _reads_as(column: pa.ChunkedArray, target: pa.DataType) -> bool:
    try:
        column.cast(target)
    except pa.ArrowInvalid:
        return False
    return True


def of_text(column: pa.ChunkedArray) -> pa.DataType:
    """Return the narrowest type of a text column: null, int64, float64 or string."""
    if column.null_count == len(column):
        return pa.null()
    # Arrow reads 0x1f as an integer; a user of CSV means text.
    hexadecimal = pc.any(pc.match_substring_regex(column, "^-?0[xX]")).as_py()
    for target in (pa.int64(), pa.float64()):
        if not hexadecimal and _reads_as(column, target):
            return target
    return pa.string()


def of_typed(path: Path, name: str, kind: pa.DataType) -> pa.DataType:
    """Return the type in the examples of a typed (Parquet) column.

    Raises:
        DataError: the column holds something that is no number, text, or list of them.
    """
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_temporal(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_dictionary(kind):
        return of_typed(path, name, kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(of_typed(path, name, kind.value_type))
    if pa.types.is_null(kind) or pa.types.is_binary(kind):
        return kind
    raise DataError(
        f"{path}: column {shown(name)} has type {kind}; use numbers, text, dates, or lists of them"
    )


def _first_text(file: FileTable, name: str) -> str:
    """Say which value made a column text, for an error message."""
    for row, value in enumerate(file.table[name].to_pylist(), start=2):
        if value is not None and of_text(pa.chunked_array([[str(value)]])) == pa.string():
            return f"record {row} holds {shown(value)}"
    return "it holds text"


def unified(name: str, files: list[FileTable], kinds: list[pa.DataType]) -> pa.DataType:
    """Return the one type of a column over all files; integers widen to floats.

    Args:
        name: the column.
        files: the files, each with the column.
        kinds: the column's type in each file, in the same order.

    Raises:
        DataError: the column is a number in one file and text in another.
    """
    known = [(f, kind) for f, kind in zip(files, kinds, strict=True) if kind != pa.null()]
    distinct = {kind for _, kind in known}
    if not distinct:
        return pa.null()
    if len(distinct) == 1:
        return distinct.pop()
    if distinct == {pa.int64(), pa.float64()}:
        return pa.float64()
    one = known[0]
    other = next(pair for pair in known if pair[1] != one[1])
    text = next((f for f, kind in (one, other) if kind == pa.string()), other[0])
    raise DataError(
        f"column {shown(name)} changes type: {one[1]} in {one[0].path}, {other[1]} in "
        f"{other[0].path} ({_first_text(text, name)}); give it one type in every file"
    )
