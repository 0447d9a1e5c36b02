"""A sample of a split's rows: each row as likely as any other, and always the same rows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from kanaria.components.shared.data.record_batches import record_batches

ROWS_PER_BATCH = 1_000


def sampled(files: Sequence[Path], rows: int, seed: int = 0) -> pa.RecordBatch | None:
    """Return up to `rows` rows of a split in their order; None where it has none.

    Each row draws a number, and the smallest stay, so one pass is enough.

    Args:
        files: of the split, in order.
        rows: how many, 1 or more.
        seed: 0 or more; another one draws other rows.
    """
    draw = np.random.default_rng(seed)
    sample, numbers = None, np.empty(0)
    for batch in record_batches(files, ROWS_PER_BATCH):
        numbers = np.concatenate([numbers, draw.random(batch.num_rows)])
        whole = batch if sample is None else _joined(sample, batch)
        places = np.sort(np.argsort(numbers)[:rows])
        sample, numbers = whole.take(pa.array(places)), numbers[places]
    return sample if numbers.size else None


def _joined(first: pa.RecordBatch, second: pa.RecordBatch) -> pa.RecordBatch:
    columns = [pa.concat_arrays(pair) for pair in zip(first.columns, second.columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=first.schema)
