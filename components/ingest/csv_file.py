"""Reads one CSV file as text columns; every fault names the file and the place."""

import codecs
import csv as standard_csv
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from kanaria.components.shared.errors import DataError, shown


def _check_utf8(path: Path) -> None:
    """Raise DataError with the place of the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                decoder.decode(line)
            except UnicodeDecodeError as error:
                byte = error.object[error.start]
                raise DataError(
                    f"{path}:{number}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
                ) from error


def _header(path: Path) -> list[str]:
    """Return the column names, which the first record must give, each once."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        names = next(standard_csv.reader(file), [])
    if not names:
        raise DataError(f"{path}: the file is empty; its first line must name the columns")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}:1: column {shown(twice[0])} stands twice; rename one of them")
    if "" in names:
        place = names.index("") + 1
        raise DataError(f"{path}:1: column {place} has no name; name every column")
    return names


def read(path: Path) -> pa.Table:
    """Return the rows of an RFC 4180 file with every column as text, missing where empty.

    Raises:
        DataError: the file is empty, not UTF-8, ragged, or names a column twice.
    """
    _check_utf8(path)
    names = _header(path)
    ragged: list[csv.InvalidRow] = []

    def keep(row: csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    convert = csv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    try:
        table = csv.read_csv(
            path,
            # One thread, because only then a ragged row knows its number.
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
            convert_options=convert,
        )
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a readable CSV file: {shown(str(error))}") from error
    if ragged:
        row = ragged[0]
        raise DataError(
            f"{path}: record {row.number} has {row.actual_columns} columns, the header has "
            f"{row.expected_columns}: {shown(row.text)}; quote values that hold commas"
        )
    return table
