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


def sampled(folder: Path, splits: Sequence[str], most: int, seed: int) -> Sample:
    """Return at most `most` rows of `splits`, each row equally likely; memory holds no more.

    Each row draws a number; the rows with the smallest numbers stay (bottom-k sampling).

    Args:
        folder: examples artifact.
        splits: their names, at least one.
        most: rows to keep, more than 0.
        seed: equal seeds choose equal rows.

    Raises:
        DataError: a split is absent, without rows, or damaged.
    """
    generator = np.random.default_rng(seed)
    kept, keys, total = None, np.empty(0), 0
    for split in splits:
        for batch in record_batches(examples.split_files(folder, split), ROWS_PER_BATCH):
            total += batch.num_rows
            new = pa.Table.from_batches([batch])
            kept = new if kept is None else pa.concat_tables([kept, new], promote=True)
            keys = np.concatenate([keys, generator.random(batch.num_rows)])
            if len(keys) > most:
                places = np.sort(np.argpartition(keys, most)[:most])
                kept, keys = kept.take(places), keys[places]
    if kept is None or not total:
        raise DataError(f"examples {folder}: {', '.join(splits)} has no rows; ingest more data")
    return Sample(table=kept, of_rows=total)


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
