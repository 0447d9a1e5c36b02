"""Rows of an examples artifact as the columns that drift detectors compare.

A request carries a number as JSON, a decimal text; examples carry it as float32. Both mean the same
number only after the shortest decimal that names the float32 is taken: 39.02 and not
39.02000045776367. A test of ranks would otherwise see two values where there is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.shared.data import examples
from kanaria.components.shared.data.decimals import plain
from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.detector import Columns, Floats

ROWS_PER_BATCH = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A uniform sample of the rows of some splits.

    Attributes:
        table: the rows, each column of lists as `record_batches` gives it.
        of_rows: rows it was drawn from.
    """

    table: pa.Table
    of_rows: int

    def columns(self) -> tuple[Columns, list[str]]:
        """Return the features with at most one value a row, and the names of all others."""
        single, others = {}, []
        for name in self.table.column_names:
            column = self.table[name].combine_chunks()
            if _has_one_value(column):
                single[name] = _values(column)
            else:
                others.append(name)
        return single, others


class RowSample:
    """A uniform sample of rows that come in batches; memory holds no more than the sample.

    Each row draws a number; the rows with the smallest numbers stay (bottom-k sampling), so equal
    rows in equal order give equal samples, however the batches are cut.
    """

    def __init__(self, most: int, seed: int) -> None:
        """Begin without rows; `most` of them are kept, more than 0."""
        self._most = most
        self._draw = np.random.default_rng(seed)
        self._rows: pa.Table | None = None
        self._keys = np.empty(0)
        self._total = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the next rows, each column of lists as `record_batches` gives it."""
        keys = self._draw.random(batch.num_rows)
        self._total += batch.num_rows
        rows = pa.Table.from_batches([batch])
        if len(self._keys) == self._most:  # Most rows of a long stream end here.
            places = np.flatnonzero(keys < self._keys.max())
            rows, keys = rows.take(places), keys[places]
        self._rows = rows if self._rows is None else _joined(self._rows, rows)
        self._keys = np.concatenate([self._keys, keys])
        if len(self._keys) > self._most:
            places = np.sort(np.argpartition(self._keys, self._most)[: self._most])
            self._rows, self._keys = self._rows.take(places), self._keys[places]

    def sample(self) -> Sample | None:
        """Return what was sampled so far, in the order of the rows; None without any row."""
        if self._rows is None or not self._total:
            return None
        return Sample(table=self._rows, of_rows=self._total)


def _joined(first: pa.Table, second: pa.Table) -> pa.Table:
    return pa.concat_tables([first, second], promote=True)


def sampled(folder: Path, splits: Sequence[str], most: int, seed: int) -> Sample:
    """Return at most `most` rows of `splits`, each row equally likely; memory holds no more.

    Args:
        folder: examples artifact.
        splits: their names, at least one.
        most: rows to keep, more than 0.
        seed: equal seeds choose equal rows.

    Raises:
        DataError: a split is absent, without rows, or damaged.
    """
    rows = RowSample(most, seed)
    for split in splits:
        for batch in record_batches(examples.split_files(folder, split), ROWS_PER_BATCH):
            rows.add(batch)
    sample = rows.sample()
    if sample is None:
        raise DataError(f"examples {folder}: {', '.join(splits)} has no rows; ingest more data")
    return sample


def _has_one_value(column: pa.Array) -> bool:
    if pa.types.is_null(column.type):
        return True
    most = pc.max(pc.list_value_length(column)).as_py()
    return most is None or most <= 1


def _values(column: pa.Array) -> Floats:
    """Return one value a row; a missing one is NaN among numbers and None among texts."""
    if column.null_count == len(column):
        # Which type would be there is not known; NaN is no value of any.
        return np.full(len(column), np.nan)
    present = pc.fill_null(pc.greater(pc.list_value_length(column), 0), False).to_numpy(False)
    flat = column.flatten()
    if pa.types.is_large_binary(flat.type):
        texts = np.full(len(column), None, dtype=object)
        texts[present] = [value.decode(errors="backslashreplace") for value in flat.to_pylist()]
        return texts
    values = flat.to_numpy(zero_copy_only=False)
    values = plain(values) if values.dtype == np.float32 else values
    if present.all():
        return values
    filled = np.full(len(column), np.nan)
    filled[present] = values
    return filled
