"""Writes the files of one split, in Parquet or as TFRecord of tf.Example."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kanaria.components.shared import tf_examples
from kanaria.components.shared.examples import ExamplesFormat, format_of
from kanaria.components.shared.record_batches import list_schema, to_lists

ROWS_PER_GROUP = 20_000


def _write_parquet(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    with pq.ParquetWriter(path, schema) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=ROWS_PER_GROUP)


def _lists(tables: Iterable[pa.Table]) -> Iterator[pa.RecordBatch]:
    for table in tables:
        yield from map(to_lists, table.to_batches(max_chunksize=ROWS_PER_GROUP))


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
    if format_of(path) is ExamplesFormat.TFRECORD:
        tf_examples.write(path, _lists(tables))
    else:
        _write_parquet(path, schema, tables)


def write_split(
    folder: Path, kind: ExamplesFormat, schema: pa.Schema, parts: Sequence[Iterable[pa.Table]]
) -> None:
    """Write `part-00000-of-0000N` and so on into a new folder.

    In TFRecord the order of the columns is kept beside the files.

    Args:
        folder: folder of the split (`examples.split_folder`); it must not exist.
        kind: format of the files.
        schema: of all tables.
        parts: the tables of each file, in order; read one after the other, once.

    Raises:
        DataError: a column has no form in a tf.Example.
    """
    begin_split(folder, kind, schema)
    for number, tables in enumerate(parts):
        write_part(part_file(folder, kind, number, len(parts)), schema, tables)
