"""The first pass over a file: what tells the types of its columns, found over all its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.ingest import csv_type_inference, native_column_types
from kanaria.components.ingest.csv_type_inference import Written
from kanaria.components.ingest.input_file import InputFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Surveyed:
    """One file, and what is found in it.

    Attributes:
        file: the file.
        has_rows: whether it has any row.
        filled: names of the columns that have a value in some row.
        written: name of each column of text that is yet to be read -> how it is written.
    """

    file: InputFile
    has_rows: bool
    filled: frozenset[str]
    written: Mapping[str, Written]

    def has_values(self, name: str) -> bool:
        """Tell whether a column has a value in any row."""
        return name in self.filled


class _Finding:
    """What is found so far; rows that are added twice change nothing."""

    def __init__(self, file: InputFile, names: Sequence[str]) -> None:
        self._file = file
        to_read = names if file.is_csv else file.numerals
        self._written = {name: Written() for name in to_read}
        self._filled: set[str] = set()
        self._has_rows = False

    def add(self, table: pa.Table) -> None:
        self._has_rows = self._has_rows or table.num_rows > 0
        for name, column in zip(table.column_names, table.columns, strict=True):
            if column.null_count < len(column):
                self._filled.add(name)
                self._read(name, column)

    def _read(self, name: str, column: pa.ChunkedArray) -> None:
        """Look at how values of text are written."""
        before = self._written.get(name)
        if before is None:
            return
        if self._file.is_csv:
            if before.is_number:  # Nothing more is to be found out of words.
                self._written[name] = csv_type_inference.written(
                    csv_type_inference.trimmed(column), before
                )
        else:
            texts = pc.list_flatten(column) if native_column_types.is_list(column.type) else column
            are_digits = before.is_digits and csv_type_inference.whole(texts)
            self._written[name] = replace(before, is_digits=are_digits)

    def open_columns(self) -> list[str]:
        """Return the columns of which further rows can tell something."""
        names = self._file.schema.names
        if self._file.is_csv:
            return [n for n, written in self._written.items() if written.is_number]
        return [name for name in names if name in self._written or name not in self._filled]

    def surveyed(self) -> Surveyed:
        return Surveyed(
            file=self._file,
            has_rows=self._has_rows,
            filled=frozenset(self._filled),
            written=self._written,
        )


def survey(file: InputFile, names: Sequence[str]) -> Surveyed:
    """Return what is found in a file; columns with types are read until each has a value.

    Args:
        file: what is read.
        names: of the columns of a CSV file whose types are to be found; of none of them no more is
            read than tells whether the file has rows. Of other files all columns count.

    Raises:
        DataError: a row of the file cannot be read.
    """
    survey_of_file = _Finding(file, names)
    wanted = (names or file.schema.names[:1]) if file.is_csv else file.schema.names
    # Of a CSV file all is read at once, since its text is taken apart as a whole.
    first = None if file.is_csv and names else 1
    for table in islice(file.read(wanted), first):
        survey_of_file.add(table)
        if file.is_csv and not survey_of_file.open_columns():
            break  # All are words.
    if not file.is_csv and (left := survey_of_file.open_columns()):
        for table in file.read(left):
            survey_of_file.add(table)
            if not survey_of_file.open_columns():
                break
    return survey_of_file.surveyed()
