"""Types of columns, stable over all files: int64, float64, text, binary, or lists of them.

A CSV column is int64 if every value reads as one, float64 if every value reads as a number
(nan and inf included), else text. Missing values never change a type: a column without any
value in a file takes the other files' type, and without any value at all it is null.
"""

from bisect import bisect_left
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.ingest.input_file import InputFile
from kanaria.components.shared.errors import DataError, shown


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text without the blanks around it, as in `1, 2`, which no number needs."""
    return pc.utf8_trim_whitespace(column)


def _reads_as(column: pa.ChunkedArray, target: pa.DataType) -> bool:
    # Arrow reads 0x1f as an integer; a user of CSV means text.
    if pc.any(pc.match_substring_regex(column, "^-?0[xX]")).as_py():
        return False
    try:
        column.cast(target)
    except pa.ArrowInvalid:
        return False
    return True


def _first_not(column: pa.ChunkedArray, target: pa.DataType) -> int:
    """Return the first row whose value does not read as `target`; there must be one."""
    ends = range(1, len(column) + 1)
    return bisect_left(ends, True, key=lambda end: not _reads_as(column.slice(0, end), target))


def _of_text(file: InputFile, name: str) -> pa.DataType:
    """Return the narrowest type of a text column that has values.

    Raises:
        DataError: every value is an integer, and one is beyond 64 bits.
    """
    column = _trimmed(file.table[name])
    if _reads_as(column, pa.int64()):
        return pa.int64()
    if not _reads_as(column, pa.float64()):
        return pa.string()
    if pc.all(pc.match_substring_regex(column, "^-?[0-9]+$")).as_py():
        row = _first_not(column, pa.int64())
        raise DataError(
            f"{file.place(row)}: column {shown(name)} holds {shown(column[row].as_py())}, beyond "
            "64-bit integers; write a decimal point for a float, or a letter before it for text"
        )
    return pa.float64()


def _is_text(kind: pa.DataType) -> bool:
    # Dates and times are text, as in CSV.
    is_string = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return is_string or pa.types.is_temporal(kind)


def _scalar(kind: pa.DataType) -> pa.DataType | None:
    """Return the type in the examples of a typed value, or None when it has none."""
    if pa.types.is_dictionary(kind):
        return _scalar(kind.value_type)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if _is_text(kind):
        return pa.string()
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.binary()
    return pa.null() if pa.types.is_null(kind) else None


def _of_typed(file: InputFile, name: str) -> pa.DataType:
    """Return the type in the examples of a typed (Parquet) column that has values.

    Raises:
        DataError: the column holds something that is no number, text, or list of them.
    """
    kind = file.table[name].type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    value = _scalar(kind.value_type if is_list else kind)
    if value is None:
        raise DataError(
            f"{file.uri}: column {shown(name)} has type {kind}; "
            "use numbers, text, dates, or lists of them"
        )
    return pa.list_(value) if is_list and value != pa.null() else value


def of_column(file: InputFile, name: str) -> pa.DataType:
    """Return the type of one column of one file; null when it has no value.

    Raises:
        DataError: the column has no form in a tf.Example.
    """
    column = file.table[name]
    if column.null_count == len(column):
        return pa.null()
    return _of_text(file, name) if file.is_csv else _of_typed(file, name)


def _first_text(file: InputFile, name: str) -> str:
    """Say which value makes a column what it is, for an error message."""
    column = file.table[name]
    row = (
        _first_not(_trimmed(column), pa.float64())
        if file.is_csv
        else pc.index(column.is_valid(), True).as_py()
    )
    return f"{file.place(row)} holds {shown(column[row].as_py())}"


def unified(name: str, files: Sequence[InputFile]) -> pa.DataType:
    """Return the one type of a column over all files; integers widen to floats.

    Raises:
        DataError: the column is a number in one file and text in another.
    """
    kinds = [(file, of_column(file, name)) for file in files]
    known = [(file, kind) for file, kind in kinds if kind != pa.null()]
    distinct = {kind for _, kind in known}
    if not distinct:
        return pa.null()
    if distinct <= {pa.int64(), pa.float64()}:
        return pa.float64() if pa.float64() in distinct else pa.int64()
    if len(distinct) == 1:
        return distinct.pop()
    one = known[0]
    other = next(pair for pair in known if pair[1] != one[1])
    text = next((file for file, kind in (one, other) if kind == pa.string()), other[0])
    raise DataError(
        f"column {shown(name)} changes type: {one[1]} in {one[0].uri}, {other[1]} in "
        f"{other[0].uri} ({_first_text(text, name)}); give it one type in every file"
    )


def cast(file: InputFile, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    """Return one column of one file in the unified type.

    Raises:
        DataError: a value does not fit, such as an unsigned integer beyond 64 bits.
    """
    column = file.table[name]
    is_number = kind in (pa.int64(), pa.float64())
    try:
        return (_trimmed(column) if file.is_csv and is_number else column).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"{file.uri}: column {shown(name)} of type {column.type} does not fit {kind}: "
            f"{shown(str(error))}; convert it"
        ) from error
