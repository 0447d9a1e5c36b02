"""Reads one CSV file as text columns; every fault names the file and the line."""

import csv as standard_csv
from collections.abc import Iterator
from itertools import islice

import pyarrow as pa
from pyarrow import csv

from kanaria.components.shared.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown

BLOCK_BYTES = 16 << 20
"""How much is parsed at once; one record must fit."""


def _check_utf8(file: DataFile) -> None:
    """Raise DataError with the place of the first byte that is not UTF-8."""
    with file.path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{file.uri}:{number}: byte {error.start + 1} of the line, "
                    f"0x{line[error.start]:02x}, is not UTF-8; save the file as UTF-8"
                ) from error


def records(file: DataFile) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record starts, and its values; blank lines are skipped.

    Slow, and only for the header and for error messages.
    """
    start = 1
    with file.path.open(newline="", encoding="utf-8-sig") as text:
        reader = standard_csv.reader(text)
        try:
            for values in reader:
                if values:
                    yield start, values
                start = reader.line_num + 1
        except standard_csv.Error as error:
            raise DataError(
                f"{file.uri}:{start}: not readable CSV: {error}; mend the line"
            ) from error


def _header(file: DataFile) -> list[str]:
    """Return the column names, which the first record must give, each once."""
    line, names = next(records(file), (1, []))
    if not names:
        raise DataError(f"{file.uri}: the file is empty; its first line must name the columns")
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        raise DataError(
            f"{file.uri}:{line}: column {shown(twice[0])} stands twice; rename one of them"
        )
    if "" in names:
        place = names.index("") + 1
        raise DataError(f"{file.uri}:{line}: column {place} has no name; name every column")
    return names


def _ragged(file: DataFile, names: list[str]) -> DataError | None:
    """Return the error for the first record whose length is not the header's, if any."""
    for line, values in records(file):
        if len(values) != len(names):
            return DataError(
                f"{file.uri}:{line}: {len(values)} columns, the header has {len(names)}: "
                f"{shown(','.join(values))}; quote values that hold commas"
            )
    return None


def read(file: DataFile) -> pa.Table:
    """Return the rows of an RFC 4180 file with every column as text, missing where empty.

    Raises:
        DataError: the file is empty, not UTF-8, ragged, or names a column twice.
    """
    _check_utf8(file)
    names = _header(file)
    convert = csv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    try:
        return csv.read_csv(
            file.path,
            read_options=csv.ReadOptions(block_size=BLOCK_BYTES),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=convert,
        )
    except pa.ArrowInvalid as error:
        if next(islice(records(file), 1, None), None) is None:
            # Arrow refuses a header without a line end.
            return pa.table({name: pa.array([], pa.string()) for name in names})
        # Arrow counts records; a user's editor counts lines.
        unreadable = DataError(f"{file.uri}: not readable CSV: {shown(str(error))}; mend the file")
        raise (_ragged(file, names) or unreadable) from error
