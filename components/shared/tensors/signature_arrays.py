"""Rows of lists as the arrays that the named inputs of a signature take.

tf.Examples and Parquet hold a row's values as a flat list, so an input of two or more axes takes
them in C order. A row is given to a free size with exactly the values it has, as in a request of
its own: rows of different lengths are never padded but given in calls of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kanaria.components.shared.artifacts.model_inputs import Array, Input, with_missing
from kanaria.components.shared.errors import DataError, shown

KINDS = {"O": "O", "f": "fiu", "V": "fiu", "i": "iu", "u": "iu", "b": "iu"}
"""Kind of an input's type -> kinds of columns that it takes; V is bfloat16."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """Arguments of one call: the numbers of its rows in the batch, and an array an input."""

    rows: NDArray[np.int64]
    arrays: Mapping[str, Array]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    """A column of lists: the values of all rows in a row, and how many each has."""

    values: Array
    lengths: NDArray[np.int64]

    def matrix(self, rows: NDArray[np.int64], size: int) -> Array:
        """Return the values of rows that have `size` each, shape (rows, size)."""
        starts = np.cumsum(self.lengths) - self.lengths
        return self.values[starts[rows][:, np.newaxis] + np.arange(size)]


def _column(column: pa.Array | None, rows: int) -> _Column:
    if column is None or pa.types.is_null(column.type):
        return _Column(values=np.empty(0), lengths=np.zeros(rows, np.int64))
    lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return _Column(
        values=column.flatten().to_numpy(zero_copy_only=False), lengths=lengths.astype(np.int64)
    )


def _cast(name: str, values: Array, wanted: Input) -> Array:
    """Return values in the input's type.

    Raises:
        DataError: a value is of another kind, or not among those of the type.
    """
    target = "text" if wanted.dtype.kind == "O" else wanted.dtype.name
    if values.size and values.dtype.kind not in KINDS.get(wanted.dtype.kind, ""):
        kind = "text" if values.dtype.kind == "O" else values.dtype.name
        raise DataError(
            f"column {shown(name)}: holds {kind}, such as {shown(values.flat[0])}; the model's "
            f"input takes {target}; give the model what it was trained on"
        )
    with np.errstate(over="ignore"):
        cast = values.astype(wanted.dtype)
    changed = values[_is_changed(values, cast)]
    if changed.size:
        raise DataError(
            f"column {shown(name)}: {shown(changed.flat[0])} is no value of the model's input "
            f"of type {target}; give the model a wider type"
        )
    return cast


def _is_changed(before: Array, cast: Array) -> NDArray[np.bool_]:
    """Tell which values became others; a float may lose digits, but not become infinite."""
    if cast.dtype.kind in "iub":
        return np.asarray(cast != before)
    if cast.dtype.kind == "O" or not before.size:
        return np.zeros(before.shape, bool)
    return np.asarray(np.isfinite(before) & ~np.isfinite(cast))


def _check_lengths(name: str, column: _Column, wanted: Input, first: int) -> None:
    size, lengths = wanted.row_size(), column.lengths
    if wanted.shape == ():
        raise DataError(f"input {shown(name)}: has no axis for rows; put the batch first in it")
    if wanted.required and (lengths == 0).any():
        row = first + int(np.flatnonzero(lengths == 0)[0])
        raise DataError(
            f"column {shown(name)}: row {row} has no value and the schema requires one; give it "
            "one, or take the feature's shape out of the schema"
        )
    if size is None or not (other := (lengths != size) & (lengths > 0)).any():
        return
    row = int(np.flatnonzero(other)[0])
    raise DataError(
        f"column {shown(name)}: row {first + row} has {lengths[row]} values; the model's input "
        f"takes {size}; give every row {size}, or give the input a free size"
    )


def _row_shape(name: str, length: int, wanted: Input) -> tuple[int, ...]:
    """Return the shape of one row of `length` values, any free size worked out."""
    if wanted.shape is None:
        return () if length <= 1 else (length,)
    sizes = wanted.shape[1:]
    fixed = int(np.prod([size for size in sizes if size is not None]))
    if sizes.count(None) > 1 or length % fixed:
        raise DataError(
            f"column {shown(name)}: a row of {length} values has no shape {list(sizes)}; "
            "give the input one free size, which divides them"
        )
    return tuple(length // fixed if size is None else size for size in sizes)


def _array(name: str, column: _Column, rows: NDArray[np.int64], wanted: Input) -> Array:
    """Return the values of rows of one length, or none, as one array."""
    has = column.lengths[rows] > 0
    size = wanted.row_size()
    length = int(column.lengths[rows].max(initial=0)) if size is None else size
    values = column.matrix(rows[has], length)
    shape = _row_shape(name, length, wanted)
    return with_missing(_cast(name, values, wanted).reshape(len(values), *shape), has, wanted)


def _groups(columns: Mapping[str, _Column], inputs: Mapping[str, Input], rows: int) -> list[Any]:
    """Return the numbers of rows that have equal lengths in all inputs of a free size."""
    free = [columns[name].lengths for name, item in inputs.items() if item.row_size() is None]
    if not free:
        return [np.arange(rows)]
    _, group = np.unique(np.stack(free, axis=1), axis=0, return_inverse=True)
    return [np.flatnonzero(group == number) for number in range(group.max(initial=-1) + 1)]


def feeds(batch: pa.RecordBatch, inputs: Mapping[str, Input], first: int = 0) -> Iterator[Feed]:
    """Yield the arguments of calls that give a signature every row of a batch once.

    Args:
        batch: rows as lists (see `shared.record_batches`); a column it lacks is missing.
        inputs: named inputs of the signature.
        first: number of the batch's first row, for messages.

    Raises:
        DataError: a row has another number of values than an input takes, or of another type.
    """
    columns_by_name = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = {name: _column(columns_by_name.get(name), batch.num_rows) for name in inputs}
    for name, wanted in inputs.items():
        _check_lengths(name, columns[name], wanted, first)
    for rows in _groups(columns, inputs, batch.num_rows):
        arrays = {name: _array(name, columns[name], rows, item) for name, item in inputs.items()}
        yield Feed(rows=rows, arrays=arrays)
