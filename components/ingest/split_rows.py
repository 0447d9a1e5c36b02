"""Which split a row belongs to: by a stable hash, or by shares of time. Pure functions."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.ingest import timestamps
from kanaria.components.ingest.misfit import MisfitError, first_row, shown_value
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.parameters import Faults

BLOCK_ROWS = 20_000
EXACT = 2.0**53  # Below it, a float holds every integer exactly.


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """A split's name and its weight, a positive integer; its share is weight / sum of weights."""

    name: str
    weight: int


def parse(text: str, faults: Faults) -> tuple[Split, ...]:
    """Read `train=2,eval=1`; faults in the text are added to `faults`."""
    splits = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([A-Za-z0-9_-]+)=([1-9][0-9]{0,5})\s*", part)
        faults.check(match is not None, "splits", part, "write name=weight, weight 1 to 999999")
        if match:
            splits.append(Split(name=match[1], weight=int(match[2])))
    names = [split.name for split in splits]
    faults.check(len(set(names)) == len(names), "splits", text, "name each split once")
    return tuple(splits)


def _texts(column: pa.Array) -> pa.Array:
    """Return values as text that does not change when other rows widen the column to floats."""
    if pa.types.is_floating(column.type):
        whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), EXACT))
        integers = pc.if_else(whole, column, None).cast(pa.int64()).cast(pa.string())
        return pc.coalesce(integers, column.cast(pa.string()))
    if pa.types.is_integer(column.type) or pa.types.is_string(column.type):
        return column.cast(pa.string())
    texts = [None if value is None else str(value) for value in column.to_pylist()]
    return pa.array(texts, pa.string())


def digests(table: pa.Table, columns: Sequence[str]) -> Iterator[bytes]:
    """Yield the SHA-256 of each row's values of `columns`, whatever their order, as 32 bytes."""
    # Blocks, so that few rows are Python objects at a time.
    for batch in table.select(sorted(columns)).to_batches(max_chunksize=BLOCK_ROWS):
        # A present value begins with "=", so nothing equals the mark of a missing one.
        texts = [pc.binary_join_element_wise("=", _texts(c), "") for c in batch.columns]
        mark = {"null_handling": "replace", "null_replacement": "-"}
        for row in pc.binary_join_element_wise(*texts, "\x1f", **mark).to_pylist():
            yield hashlib.sha256(row.encode()).digest()


def by_hash(table: pa.Table, columns: Sequence[str], splits: Sequence[Split]) -> NDArray[np.int64]:
    """Return the index of each row's split, shape (rows,), from SHA-256 of its values.

    Equal rows get equal splits whatever file, order or column order they come in.

    Args:
        table: typed rows.
        columns: what is hashed: all columns, or the key alone.
        splits: names and weights; a weight is a number of hash buckets.
    """
    total = sum(split.weight for split in splits)
    ends = np.array(list(accumulate(split.weight for split in splits)))
    rows = (int.from_bytes(row[:8], "big") % total for row in digests(table, columns))
    buckets = np.fromiter(rows, dtype=np.int64, count=table.num_rows)
    return np.searchsorted(ends, buckets, side="right")


def _instants(texts: pa.ChunkedArray, column: str) -> NDArray[np.int64]:
    """Return a number for each time, shape (rows,), that grows with the time."""
    try:
        times = timestamps.parsed(texts)
    except MisfitError as error:
        row = first_row(texts, lambda some: timestamps.parsed(some).seconds)
        raise DataError(
            f"time_column={shown(column)}: {shown_value(texts, row)}: {error}; write ISO 8601, or "
            "numbers"
        ) from error
    _check_zones(texts, times.have_zone, column)
    # Seconds over 10,000 years and nanoseconds together need more than 64 bits.
    _, seconds = np.unique(times.seconds.to_numpy(), return_inverse=True)
    return seconds * 10**9 + times.nanoseconds.to_numpy()


def _check_zones(texts: pa.ChunkedArray, have_zone: pa.ChunkedArray, column: str) -> None:
    """Raise DataError if only some times have a zone: nobody knows which is earlier."""
    zoned, local = (pc.index(have_zone, flag).as_py() for flag in (True, False))
    if zoned >= 0 and local >= 0:
        raise DataError(
            f"time_column={shown(column)}: {shown_value(texts, zoned)} has a zone, "
            f"{shown_value(texts, local)} has none; give every time a zone, or none"
        )


def by_time(table: pa.Table, column: str, splits: Sequence[Split]) -> NDArray[np.int64]:
    """Return the index of each row's split, shape (rows,): the first split is the oldest.

    Rows of one time stay together, so a split can be off its share by the rows of one time.

    Args:
        table: typed rows.
        column: numbers, or text in ISO 8601, compared as instants; no value is missing.
        splits: names and weights.

    Raises:
        DataError: the times are text of another form, or only some of them have a zone.
    """
    values = table[column]
    is_text = values.type == pa.string()
    times = _instants(values, column) if is_text else values.to_numpy()
    _, place, counts = np.unique(times, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - counts)[place]  # How many rows are older.
    total = sum(split.weight for split in splits)
    ends = np.array(list(accumulate(split.weight for split in splits))) * table.num_rows / total
    return np.searchsorted(ends, ranks, side="right")
