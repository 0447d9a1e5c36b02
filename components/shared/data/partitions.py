"""Cuts the files of a split into parts that an engine reads apart, and that together are it.

A part is consecutive row groups of a Parquet file; a gzip TFRecord file can only be read whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kanaria.components.shared.data import arrow_files, record_batches, tf_examples
from kanaria.components.shared.data.examples import ExamplesFormat, format_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Partition:
    """Consecutive rows of one file of a split; picklable.

    Attributes:
        file: the file, on a path that is the same wherever the part is read.
        groups: the row groups of a Parquet file; empty for a whole TFRecord file.
        schema: of the batches; also those of a TFRecord file that lacks a feature have it.
    """

    file: Path
    groups: tuple[int, ...]
    schema: pa.Schema

    def alone(self, folder: Path) -> "Partition":
        """Return the same rows in a file of their own below a folder, in the same row groups.

        So a machine that does not see the file gets no more of it than its part. A TFRecord file
        is one part already.
        """
        if not self.groups:
            return self
        own = folder / self.file.name
        with (
            arrow_files.parquet(self.file) as opened,
            pq.ParquetWriter(own, opened.schema_arrow) as writer,
        ):
            for group in self.groups:
                table = opened.read_row_group(group)
                writer.write_table(table, row_group_size=max(1, table.num_rows))
        with arrow_files.parquet(own) as written:
            groups = tuple(range(written.metadata.num_row_groups))
        return replace(self, file=own, groups=groups)


def _cut(sizes: Sequence[int], most_rows: int) -> list[tuple[int, ...]]:
    """Return consecutive places of `sizes`, of at most `most_rows` rows or of one group."""
    cut: list[tuple[int, ...]] = []
    rows = 0
    for place, size in enumerate(sizes):
        if not cut or rows + size > most_rows:
            cut, rows = [*cut, ()], 0
        cut[-1], rows = (*cut[-1], place), rows + size
    return [places for places in cut if any(sizes[place] for place in places)]


def _of_parquet(file: Path, most_rows: int) -> list[Partition]:
    with arrow_files.parquet(file) as opened:
        metadata = opened.metadata
        sizes = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
        schema = record_batches.list_schema(opened.schema_arrow)
    return [Partition(file=file, groups=cut, schema=schema) for cut in _cut(sizes, most_rows)]


def partitions(files: Sequence[Path], most_rows: int) -> list[Partition]:
    """Return the parts of a split in the order of their rows.

    Args:
        files: of one split, of one format and of equal schemas.
        most_rows: most rows a part, at least 1; a row group or a TFRecord file that is larger is
            a part of its own.

    Raises:
        DataError: a file is damaged, or a column has no form in a tf.Example.
    """
    if files and format_of(files[0]) is ExamplesFormat.TFRECORD:
        schema = tf_examples.columns(files)
        return [Partition(file=file, groups=(), schema=schema) for file in files]
    return [part for file in files for part in _of_parquet(file, most_rows)]


def batches(partition: Partition, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one part in order as batches of lists of at most `rows` rows.

    The batches of all parts are those of `record_batches.record_batches` where the rows of every
    part but a file's last are a multiple of `rows`.

    Raises:
        DataError: the file is damaged, or a column has no form in a tf.Example.
    """
    if format_of(partition.file) is ExamplesFormat.TFRECORD:
        yield from tf_examples.of_file(partition.file, partition.schema, rows)
    else:
        yield from record_batches.of_parquet(partition.file, rows, partition.groups)
