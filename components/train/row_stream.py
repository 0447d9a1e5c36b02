"""The rows of a split in the order of a training: shuffled through a bounded buffer. No TensorFlow.

A split whose rows fit the buffer is read once, kept, and shuffled whole for each epoch. Of a larger
one each epoch reads the row groups (of TFRecord the files) in an order of its own into the buffer,
hands on a random half of it whenever it is full, and fills it again.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tfx_bsl.public.tfxio import TensorAdapterConfig

from kanaria.components.shared.data import arrow_files, partitions
from kanaria.components.shared.data.examples import ExamplesFormat, format_of
from kanaria.components.shared.data.partitions import Partition
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.tensors import adapter

BUFFER_BYTES = 128 * 2**20
"""Of rows as Arrow holds them, about 600,000 of 13 numbers; the process takes up to twice that."""
ROWS_PER_READ = 10_000
Window = tuple[pa.RecordBatch, NDArray[np.int64]]
"""Rows, and the numbers of those that come next, in order."""


def _row_count(files: Sequence[Path]) -> int | None:
    """Return the number of rows, None where only reading all tells."""
    if format_of(files[0]) is ExamplesFormat.TFRECORD:
        return None
    rows = 0
    for file in files:
        with arrow_files.parquet(file) as parquet:
            rows += parquet.metadata.num_rows
    return rows


def _read(part: Partition, config: TensorAdapterConfig) -> Iterator[pa.RecordBatch]:
    for batch in partitions.batches(part, ROWS_PER_READ):
        yield adapter.conform(batch, config.arrow_schema)


def joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return one or more batches of one schema as one."""
    if len(batches) == 1:
        return batches[0]
    columns = [
        pa.concat_arrays([batch.column(number) for batch in batches])
        for number in range(batches[0].num_columns)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batches[0].schema)


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """The rows of a split, to be gone through again and again.

    Attributes:
        config: of the tensors that the batches fit.
        parts: of its files, each a row group, or a whole TFRecord file.
        rows: how many there are; None where only reading all tells.
        row_bytes: of a row as Arrow holds it, on average over the rows at the start.
        buffer_rows: least number of rows that are shuffled together.
        held: all rows, where they fit the buffer.
    """

    config: TensorAdapterConfig
    parts: Sequence[Partition]
    rows: int | None
    row_bytes: int
    buffer_rows: int
    held: pa.RecordBatch | None

    def epoch(self, draw: np.random.Generator | None) -> Iterator[Window]:
        """Yield every row once, in an order drawn from `draw`; None for that of the files."""
        if self.held is not None:
            count = self.held.num_rows
            yield self.held, np.arange(count) if draw is None else draw.permutation(count)
        elif draw is None:
            for batch in self._batches(range(len(self.parts))):
                yield batch, np.arange(batch.num_rows)
        else:
            yield from self._shuffled(draw)

    def _batches(self, order: Iterable[int]) -> Iterator[pa.RecordBatch]:
        for number in order:
            yield from _read(self.parts[number], self.config)

    def _shuffled(self, draw: np.random.Generator) -> Iterator[Window]:
        buffer = _Buffer(self.buffer_rows)
        for batch in self._batches(draw.permutation(len(self.parts))):
            buffer.add(batch)
            if buffer.is_full():
                whole = joined(buffer.take_out())
                order = draw.permutation(whole.num_rows)
                half = whole.num_rows // 2
                yield whole, order[:half]
                buffer.add(whole.take(pa.array(order[half:])))
        if buffer.rows:
            whole = joined(buffer.take_out())
            yield whole, draw.permutation(whole.num_rows)


class _Buffer:
    """Batches up to the bound: so many rows at least, and more while they are of few bytes."""

    def __init__(self, rows: int) -> None:
        self._enough = rows
        self._batches: list[pa.RecordBatch] = []
        self.rows = self.bytes = 0

    def take_out(self) -> list[pa.RecordBatch]:
        """Return what is in it, and leave it empty."""
        batches, self._batches = self._batches, []
        self.rows = self.bytes = 0
        return batches

    def add(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self.rows += batch.num_rows
        self.bytes += batch.nbytes

    def is_full(self) -> bool:
        return self.rows >= self._enough and self.bytes >= BUFFER_BYTES


def opened(files: Sequence[Path], config: TensorAdapterConfig, buffer_rows: int) -> Split:
    """Read the start of a split, all of it where it fits the buffer.

    Args:
        files: of one split.
        config: of the tensors that the rows become.
        buffer_rows: least number of rows that are to be shuffled together.

    Raises:
        DataError: there are no rows, a file is damaged or does not fit the schema.
    """
    parts = partitions.partitions(files, most_rows=1)
    buffer, ended = _Buffer(buffer_rows), True
    for batch in itertools.chain.from_iterable(_read(part, config) for part in parts):
        if buffer.is_full():
            ended = False
            break
        buffer.add(batch)
    if not buffer.rows:
        raise DataError(f"{files[0].parent}: the split has no rows; give it more data")
    return Split(
        config=config,
        parts=parts,
        rows=buffer.rows if ended else _row_count(files),
        row_bytes=max(1, buffer.bytes // buffer.rows),
        buffer_rows=buffer_rows,
        held=joined(buffer.take_out()) if ended else None,
    )


def grouped(windows: Iterable[Window], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of windows as batches of exactly `rows` rows; the last may hold fewer.

    They are copies, never slices, which tfx_bsl's TensorAdapter does not take.
    """
    parts: list[pa.RecordBatch] = []
    missing = rows
    for whole, order in windows:
        start = 0
        while start < order.size:
            parts.append(whole.take(pa.array(order[start : start + missing])))
            start += missing
            missing = rows - sum(batch.num_rows for batch in parts)
            if not missing:
                yield joined(parts)
                parts, missing = [], rows
    if parts:
        yield joined(parts)
