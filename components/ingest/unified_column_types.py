"""Types of columns, stable over all files: int64, float64, text, binary, or lists of them.

Missing values never change a type: a column without any value in a file takes the other files'
type, and without any value at all it is null. A type that the user declares goes before all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa

from kanaria.components.ingest import csv_type_inference, misfit_value, native_column_types
from kanaria.components.ingest.csv_type_inference import Written
from kanaria.components.ingest.file_survey import Surveyed
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.ingest.misfit_value import Convert, MisfitError
from kanaria.components.shared.errors import DataError, shown


@dataclass(frozen=True, kw_only=True, slots=True)
class FileKind:
    """The kind of a column in one file that has values in it."""

    file: InputFile
    kind: pa.DataType


def _change(name: str, one: FileKind, other: FileKind, convert: Convert) -> DataError:
    """Return the error for a column that is of one kind in one file, of another in another.

    `convert` refuses the value in the second file that shows it.
    """
    row, value = misfit_value.first(other.file.column(name), convert)
    return DataError(
        f"column {shown(name)} changes type: {one.kind} in {one.file.uri}, {other.kind} in "
        f"{other.file.uri} ({other.file.place(row)} holds {value}); give it one type in every "
        "file, or in column_types"
    )


def _as_float(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return csv_type_inference.trimmed(texts).cast(pa.float64())


def _check_no_words_beside_numbers(name: str, files: Sequence[Surveyed]) -> None:
    """Raise DataError if a column of CSV files is a number in one and words in another."""
    kinds = [FileKind(file=one.file, kind=one.written[name].kind) for one in files]
    numbers = [one for one in kinds if one.kind != pa.string()]
    words = [one for one, of in zip(kinds, files, strict=True) if not of.written[name].is_number]
    if numbers and words:
        raise _change(name, numbers[0], words[0], _as_float)


def _of_csv(name: str, files: Sequence[Surveyed]) -> pa.DataType:
    """Return the kind of a column of CSV files over all their rows.

    Raises:
        DataError: it is a number in one file and words in another.
    """
    kind = reduce(Written.merged, (one.written[name] for one in files)).kind
    if kind == pa.string() and len(files) > 1:
        _check_no_words_beside_numbers(name, files)
    return kind


def _of_numerals(source: pa.DataType, written: Written) -> pa.DataType:
    kind = pa.int64() if written.is_digits else pa.float64()
    return pa.list_(kind) if native_column_types.is_list(source) else kind


def _of_typed(one: Surveyed, name: str) -> pa.DataType:
    """Return the kind of a typed column.

    Raises:
        DataError: the column holds something that is no number, text, time, or list of them.
    """
    source = one.file.schema.field(name).type
    if name in one.file.numerals:
        return _of_numerals(source, one.written[name])
    kind = native_column_types.kind_of(source)
    if kind is None:
        raise DataError(
            f"{one.file.uri}: column {shown(name)} has type {source}; "
            "use numbers, text, dates, or lists of them"
        )
    return kind


def _widened(kinds: set[pa.DataType]) -> pa.DataType | None:
    """Return the kind that holds several: floats hold integers, and times hold dates."""
    if len(kinds) == 1:
        kind = next(iter(kinds))
        return pa.null() if kind == native_column_types.EMPTY_LISTS else kind
    if native_column_types.EMPTY_LISTS in kinds:
        others = kinds - {native_column_types.EMPTY_LISTS}
        return _widened(others) if all(map(native_column_types.is_list, others)) else None
    if kinds == {pa.int64(), pa.float64()}:
        return pa.float64()
    return (
        native_column_types.LOCAL
        if kinds == {native_column_types.DATE, native_column_types.LOCAL}
        else None
    )


def _refuse_values(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.null_count < len(column):
        raise MisfitError
    return column


def unified(name: str, files: Sequence[Surveyed]) -> pa.DataType:
    """Return the one kind of a column over all files (`native_column_types.kind_of`), or null.

    Raises:
        DataError: the column has no form in a tf.Example, or changes type between files.
    """
    filled = [one for one in files if one.has_values(name)]
    if not filled:
        return pa.null()
    if filled[0].file.is_csv:
        return _of_csv(name, filled)
    kinds = [FileKind(file=one.file, kind=_of_typed(one, name)) for one in filled]
    kind = _widened({one.kind for one in kinds})
    if kind is None:
        other = next(one for one in kinds if one.kind != kinds[0].kind)
        raise _change(name, kinds[0], other, _refuse_values)
    return kind


FROM_CSV: dict[pa.DataType, Convert] = {
    pa.int64(): lambda column: csv_type_inference.integers(csv_type_inference.trimmed(column)),
    pa.float64(): lambda column: csv_type_inference.floats(csv_type_inference.trimmed(column)),
    pa.string(): lambda column: column,
}
FROM_NUMERALS: dict[pa.DataType, Convert] = {
    pa.int64(): csv_type_inference.integers,
    pa.float64(): csv_type_inference.numerals_floats,
}


def _converter(file: InputFile, name: str, kind: pa.DataType) -> Convert:
    if file.is_csv:
        return FROM_CSV[kind]
    if name in file.numerals:
        value = kind.value_type if native_column_types.is_list(kind) else kind
        return native_column_types.by_value(FROM_NUMERALS[value])
    return native_column_types.converter(kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """What one column of one file becomes.

    Attributes:
        name: of the column.
        target: its type in the examples.
        convert: makes values in the file those of the type, or nearly so.
        remedy: how the error for a value that does not fit ends.
    """

    name: str
    target: pa.DataType
    convert: Convert
    remedy: str

    def of(self, column: pa.ChunkedArray, place: Callable[[int], str]) -> pa.ChunkedArray:
        """Return some rows of the column.

        Args:
            column: the rows as the file has them.
            place: number of one of them -> where it stands, for the message.

        Raises:
            DataError: a value does not fit.
        """
        if column.null_count == len(column):
            return pa.chunked_array([pa.nulls(len(column), self.target)])
        try:
            return self._run(column)
        except ValueError as error:
            row = misfit_value.first_row(column, self._run)
            raise DataError(
                f"{place(row)}: column {shown(self.name)} holds "
                f"{misfit_value.shown_value(column, row)}, {error}; {self.remedy}"
            ) from error

    def _run(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return self.convert(column).cast(self.target)


def _nothing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(len(column))])


def conversion(file: InputFile, name: str, kind: pa.DataType) -> Conversion:
    """Return what one column of one file becomes for the unified `kind`."""
    target = native_column_types.examples_type(kind)
    is_time = target != kind
    as_text = f"keep the column as text: column_types={{{name!r}: 'string'}}"
    remedy = f"mend it, or {'write it as text' if is_time else as_text}"
    convert = _nothing if kind == pa.null() else _converter(file, name, kind)
    return Conversion(name=name, target=target, convert=convert, remedy=remedy)
