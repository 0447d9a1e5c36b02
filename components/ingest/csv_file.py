"""Reads one CSV file as text columns; every fault names the file and the line."""

import csv as standard_csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from kanaria.components.shared.errors import DataError, shown

BLOCK_BYTES = 16 << 20
"""How much is parsed at once; one record must fit."""


def _check_utf8(path: Path) -> None:
    """Raise DataError with the place of the first byte that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}:{number}: byte {error.start + 1} of the line, "
                    f"0x{line[error.start]:02x}, is not UTF-8; save the file as UTF-8"
                ) from error


def records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record starts, and its values; blank lines are skipped.

    Slow, and only for the header and for error messages.
    """
    start = 1
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = standard_csv.reader(file)
        try:
            for values in reader:
                if values:
                    yield start, values
                start = reader.line_num + 1
        except standard_csv.Error as error:
            raise DataError(f"{path}:{start}: not readable CSV: {error}; mend the line") from error


def _header(path: Path) -> list[str]:
    """Return the column names, which the first record must give, each once."""
    line, names = next(records(path), (1, []))
    if not names:
        raise DataError(f"{path}: the file is empty; its first line must name the columns")
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        raise DataError(f"{path}:{line}: column {shown(twice[0])} stands twice; rename one of them")
    if "" in names:
        place = names.index("") + 1
        raise DataError(f"{path}:{line}: column {place} has no name; name every column")
    return names


def _ragged(path: Path, names: list[str]) -> DataError | None:
    """Return the error for the first record whose length is not the header's, if any."""
    for line, values in records(path):
        if len(values) != len(names):
            return DataError(
                f"{path}:{line}: {len(values)} columns, the header has {len(names)}: "
                f"{shown(','.join(values))}; quote values that hold commas"
            )
    return None


def read(path: Path) -> pa.Table:
    """Return the rows of an RFC 4180 file with every column as text, missing where empty.

    Raises:
        DataError: the file is empty, not UTF-8, ragged, or names a column twice.
    """
    _check_utf8(path)
    names = _header(path)
    convert = csv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    try:
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(block_size=BLOCK_BYTES),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=convert,
        )
    except pa.ArrowInvalid as error:
        if next(islice(records(path), 1, None), None) is None:
            # Arrow refuses a header without a line end.
            return pa.table({name: pa.array([], pa.string()) for name in names})
        # Arrow counts records; a user's editor counts lines.
        unreadable = DataError(f"{path}: not readable CSV: {shown(str(error))}; mend the file")
        raise (_ragged(path, names) or unreadable) from error
