"""The rows of one source, a file or a query, and where a row stands in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from kanaria.components.ingest import csv_file, csv_separator, int96, parquet_columns
from kanaria.components.shared import arrow_files
from kanaria.components.shared.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown


class InputFormat(StrEnum):
    """What a file holds, by its name.

    value      names
    csv        *.csv
    parquet    *.parquet
    tfrecord   *.tfrecord, *.tfrecords, either with .gz, or as TFX names its files:
               data_tfrecord-00000-of-00003.gz
    """

    CSV = "csv"
    PARQUET = "parquet"
    TFRECORD = "tfrecord"


NAMES = {
    InputFormat.CSV: re.compile(r".*\.csv"),
    InputFormat.PARQUET: re.compile(r".*\.parquet"),
    InputFormat.TFRECORD: re.compile(r"(.*[._-])?tfrecords?(-\d+-of-\d+)?(\.gz)?"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFile:
    """The rows of one file, or those that a query answered.

    Attributes:
        uri: what messages name.
        table: shape (rows, columns); every column of a CSV file is still text.
        csv: the CSV file that they come from, or None.
        numerals: names of columns of text that hold exact numbers, as a database's NUMERIC.
        separator: between the values of the CSV file.
        row_uris: what messages name instead, a row, where rows are not those of one file.
    """

    uri: str
    table: pa.Table
    csv: DataFile | None = None
    numerals: frozenset[str] = frozenset()
    separator: str = csv_separator.COMMA
    row_uris: tuple[str, ...] = ()

    @property
    def is_csv(self) -> bool:
        """Whether the columns are text that is yet to be read as numbers."""
        return self.csv is not None or bool(self.row_uris)

    def place(self, row: int) -> str:
        """Return where `row` (0 is the first) stands, for an error message."""
        if self.row_uris:
            return self.row_uris[row]
        if self.csv is None:
            return f"{self.uri}: row {row + 1}"
        return f"{self.uri}:{csv_file.row_line(self.csv, self.separator, row)}"


def _formats(file: DataFile) -> list[InputFormat]:
    name = file.uri.rpartition("/")[2].lower()
    return [kind for kind, names in NAMES.items() if names.fullmatch(name)]


def common_format(files: Sequence[DataFile]) -> InputFormat:
    """Return the one format of all files.

    Raises:
        DataError: their names tell several formats, or none.
    """
    found = {kind for file in files for kind in _formats(file)}
    if len(found) != 1 or not all(map(_formats, files)):
        suffixes = sorted({Path(file.uri).suffix.lower() or file.uri for file in files})
        raise DataError(
            f"data: files end in {shown(suffixes)}; give .csv files, .parquet files or .tfrecord "
            "files, of one kind"
        )
    return found.pop()


def check_names(uri: str, names: Sequence[str]) -> None:
    """Raise DataError if a column name stands twice."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{uri}: column {shown(twice[0])} stands twice; rename one of them")


def _read_parquet(file: DataFile) -> InputFile:
    with arrow_files.parquet(file.path, file.uri) as opened:
        try:
            table = int96.read(opened, file)
        except (ValueError, pa.ArrowException, OSError) as error:
            raise parquet_columns.unreadable(file.uri, opened.schema_arrow, error) from error
    check_names(file.uri, table.column_names)
    # Pandas stores the index of a filtered frame under this name; it is no feature.
    indexes = [name for name in table.column_names if re.fullmatch(r"__index_level_\d+__", name)]
    return InputFile(uri=file.uri, table=parquet_columns.usable(file.uri, table.drop(indexes)))


def read(file: DataFile, separator: str = csv_separator.COMMA) -> InputFile:
    """Read a CSV or Parquet file.

    Args:
        file: the file.
        separator: one ASCII character between the values of a CSV file.

    Raises:
        DataError: the file cannot be read; the message names the place and the remedy.
    """
    if common_format([file]) is InputFormat.PARQUET:
        return _read_parquet(file)
    table = csv_file.read(file, separator)
    return InputFile(uri=file.uri, table=table, csv=file, separator=separator)
