"""Reads one Parquet file, some rows at a time, in types that the step reads."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from kanaria.components.ingest import parquet_column_types
from kanaria.components.ingest.int96 import Reading
from kanaria.components.shared.data import arrow_files
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown

BATCH_ROWS = 20_000
BATCH_BYTES = 16 << 20
"""At most about so many rows, and bytes of them, are in memory at once."""
INDEX = r"__index_level_\d+__"
"""Names under which pandas stores the index of a filtered frame, which is no feature."""


def check_names(uri: str, names: Sequence[str]) -> None:
    """Raise DataError if a column name stands twice."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{uri}: column {shown(twice[0])} stands twice; rename one of them")


def _batch_rows(metadata: pq.FileMetaData) -> int:
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    widest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    return max(1, min(BATCH_ROWS, BATCH_BYTES // max(widest, 1)))


def _batches(
    opened: pq.ParquetFile, rows: int, names: Sequence[str], uri: str
) -> Iterator[pa.Table]:
    try:
        for batch in opened.iter_batches(batch_size=rows, columns=list(names)):
            yield pa.Table.from_batches([batch]).select(list(names))
    except (ValueError, pa.ArrowException, OSError) as error:
        raise parquet_column_types.unreadable(uri, opened.schema_arrow, error) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class ParquetInput:
    """A Parquet file.

    Attributes:
        file: where it lies.
        schema: of the columns that `tables` can yield.
        readings: name of each column of 96-bit timestamps -> how it is read.
    """

    file: DataFile
    schema: pa.Schema
    readings: Mapping[str, Reading]

    def tables(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the rows of some columns, some at a time.

        Raises:
            DataError: the file is damaged, or holds durations.
        """
        fine = [name for name in names if name in self.readings]
        for table, exact in _both(self.file, names, fine):
            timed = _with_times(table, exact, self.readings)
            yield parquet_column_types.usable(self.file.uri, timed)


def _with_times(table: pa.Table, exact: pa.Table, readings: Mapping[str, Reading]) -> pa.Table:
    """Return rows whose columns of 96-bit timestamps, all in `exact`, are read right."""
    columns = dict(zip(table.column_names, table.columns, strict=True))
    for name in exact.column_names:
        columns[name] = readings[name].column(exact[name], table[name])
    return pa.table(columns)


def _both(
    file: DataFile, names: Sequence[str], fine: Sequence[str]
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield rows with times in nanoseconds, and those of `fine` in microseconds."""
    with ExitStack() as stack:
        opened = stack.enter_context(arrow_files.parquet(file.path, file.uri))
        rows = _batch_rows(opened.metadata)
        tables = _batches(opened, rows, names, file.uri)
        if not fine:
            yield from ((table, table.select([])) for table in tables)
            return
        again = stack.enter_context(arrow_files.parquet(file.path, file.uri, int96_unit="us"))
        yield from zip(tables, _batches(again, rows, fine, file.uri), strict=True)


def _readings(file: DataFile, names: Sequence[str], by_arrow: bool) -> dict[str, Reading]:
    readings = {name: Reading(by_arrow=by_arrow) for name in names}
    if names:
        for table, exact in _both(file, names, names):
            for name in names:
                readings[name] = readings[name].added(exact[name], table[name])
    return readings


def read_metadata(file: DataFile) -> ParquetInput:
    """Return a Parquet file, 96-bit timestamps looked at.

    Raises:
        DataError: the file is damaged, names a column twice, or has a timestamp that no 64 bits
            hold.
    """
    with (
        arrow_files.parquet(file.path, file.uri) as opened,
        arrow_files.parquet(file.path, file.uri, int96_unit="us") as again,
    ):
        schema, created_by = opened.schema_arrow, opened.metadata.created_by or ""
        other = again.schema_arrow
    check_names(file.uri, schema.names)
    fields = [field for field in schema if not re.fullmatch(INDEX, field.name)]
    fine = [field.name for field in fields if field != other.field(field.name)]
    readings = _readings(file, fine, created_by.startswith("parquet-cpp"))
    none = pa.schema(fields).empty_table()
    try:
        timed = _with_times(none, none.select(fine), readings)
    except ValueError as error:
        raise parquet_column_types.unreadable(file.uri, schema, error) from error
    read = parquet_column_types.usable(file.uri, timed).schema
    return ParquetInput(file=file, schema=read, readings=readings)
