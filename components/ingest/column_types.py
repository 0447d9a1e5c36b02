"""Types of columns, stable over all files: int64, float64, text, binary, or lists of them.

Missing values never change a type: a column without any value in a file takes the other files'
type, and without any value at all it is null. A type that the user declares goes before all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.ingest import csv_numbers, typed_values
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.ingest.misfit import Convert, first_row, shown_value
from kanaria.components.shared.errors import DataError, shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The kind of a column in one file that has values in it."""

    file: InputFile
    kind: pa.DataType


def has_values(file: InputFile, name: str) -> bool:
    """Tell whether a column of a file has a value in any row."""
    column = file.table[name]
    return column.null_count < len(column)


def _trimmed(file: InputFile, name: str) -> pa.ChunkedArray:
    return csv_numbers.trimmed(file.table[name])


def _change(name: str, one: Found, other: Found, row: int) -> DataError:
    """Return the error for a column that is of one kind in one file, of another in another.

    `row` is the one in the second file that shows it.
    """
    value = shown_value(other.file.table[name], row)
    return DataError(
        f"column {shown(name)} changes type: {one.kind} in {one.file.uri}, {other.kind} in "
        f"{other.file.uri} ({other.file.place(row)} holds {value}); give it one type in every "
        "file, or in column_types"
    )


def _check_no_words_beside_numbers(name: str, files: Sequence[InputFile]) -> None:
    """Raise DataError if a column of CSV files is a number in one and words in another."""
    found = [Found(file=file, kind=csv_numbers.kind(_trimmed(file, name))) for file in files]
    numbers = [one for one in found if one.kind != pa.string()]
    words = [one for one in found if not csv_numbers.are_numbers(_trimmed(one.file, name))]
    if numbers and words:
        row = first_row(_trimmed(words[0].file, name), lambda texts: texts.cast(pa.float64()))
        raise _change(name, numbers[0], words[0], row)


def _of_csv(name: str, files: Sequence[InputFile]) -> pa.DataType:
    """Return the kind of a column of CSV files over all their rows.

    Raises:
        DataError: it is a number in one file and words in another.
    """
    chunks = [chunk for file in files for chunk in _trimmed(file, name).chunks]
    kind = csv_numbers.kind(pa.chunked_array(chunks, pa.string()))
    if kind == pa.string() and len(files) > 1:
        _check_no_words_beside_numbers(name, files)
    return kind


def _of_numerals(column: pa.ChunkedArray) -> pa.DataType:
    if typed_values.is_list(column.type):
        return pa.list_(csv_numbers.numerals_kind(pc.list_flatten(column)))
    return csv_numbers.numerals_kind(column)


def _of_typed(file: InputFile, name: str) -> pa.DataType:
    """Return the kind of a typed column.

    Raises:
        DataError: the column holds something that is no number, text, time, or list of them.
    """
    if name in file.numerals:
        return _of_numerals(file.table[name])
    found = file.table[name].type
    kind = typed_values.kind_of(found)
    if kind is None:
        raise DataError(
            f"{file.uri}: column {shown(name)} has type {found}; "
            "use numbers, text, dates, or lists of them"
        )
    return kind


def _widened(kinds: set[pa.DataType]) -> pa.DataType | None:
    """Return the kind that holds several: floats hold integers, and times hold dates."""
    if len(kinds) == 1:
        kind = next(iter(kinds))
        return pa.null() if kind == typed_values.EMPTY_LISTS else kind
    if typed_values.EMPTY_LISTS in kinds:
        others = kinds - {typed_values.EMPTY_LISTS}
        return _widened(others) if all(map(typed_values.is_list, others)) else None
    if kinds == {pa.int64(), pa.float64()}:
        return pa.float64()
    return typed_values.LOCAL if kinds == {typed_values.DATE, typed_values.LOCAL} else None


def unified(name: str, files: Sequence[InputFile]) -> pa.DataType:
    """Return the one kind of a column over all files (`typed_values.kind_of`); null if empty.

    Raises:
        DataError: the column has no form in a tf.Example, or changes type between files.
    """
    known = [file for file in files if has_values(file, name)]
    if not known:
        return pa.null()
    if known[0].is_csv:
        return _of_csv(name, known)
    found = [Found(file=file, kind=_of_typed(file, name)) for file in known]
    kind = _widened({one.kind for one in found})
    if kind is None:
        other = next(one for one in found if one.kind != found[0].kind)
        row = pc.index(other.file.table[name].is_valid(), True).as_py()
        raise _change(name, found[0], other, row)
    return kind


FROM_CSV: dict[pa.DataType, Convert] = {
    pa.int64(): lambda column: csv_numbers.integers(csv_numbers.trimmed(column)),
    pa.float64(): lambda column: csv_numbers.floats(csv_numbers.trimmed(column)),
    pa.string(): lambda column: column,
}
FROM_NUMERALS: dict[pa.DataType, Convert] = {
    pa.int64(): csv_numbers.integers,
    pa.float64(): csv_numbers.numerals_floats,
}


def _converter(file: InputFile, name: str, kind: pa.DataType) -> Convert:
    if file.is_csv:
        return FROM_CSV[kind]
    if name in file.numerals:
        value = kind.value_type if typed_values.is_list(kind) else kind
        return typed_values.by_value(FROM_NUMERALS[value])
    return typed_values.converter(kind)


def converted(
    file: InputFile, name: str, kind: pa.DataType, convert: Convert, remedy: str
) -> pa.ChunkedArray:
    """Return one column of one file in the type `kind`, all missing if it has no value.

    Raises:
        DataError: a value does not fit; the message names its place and ends with `remedy`.
    """
    column = file.table[name]
    if not has_values(file, name):
        return pa.chunked_array([pa.nulls(len(column), kind)])

    def run(some: pa.ChunkedArray) -> pa.ChunkedArray:
        return convert(some).cast(kind)

    try:
        return run(column)
    except ValueError as error:
        row = first_row(column, run)
        raise DataError(
            f"{file.place(row)}: column {shown(name)} holds {shown_value(column, row)}, "
            f"{error}; {remedy}"
        ) from error


def cast(file: InputFile, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    """Return one column of one file in the type of the examples for the unified `kind`.

    Raises:
        DataError: a value does not fit, such as an integer beyond 64 bits.
    """
    target = typed_values.examples_type(kind)
    if kind == pa.null():
        return pa.chunked_array([pa.nulls(file.table.num_rows)])
    is_time = target != kind
    as_text = f"keep the column as text: column_types={{{name!r}: 'string'}}"
    remedy = f"mend it, or {'write it as text' if is_time else as_text}"
    return converted(file, name, target, _converter(file, name, kind), remedy)
