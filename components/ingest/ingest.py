"""The work of ingest_data: files or a query in, one folder of files a split out."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.ingest import (
    csv_separator,
    declared_types,
    float32,
    split_rows,
    typed_table,
)
from kanaria.components.ingest.source import Source, from_files, from_query
from kanaria.components.ingest.split_rows import Split
from kanaria.components.shared import atomic, examples
from kanaria.components.shared.database_reference import is_database
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.examples import ExamplesFormat
from kanaria.components.shared.parameters import Faults
from kanaria.components.shared.write_examples import write_split

logger = logging.getLogger(__name__)

ROWS_PER_PART = 1_000_000
NUMBERS_OR_TEXT = (pa.int64(), pa.float32(), pa.float64(), pa.string())


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingested:
    """What was written.

    Attributes:
        columns: column name -> Arrow type as text, in the first file's order.
        rows: split name -> number of rows.
        fingerprint: SHA-256 of the input's content, 64 hexadecimal digits.
        files: number of input files, 0 for a query.
        empty_columns: columns without any value.
        rounded_columns: columns of floats with whole numbers that 32-bit floats do not hold.
        examples_format: of the files that were written.
    """

    columns: dict[str, str]
    rows: dict[str, int]
    fingerprint: str
    files: int
    empty_columns: tuple[str, ...]
    rounded_columns: tuple[str, ...]
    examples_format: str


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
    if table[name].type not in NUMBERS_OR_TEXT:
        raise DataError(
            f"{parameter}={shown(name)}: has type {table[name].type}; name a column of numbers "
            "or text"
        )


def _rows(places: NDArray[np.int64], named: Sequence[Split]) -> dict[str, int]:
    """Return each split's number of rows; raise DataError if one gets none.

    `places` has the index of each row's split, shape (rows,).
    """
    counts = np.bincount(places, minlength=len(named))
    rows = {split.name: int(count) for split, count in zip(named, counts, strict=True)}
    empty = [name for name, count in rows.items() if count == 0]
    if empty:
        raise DataError(
            f"splits: {shown(empty)} would get none of the {len(places)} rows; give more data or "
            "other weights"
        )
    return rows


def _empty_columns(table: pa.Table) -> tuple[str, ...]:
    empty = tuple(name for name in table.column_names if table[name].null_count == table.num_rows)
    if empty:
        logger.warning("columns without any value: %s", ", ".join(empty))
    return empty


def _parts(table: pa.Table) -> list[list[pa.Table]]:
    """Return the rows of a split as one table a file."""
    return [
        [table.slice(start, ROWS_PER_PART)] for start in range(0, table.num_rows, ROWS_PER_PART)
    ]


def _check_source(data: str, query: str, separator: str, faults: Faults) -> None:
    if is_database(data):
        remedy = "leave it out, an answer of a database has none"
        faults.check(separator == csv_separator.COMMA, "separator", separator, remedy)
        faults.check(bool(query), "query", query, "give the SQL query that the database answers")
    else:
        remedy = "data names no database; give a URI such as postgresql://user@host/name"
        faults.check(not query, "query", query, remedy)


def _places(source: Source, named: Sequence[Split], key: str, time: str) -> NDArray[np.int64]:
    """Return the index of each row's split, shape (rows,)."""
    table = source.table
    _check_named_column(table, "key_column", key)
    _check_named_column(table, "time_column", time)
    if time:
        return split_rows.by_time(table, time, named)
    return split_rows.by_hash(table, [key] if key else table.column_names, named)


def _publish(
    target: Path,
    kind: ExamplesFormat,
    table: pa.Table,
    named: Sequence[Split],
    places: NDArray[np.int64],
) -> None:
    """Write the rows of each split below `target`, which appears whole or not at all.

    `places` has the index of each row's split, shape (rows,).
    """
    with atomic.published(target) as temporary:
        temporary.mkdir()
        for index, split in enumerate(named):
            part = table.filter(pa.array(places == index))
            folder = examples.split_folder(temporary, split.name)
            write_split(folder, kind, table.schema, _parts(part))


def ingest(
    data: str,
    target: Path,
    *,
    splits: str,
    key_column: str = "",
    time_column: str = "",
    query: str = "",
    column_types: Mapping[str, str] = typed_table.NONE_DECLARED,
    separator: str = csv_separator.COMMA,
    examples_format: str = ExamplesFormat.PARQUET.value,
) -> Ingested:
    """Read what `data` names and write `split=<name>/part-*` below `target`.

    Args:
        data: reference to CSV, Parquet or TFRecord files (`shared.data_reference`), or to a
            database (`shared.database_reference`).
        target: the examples artifact, published atomically.
        splits: `name=weight,...`; weights are positive integers.
        key_column: rows of one key stay in one split; "" hashes the whole row.
        time_column: splits are consecutive shares of time, the first the oldest; "" hashes.
        query: what a database is asked; "" for files.
        column_types: column name -> type (`declared_types.NAMES`); the others' are found.
        separator: one ASCII character between the values of CSV files, or `tab`.
        examples_format: `parquet` or `tfrecord`.

    Raises:
        ParameterError: a parameter is malformed, or both columns are given.
        DataError: the data cannot be read, or a split gets no row.
        NotReadyError: the database or the store does not answer.
    """
    faults = Faults("ingest_data")
    named = split_rows.parse(splits, faults)
    one = "give key_column or time_column, not both"
    faults.check(not (key_column and time_column), "time_column", time_column, one)
    known = examples_format in list(ExamplesFormat)
    faults.check(known, "examples_format", examples_format, "use parquet or tfrecord")
    _check_source(data, query, separator, faults)
    declared_types.check(column_types, faults)
    between = csv_separator.parse(separator, faults)
    faults.raise_if_any()
    source = (
        from_query(data, query, column_types) if query else from_files(data, column_types, between)
    )
    table = source.table
    declared_types.check_columns(column_types, table.column_names)
    rounded = float32.rounded_columns(table)
    places = _places(source, named, key_column, time_column)
    rows = _rows(places, named)
    kind = ExamplesFormat(examples_format)
    _publish(target, kind, table, named, places)
    return Ingested(
        columns={field.name: str(field.type) for field in table.schema},
        rows=rows,
        fingerprint=source.fingerprint,
        files=source.files,
        empty_columns=_empty_columns(table),
        rounded_columns=rounded,
        examples_format=kind.value,
    )
