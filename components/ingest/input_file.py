"""The rows of one source, a file or a query, read as often as needed, and where a row stands."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from kanaria.components.ingest import csv_file, csv_separator, csv_text, parquet_file
from kanaria.components.shared.data.data_reference import DataFile
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
    """The rows of one file, or those that a query answered; none of them is kept in memory.

    Attributes:
        uri: what messages name.
        schema: of all columns; every column of a CSV file is still text.
        read: names of columns, at least one -> the rows from the first on, some at a time.
        csv: the CSV file that they come from, or None.
        numerals: names of columns of text that hold exact numbers, as a database's NUMERIC.
        separator: between the values of the CSV file.
        row_uris: what messages name instead, a row, where rows are not those of one file.
    """

    uri: str
    schema: pa.Schema
    read: Callable[[Sequence[str]], Iterator[pa.Table]]
    csv: DataFile | None = None
    numerals: frozenset[str] = frozenset()
    separator: str = csv_separator.COMMA
    row_uris: tuple[str, ...] = ()

    @property
    def is_csv(self) -> bool:
        """Whether the columns are text that is yet to be read as numbers."""
        return self.csv is not None or bool(self.row_uris)

    def column(self, name: str) -> Iterator[pa.ChunkedArray]:
        """Yield the rows of one column, some at a time."""
        return (table[name] for table in self.read([name]))

    def place(self, row: int) -> str:
        """Return where `row` (0 is the first) stands, for an error message."""
        if self.row_uris:
            return self.row_uris[row]
        if self.csv is None:
            return f"{self.uri}: row {row + 1}"
        return f"{self.uri}:{csv_text.row_line(self.csv.path, self.separator, row)}"


def of_table(uri: str, table: pa.Table, row_uris: tuple[str, ...] = ()) -> InputFile:
    """Return rows that are in memory; `uri` and `row_uris` are what messages name."""

    def read(names: Sequence[str]) -> Iterator[pa.Table]:
        yield table.select(list(names))

    return InputFile(uri=uri, schema=table.schema, read=read, row_uris=row_uris)


def _formats(file: DataFile) -> list[InputFormat]:
    name = file.uri.rpartition("/")[2].lower()
    return [kind for kind, names in NAMES.items() if names.fullmatch(name)]


def common_format(files: Sequence[DataFile]) -> InputFormat:
    """Return the one format of all files.

    Raises:
        DataError: their names tell several formats, or none.
    """
    formats = {kind for file in files for kind in _formats(file)}
    if len(formats) != 1 or not all(map(_formats, files)):
        suffixes = sorted({Path(file.uri).suffix.lower() or file.uri for file in files})
        raise DataError(
            f"data: files end in {shown(suffixes)}; give .csv files, .parquet files or .tfrecord "
            "files, of one kind"
        )
    return formats.pop()


def _of_csv(file: DataFile, separator: str) -> InputFile:
    names = csv_file.names(file, separator)
    text = csv_text.WholeRecords(file, separator)

    def read(wanted: Sequence[str]) -> Iterator[pa.Table]:
        return csv_file.tables(text, names, wanted)

    schema = pa.schema([(name, pa.string()) for name in names])
    return InputFile(uri=file.uri, schema=schema, read=read, csv=file, separator=separator)


def opened(file: DataFile, separator: str = csv_separator.COMMA) -> InputFile:
    """Return a CSV or Parquet file that can be read.

    Args:
        file: the file.
        separator: one ASCII character between the values of a CSV file.

    Raises:
        DataError: the file cannot be read; the message names the place and the remedy. Reading
            raises it too.
    """
    if common_format([file]) is InputFormat.CSV:
        return _of_csv(file, separator)
    parquet = parquet_file.read_metadata(file)
    return InputFile(uri=file.uri, schema=parquet.schema, read=parquet.tables)
