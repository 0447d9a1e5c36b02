"""Reads one CSV file as text columns; every fault names the file and the line."""

import re
from itertools import islice

import pyarrow as pa
from pyarrow import csv

from kanaria.components.ingest import csv_separator, csv_text
from kanaria.components.ingest.csv_text import Record
from kanaria.components.shared.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown

BLOCK_BYTES = 4 << 20
"""How much is parsed at once."""

MOST_BYTES = (1 << 31) - 1
"""The largest block that Arrow takes; one record must fit."""

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


def _header(uri: str, data: bytes, separator: str) -> Record:
    """Return the first record of a file that is known to be separated and quoted well."""
    header = next(csv_text.records(data, separator), None)
    if header is None:
        raise DataError(f"{uri}: the file is empty; its first line must name the columns")
    csv_separator.check(uri, data, header, separator)
    csv_text.check_quotes(uri, data, separator)
    _check_names(uri, header)
    return header


def _ragged(uri: str, data: bytes, separator: str) -> DataError | None:
    """Return the error for the first record whose length is not the header's, if any."""
    found = csv_text.records(data, separator)
    names = next(found).values
    for line, _, values in found:
        if len(values) != len(names):
            return DataError(
                f"{uri}:{line}: {len(values)} columns, the header has {len(names)}: "
                f"{shown(separator.join(values))}; quote values that hold {shown(separator)}"
            )
    return None


def _block_bytes(rows: memoryview, least: int) -> int:
    """Return a size of blocks of which none ends between the two characters of a line end.

    Arrow drops the second one where a block begins with it, also within quotes.
    """
    size = least
    while any(bytes(rows[end - 1 : end + 1]) == b"\r\n" for end in range(size, len(rows), size)):
        size += 1
    return size


def _parsed(rows: memoryview, names: list[str], separator: str, block: int) -> pa.Table:
    """Return the records as columns of text; those of `rows` are known to be quoted well."""
    try:
        return csv.read_csv(
            pa.BufferReader(pa.py_buffer(rows)),
            read_options=csv.ReadOptions(
                block_size=_block_bytes(rows, block),
                column_names=names,
                # After an error, Arrow's threads may wait for each other for ever.
                use_threads=False,
            ),
            parse_options=csv.ParseOptions(
                delimiter=separator,
                newlines_in_values=True,
                ignore_empty_lines=len(names) > 1,
            ),
            convert_options=csv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        whole = min(len(rows) + 1, MOST_BYTES)
        if "straddl" not in str(error) or block >= whole:
            raise
        return _parsed(rows, names, separator, whole)  # A record is longer than a block.


def row_line(file: DataFile, separator: str, row: int) -> int:
    """Return the line on which a row begins; `row` 0 is the first below the header."""
    found = csv_text.records(csv_text.text_of(file), separator)
    return next(islice(found, row + 1, None)).line


def read(file: DataFile, separator: str = csv_separator.COMMA) -> pa.Table:
    """Return the rows of an RFC 4180 file with every column as text, missing where empty.

    Args:
        file: UTF-8 text whose first record names the columns.
        separator: one ASCII character between the values of a record.

    Raises:
        DataError: the file is empty, not UTF-8, ragged, names a column twice, has a quote that
            is not closed, or has another separator.
    """
    data = csv_text.text_of(file)
    header = _header(file.uri, data, separator)
    start, names = csv_text.line_start(data, header.next_line), header.values
    found = BLANK.match(data, start)
    if start == len(data) or (len(names) > 1 and found and found.end() == len(data)):
        # Arrow refuses to read nothing.
        return pa.table({name: pa.array([], pa.string()) for name in names})
    try:
        return _parsed(memoryview(data)[start:], names, separator, BLOCK_BYTES)
    except pa.ArrowInvalid as error:
        # Arrow counts records; a user's editor counts lines.
        unreadable = DataError(f"{file.uri}: not readable CSV: {shown(str(error))}; mend the file")
        raise (_ragged(file.uri, data, separator) or unreadable) from error
