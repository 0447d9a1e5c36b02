"""The work of ingest_data: files in, one folder of Parquet a split out."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kanaria.components.ingest import input_file, split_rows, typed_table
from kanaria.components.shared import atomic, data_reference, examples
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.parameters import Faults

logger = logging.getLogger(__name__)

ROWS_PER_PART = 1_000_000
ROWS_PER_GROUP = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingested:
    """What was written.

    Attributes:
        columns: column name -> Arrow type as text, in the first file's order.
        rows: split name -> number of rows.
        fingerprint: SHA-256 of the input's content, 64 hexadecimal digits.
        files: number of input files.
        empty_columns: columns without any value.
    """

    columns: dict[str, str]
    rows: dict[str, int]
    fingerprint: str
    files: int
    empty_columns: tuple[str, ...]


def _check_named_column(table: pa.Table, parameter: str, name: str) -> None:
    """Raise DataError unless `name` is "" or a column of numbers or text without gaps."""
    if not name:
        return
    if name not in table.column_names:
        raise DataError(
            f"{parameter}={shown(name)}: no such column; the data has "
            f"{shown(sorted(table.column_names))}"
        )
    missing = pc.sum(table[name].is_null(nan_is_null=True)).as_py()
    if missing:
        raise DataError(
            f"{parameter}={shown(name)}: {missing} of {table.num_rows} rows have no value; "
            "fill it or drop the rows"
        )
    if table[name].type not in (pa.int64(), pa.float64(), pa.string()):
        raise DataError(
            f"{parameter}={shown(name)}: has type {table[name].type}; name a column of numbers "
            "or text"
        )


def _check_no_split_is_empty(rows: dict[str, int], total: int) -> None:
    empty = [name for name, count in rows.items() if count == 0]
    if empty:
        raise DataError(
            f"splits: {shown(empty)} would get none of the {total} rows; give more data or "
            "other weights"
        )


def _write_split(table: pa.Table, folder: Path) -> None:
    folder.mkdir()
    parts = range(0, table.num_rows, ROWS_PER_PART)
    for number, start in enumerate(parts):
        name = f"part-{number:05d}-of-{len(parts):05d}.parquet"
        piece = table.slice(start, ROWS_PER_PART)
        pq.write_table(piece, folder / name, row_group_size=ROWS_PER_GROUP)


def ingest(
    data: str, target: Path, *, splits: str, key_column: str = "", time_column: str = ""
) -> Ingested:
    """Read the files of `data` and write `split=<name>/part-*.parquet` below `target`.

    Args:
        data: reference to CSV or Parquet files (`kanaria.components.shared.data_reference`).
        target: the examples artifact, published atomically.
        splits: `name=weight,...`; weights are positive integers.
        key_column: rows of one key stay in one split; "" hashes the whole row.
        time_column: splits are consecutive shares of time, the first the oldest; "" hashes.

    Raises:
        ParameterError: `splits` is malformed, or both columns are given.
        DataError: the data cannot be read, or a split gets no row.
    """
    faults = Faults("ingest_data")
    named = split_rows.parse(splits, faults)
    one = "give key_column or time_column, not both"
    faults.check(not (key_column and time_column), "time_column", time_column, one)
    faults.raise_if_any()
    reference = data_reference.parse(data)
    input_file.check_formats(reference.files)
    fingerprint = data_reference.verify(reference)
    table = typed_table.joined([input_file.read(path) for path in reference.files])
    _check_named_column(table, "key_column", key_column)
    _check_named_column(table, "time_column", time_column)
    if time_column:
        places = split_rows.by_time(table, time_column, named)
    else:
        columns = [key_column] if key_column else table.column_names
        places = split_rows.by_hash(table, columns, named)
    counts = np.bincount(places, minlength=len(named))
    rows = {split.name: int(count) for split, count in zip(named, counts, strict=True)}
    _check_no_split_is_empty(rows, table.num_rows)
    with atomic.published(target) as temporary:
        temporary.mkdir()
        for index, split in enumerate(named):
            part = table.filter(pa.array(places == index))
            _write_split(part, examples.split_folder(temporary, split.name))
    empty = tuple(name for name in table.column_names if table[name].type == pa.null())
    if empty:
        logger.warning("columns without any value: %s", ", ".join(empty))
    return Ingested(
        columns={field.name: str(field.type) for field in table.schema},
        rows=rows,
        fingerprint=fingerprint,
        files=len(reference.files),
        empty_columns=empty,
    )
