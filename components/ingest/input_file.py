"""The rows of one source, a file or a query, and where a row stands in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

import pyarrow as pa

from kanaria.components.ingest import csv_file, int96
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
    """

    uri: str
    table: pa.Table
    csv: DataFile | None = None
    numerals: frozenset[str] = frozenset()

    @property
    def is_csv(self) -> bool:
        """Whether the columns are text that is yet to be read as numbers."""
        return self.csv is not None

    def place(self, row: int) -> str:
        """Return where `row` (0 is the first) stands, for an error message."""
        if self.csv is None:
            return f"{self.uri}: row {row + 1}"
        line, _ = next(islice(csv_file.records(self.csv), row + 1, None))
        return f"{self.uri}:{line}"


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
    try:
        table = int96.read(file.path)
    except (ValueError, pa.ArrowException, OSError) as error:
        raise DataError(
            f"{file.uri}: not a readable Parquet file: {shown(str(error))}; write it again"
        ) from error
    check_names(file.uri, table.column_names)
    # Pandas stores the index of a filtered frame under this name; it is no feature.
    indexes = [name for name in table.column_names if re.fullmatch(r"__index_level_\d+__", name)]
    return InputFile(uri=file.uri, table=table.drop(indexes))


def read(file: DataFile) -> InputFile:
    """Read a CSV or Parquet file.

    Raises:
        DataError: the file cannot be read; the message names the place and the remedy.
    """
    if common_format([file]) is InputFormat.PARQUET:
        return _read_parquet(file)
    return InputFile(uri=file.uri, table=csv_file.read(file), csv=file)
