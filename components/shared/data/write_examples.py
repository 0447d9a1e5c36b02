"""Writes the files of one split, in Parquet or as TFRecord of tf.Example, rows as they come."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from kanaria.components.shared.data import tf_examples
from kanaria.components.shared.data.examples import ExamplesFormat, format_of
from kanaria.components.shared.data.record_batches import list_schema, to_lists
from kanaria.components.shared.data.row_groups import RowGroups
from kanaria.components.shared.data.tf_record import GzipWriter

ROWS_PER_GROUP = 100_000
"""Row groups are where engines cut a file (`shared.partitions`)."""
ROWS_AT_ONCE = 10_000
"""How many rows are tf.Examples in memory."""


class _File(Protocol):
    def write(self, table: pa.Table) -> None:
        """Add rows."""

    def close(self) -> None:
        """End the file."""


class _ParquetFile:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema)
        self._groups = RowGroups(ROWS_PER_GROUP)

    def write(self, table: pa.Table) -> None:
        for group in self._groups.add(table):
            self._write(group)

    def _write(self, group: pa.Table) -> None:
        self._writer.write_table(group, row_group_size=group.num_rows)

    def close(self) -> None:
        try:
            rest = self._groups.rest()
            if rest is not None:
                self._write(rest)
        finally:
            self._writer.close()


class _TFRecordFile:
    def __init__(self, path: Path) -> None:
        self._writer = GzipWriter(path)

    def write(self, table: pa.Table) -> None:
        for batch in table.to_batches(max_chunksize=ROWS_AT_ONCE):
            for record in tf_examples.encoded(to_lists(batch)):
                self._writer.write(record)

    def close(self) -> None:
        self._writer.close()


def _opened(path: Path, kind: ExamplesFormat, schema: pa.Schema) -> _File:
    return _TFRecordFile(path) if kind is ExamplesFormat.TFRECORD else _ParquetFile(path, schema)


class SplitWriter(AbstractContextManager["SplitWriter"]):
    """Writes `part-00000-of-0000N` and so on into a new folder; at the end N is known.

    In TFRecord, floats become float32 and text becomes bytes, the types of a tf.Example, and the
    order of the columns is kept beside the files.

    Example:
        with SplitWriter(folder, kind, schema) as split:
            split.begin_file()
            split.write(table)
    """

    def __init__(self, folder: Path, kind: ExamplesFormat, schema: pa.Schema) -> None:
        """Make the folder.

        Args:
            folder: folder of the split (`examples.split_folder`); it must not exist.
            kind: format of the files.
            schema: of all tables.

        Raises:
            DataError: a column has no form in a tf.Example.
        """
        begin_split(folder, kind, schema)
        self._folder, self._kind, self._schema = folder, kind, schema
        self._paths: list[Path] = []
        self._file: _File | None = None

    def begin_file(self) -> None:
        """End the file before, and begin the next one."""
        self._end_file()
        path = self._folder / f"part-{len(self._paths):05d}"
        self._paths.append(path)
        self._file = _opened(path, self._kind, self._schema)

    def write(self, table: pa.Table) -> None:
        """Add rows to the file that was begun.

        Raises:
            DataError: a column has no form in a tf.Example.
        """
        assert self._file is not None
        self._file.write(table)

    def _end_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def __exit__(self, *error: object) -> None:
        """End the last file, and give all their names."""
        self._end_file()
        count = len(self._paths)
        for number, path in enumerate(self._paths):
            path.rename(part_file(self._folder, self._kind, number, count))


def begin_split(folder: Path, kind: ExamplesFormat, schema: pa.Schema) -> None:
    """Make the new folder of a split, with all of it that stands in none of its parts.

    Raises:
        DataError: a column has no form in a tf.Example.
    """
    folder.mkdir()
    if kind is ExamplesFormat.TFRECORD:
        tf_examples.write_columns(folder, list_schema(schema))


def part_file(folder: Path, kind: ExamplesFormat, number: int, count: int) -> Path:
    """Return the path of part `number`, from 0, of `count` parts of a split."""
    return folder / f"part-{number:05d}-of-{count:05d}{kind.ending}"


def write_part(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Write one file of a split; its name tells the format.

    In TFRecord, floats become float32 and text becomes bytes, the types of a tf.Example.

    Args:
        path: as `part_file` gives it.
        schema: of all tables.
        tables: read one after the other, once.

    Raises:
        DataError: a column has no form in a tf.Example.
    """
    with closing(_opened(path, format_of(path), schema)) as file:
        for table in tables:
            file.write(table)


def write_split(
    folder: Path, kind: ExamplesFormat, schema: pa.Schema, parts: Sequence[Iterable[pa.Table]]
) -> None:
    """Write a split as `SplitWriter` does, from the tables of each file.

    Args:
        folder: folder of the split; it must not exist.
        kind: format of the files.
        schema: of all tables.
        parts: the tables of each file, in order; read one after the other, once.

    Raises:
        DataError: a column has no form in a tf.Example.
    """
    with SplitWriter(folder, kind, schema) as split:
        for tables in parts:
            split.begin_file()
            for table in tables:
                split.write(table)
