"""Says why a model's outputs are not finite, or why a `run_fn` could not read its files."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from numpy.typing import NDArray

from kanaria.components.shared.data.examples import ExamplesFormat, format_of
from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.errors import UserCodeError

ROWS_PER_BATCH = 10_000
Flags = NDArray[np.bool_]
"""One truth value a row, shape (rows,)."""
Batches = Iterable[pa.RecordBatch]
Test = Callable[[pa.Array], Flags]


def missing(column: pa.Array) -> Flags:
    """Return for each list of `column` whether it is missing or empty, shape (rows,)."""
    if pa.types.is_null(column.type):
        return np.ones(len(column), bool)
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    return lengths.to_numpy(zero_copy_only=False) == 0


def non_finite(column: pa.Array) -> Flags:
    """Return for each list of `column` whether it holds NaN or infinity, shape (rows,)."""
    flags = np.zeros(len(column), bool)
    if not pa.types.is_null(column.type) and pa.types.is_floating(column.type.value_type):
        values = column.flatten().to_numpy(zero_copy_only=False)
        rows = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
        flags[rows[~np.isfinite(values)]] = True
    return flags


def _more_often(batches: Batches, is_odd: Test, bad: Flags, good: Flags) -> list[str]:
    """Name the columns that are odd at a higher rate in bad rows than in good ones."""
    counts: dict[str, NDArray[np.int64]] = {}
    first = 0
    for batch in batches:
        rows = slice(first, first + batch.num_rows)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            odd = is_odd(column)
            both = np.array([(odd & bad[rows]).sum(), (odd & good[rows]).sum()])
            counts[name] = counts.get(name, 0) + both
        first += batch.num_rows
    of_all = np.maximum([bad.sum(), good.sum()], 1)
    return [name for name, odd in counts.items() if np.greater(*(odd / of_all))]


def _odd_rows(batches: Batches, is_odd: Test, names: Sequence[str]) -> Flags:
    """Return for each row whether one of the columns `names` is odd, shape (rows,)."""
    flags_of_batches = [[is_odd(batch.column(name)) for name in names] for batch in batches]
    return np.concatenate([np.logical_or.reduce(flags) for flags in flags_of_batches])


def suspects(read: Callable[[], Batches], bad: Flags) -> list[str]:
    """Name the columns that explain bad answers: NaN or infinite there, or else missing.

    A missing value is suspect only in rows without NaN and infinity, and only in a column that
    is missing less often where the model answers well.

    Args:
        read: yields the rows the model was given, in order; it is called up to three times, so
            that no column of all rows is in memory.
        bad: whether the model's answer to a row is non-finite.
    """
    named = _more_often(read(), non_finite, bad, ~bad)
    unexplained = bad & ~_odd_rows(read(), non_finite, named) if named else bad
    return sorted({*named, *_more_often(read(), missing, unexplained, ~bad)})


def non_finite_columns(files: Sequence[Path]) -> list[str]:
    """Name the columns that hold NaN or infinity anywhere in `files` of a split."""
    names: set[str] = set()
    for batch in record_batches(files, ROWS_PER_BATCH):
        columns = zip(batch.schema.names, batch.columns, strict=True)
        names |= {name for name, column in columns if non_finite(column).any()}
    return sorted(names)


def with_remedy(error: UserCodeError, files: Sequence[Path]) -> UserCodeError:
    """Return the error to raise for one of a `run_fn` that reads the files of examples itself.

    Args:
        error: whose cause is what the function raised.
        files: of a split that it reads.
    """
    if not isinstance(error.__cause__, tf.errors.DataLossError):
        return error
    if format_of(files[0]) is ExamplesFormat.PARQUET:
        remedy = (
            "the examples are Parquet and it reads TFRecord: set examples_format: tfrecord, or "
            "read through fn_args.data_accessor"
        )
    elif "even a TFRecord" in str(error.__cause__):
        remedy = 'the examples are gzip TFRecord: read them with compression_type="GZIP"'
    else:
        return error
    return UserCodeError(f"{error}; {remedy}")
