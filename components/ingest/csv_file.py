"""Reads one CSV file as text columns; every fault names the file and the line."""

import codecs
import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyarrow import csv

from kanaria.components.ingest import csv_separator, csv_text
from kanaria.components.ingest.csv_text import Record, WholeRecords
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown

MOST_BYTES = (1 << 31) - 1
"""The largest piece that Arrow takes; one record must fit."""

BLANK = re.compile(rb"[\r\n]*")


def _check_names(uri: str, header: Record) -> None:
    """Raise DataError unless the first record names every column, each once."""
    names = header.values
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        raise DataError(
            f"{uri}:{header.line}: column {shown(twice[0])} stands twice; rename one of them"
        )
    if "" in names:
        place = names.index("") + 1
        raise DataError(f"{uri}:{header.line}: column {place} has no name; name every column")


def _header(file: DataFile, separator: str) -> Record:
    """Return the first record of a file."""
    csv_text.check_begin(file)
    header = next(csv_text.records(file.path, separator), None)
    if header is None:
        raise DataError(f"{file.uri}: the file is empty; its first line must name the columns")
    csv_separator.check(file, header, separator)
    return header


def _below(pieces: Iterator[bytes], header: Record) -> Iterator[bytes]:
    """Yield the text below the header from pieces of whole records."""
    data = b""
    for piece in pieces:
        data += piece
        if not BLANK.fullmatch(data):  # The header is the first record.
            yield data[csv_text.line_start(data, header.next_line) :]
            break
    yield from pieces


def names(file: DataFile, separator: str) -> list[str]:
    """Return the names of the columns of an RFC 4180 file.

    Args:
        file: UTF-8 text whose first record names the columns.
        separator: one ASCII character between the values of a record.

    Raises:
        DataError: the file begins with no text, is empty, names a column twice, has a header with
            a quote that is not closed, or has another separator.
    """
    header = _header(file, separator)
    next(_below(csv_text.pieces(file, separator), header), None)
    _check_names(file.uri, header)
    return header.values


def _parsed(text: bytes, columns: Sequence[str], wanted: Sequence[str], separator: str) -> pa.Table:
    """Return whole records, which are known to be quoted well, as columns of text."""
    return csv.read_csv(
        pa.BufferReader(text),
        read_options=csv.ReadOptions(
            block_size=min(len(text) + 1, MOST_BYTES),
            column_names=columns,
            # After an error, Arrow's threads may wait for each other for ever.
            use_threads=False,
        ),
        parse_options=csv.ParseOptions(
            delimiter=separator, newlines_in_values=True, ignore_empty_lines=len(columns) > 1
        ),
        convert_options=csv.ConvertOptions(
            column_types={name: pa.string() for name in columns},
            include_columns=wanted,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _ragged(file: DataFile, separator: str, columns: int) -> DataError | None:
    """Return the error for the first record that has not so many columns, if any."""
    rows = csv_text.records(file.path, separator)
    for line, _, values in rows:
        if len(values) != columns:
            return DataError(
                f"{file.uri}:{line}: {len(values)} columns, the header has {columns}: "
                f"{shown(separator.join(values))}; quote values that hold {shown(separator)}"
            )
    return None


def tables(text: WholeRecords, columns: Sequence[str], wanted: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the rows of a file, some at a time, with every column as text, missing where empty.

    Args:
        text: of a file whose first record names the columns.
        columns: all names, as `names` returns them.
        wanted: the names of the columns that are read, at least one.

    Raises:
        DataError: the file is not UTF-8, ragged, or has a quote that is not closed.
    """
    file, separator = text.file, text.separator
    header = next(csv_text.records(file.path, separator))
    for piece in _below(text.pieces(), header):
        if not piece or (len(columns) > 1 and BLANK.fullmatch(piece)):
            continue  # Arrow refuses to read nothing.
        # Arrow drops one such mark, which is a character here.
        marked = codecs.BOM_UTF8 + piece if piece.startswith(codecs.BOM_UTF8) else piece
        try:
            yield _parsed(marked, columns, wanted, separator)
        except pa.ArrowInvalid as error:
            # Arrow counts records; a user's editor counts lines.
            unreadable = f"{file.uri}: not readable CSV: {shown(str(error))}; mend the file"
            raise (_ragged(file, separator, len(columns)) or DataError(unreadable)) from error
