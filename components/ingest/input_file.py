"""One input file: its rows, and where a row stands in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kanaria.components.ingest import csv_file
from kanaria.components.shared.errors import DataError, shown

SUFFIXES = frozenset({".csv", ".parquet"})


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFile:
    """The rows of one file.

    Attributes:
        path: the file.
        table: shape (rows, columns); every column of a CSV file is still text.
    """

    path: Path
    table: pa.Table

    @property
    def is_csv(self) -> bool:
        """Whether the columns are text that is yet to be read as numbers."""
        return self.path.suffix.lower() == ".csv"

    def place(self, row: int) -> str:
        """Return where `row` (0 is the first) stands, for an error message."""
        if not self.is_csv:
            return f"{self.path}: row {row + 1}"
        line, _ = next(islice(csv_file.records(self.path), row + 1, None))
        return f"{self.path}:{line}"


def check_formats(files: Sequence[Path]) -> None:
    """Raise DataError unless all files are CSV or all are Parquet, by their suffix."""
    suffixes = {file.suffix.lower() for file in files}
    if len(suffixes) > 1 or not suffixes <= SUFFIXES:
        raise DataError(
            f"data: files end in {shown(sorted(suffixes))}; give .csv files or .parquet files"
        )


def _read_parquet(path: Path) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: not a readable Parquet file: {shown(str(error))}; write it again"
        ) from error
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}: column {shown(twice[0])} stands twice; rename one of them")
    # Pandas stores the index of a filtered frame under this name; it is no feature.
    return table.drop([name for name in names if re.fullmatch(r"__index_level_\d+__", name)])


def read(path: Path) -> InputFile:
    """Read a CSV or Parquet file.

    Raises:
        DataError: the file cannot be read; the message names the place and the remedy.
    """
    is_csv = path.suffix.lower() == ".csv"
    return InputFile(path=path, table=csv_file.read(path) if is_csv else _read_parquet(path))
