"""Writes the files of one split, in Parquet or as TFRecord of tf.Example."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kanaria.components.shared import tf_examples
from kanaria.components.shared.examples import ExamplesFormat
from kanaria.components.shared.record_batches import list_schema, to_lists

ROWS_PER_GROUP = 20_000


def _write_parquet(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    with pq.ParquetWriter(path, schema) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=ROWS_PER_GROUP)


def _lists(tables: Iterable[pa.Table]) -> Iterator[pa.RecordBatch]:
    for table in tables:
        yield from map(to_lists, table.to_batches(max_chunksize=ROWS_PER_GROUP))


def write_split(
    folder: Path, kind: ExamplesFormat, schema: pa.Schema, parts: Sequence[Iterable[pa.Table]]
) -> None:
    """Write `part-00000-of-0000N` and so on into a new folder.

    In TFRecord, floats become float32 and text becomes bytes, the types of a tf.Example, and the
    order of the columns is kept beside the files.

    Args:
        folder: folder of the split (`examples.split_folder`); it must not exist.
        kind: format of the files.
        schema: of all tables.
        parts: the tables of each file, in order; read one after the other, once.

    Raises:
        DataError: a column has no form in a tf.Example.
    """
    folder.mkdir()
    if kind is ExamplesFormat.TFRECORD:
        tf_examples.write_columns(folder, list_schema(schema))
    for number, tables in enumerate(parts):
        path = folder / f"part-{number:05d}-of-{len(parts):05d}{kind.ending}"
        if kind is ExamplesFormat.TFRECORD:
            tf_examples.write(path, _lists(tables))
        else:
            _write_parquet(path, schema, tables)
