"""Says why a model's outputs are not finite: its weights, or columns of the rows it was given."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.shared.record_batches import record_batches

ROWS_PER_BATCH = 10_000
Flags = NDArray[np.bool_]
"""One truth value a row, shape (rows,)."""


def missing(column: pa.Array) -> Flags:
    """Return for each list of `column` whether it is missing or empty, shape (rows,)."""
    if pa.types.is_null(column.type):
        return np.ones(len(column), bool)
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    return lengths.to_numpy(zero_copy_only=False) == 0


def non_finite(column: pa.Array) -> Flags:
    """Return for each list of `column` whether it holds NaN or infinity, shape (rows,)."""
    found = np.zeros(len(column), bool)
    if not pa.types.is_null(column.type) and pa.types.is_floating(column.type.value_type):
        values = column.flatten().to_numpy(zero_copy_only=False)
        rows = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
        found[rows[~np.isfinite(values)]] = True
    return found


def suspects(batches: Iterable[pa.RecordBatch], bad: Flags) -> list[str]:
    """Name the columns that are odd more often in bad rows than in good ones.

    Odd is NaN, infinite or missing. A column that is missing as often where the model answers
    well is no cause, so it is not named.

    Args:
        batches: the rows the model was given, in order.
        bad: whether the model's answer to a row is non-finite, shape (rows,).
    """
    odd: dict[str, list[Flags]] = {}
    for batch in batches:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            odd.setdefault(name, []).append(missing(column) | non_finite(column))
    found = {name: np.concatenate(pieces) for name, pieces in odd.items()}
    good = ~bad
    return sorted(
        name
        for name, rows in found.items()
        if rows[bad].mean() > (rows[good].mean() if good.any() else 0)
    )


def non_finite_columns(files: Sequence[Path]) -> list[str]:
    """Name the columns that hold NaN or infinity anywhere in Parquet `files`."""
    found: set[str] = set()
    for batch in record_batches(files, ROWS_PER_BATCH):
        columns = zip(batch.schema.names, batch.columns, strict=True)
        found |= {name for name, column in columns if non_finite(column).any()}
    return sorted(found)
