"""Which split a row belongs to: by a stable hash, or by shares of time. Pure functions."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow as pa

from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.parameters import Faults


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
        faults.check(match is not None, "splits", part, "write name=weight, weight 1 or more")
        if match:
            splits.append(Split(name=match[1], weight=int(match[2])))
    names = [split.name for split in splits]
    faults.check(len(set(names)) == len(names), "splits", text, "name each split once")
    return tuple(splits)


def _texts(table: pa.Table, columns: Sequence[str]) -> list[list[str]]:
    """Return each column as text, with a mark for missing that no value can equal."""
    return [
        ["\0" if value is None else f"={value}" for value in table[name].to_pylist()]
        for name in columns
    ]


def by_hash(table: pa.Table, columns: Sequence[str], splits: Sequence[Split]) -> np.ndarray:
    """Return the index of each row's split, shape (rows,), from SHA-256 of its values.

    Equal rows get equal splits whatever file, order or column order they come in.

    Args:
        table: typed rows.
        columns: what is hashed: all columns, or the key alone.
        splits: names and weights; a weight is a number of hash buckets.
    """
    ordered = sorted(columns)
    total = sum(split.weight for split in splits)
    ends = np.array(list(accumulate(split.weight for split in splits)))
    digests = (
        hashlib.sha256("\x1f".join(values).encode()).digest()
        for values in zip(*_texts(table, ordered), strict=True)
    )
    buckets = np.fromiter(
        (int.from_bytes(digest[:8], "big") % total for digest in digests),
        dtype=np.int64,
        count=table.num_rows,
    )
    return np.searchsorted(ends, buckets, side="right")


def by_time(table: pa.Table, column: str, splits: Sequence[Split]) -> np.ndarray:
    """Return the index of each row's split, shape (rows,): the first split is the oldest.

    Rows of one time stay together, so a split can be off its share by the rows of one time.

    Raises:
        DataError: a row has no time.
    """
    times = table[column]
    if times.null_count:
        raise DataError(
            f"time_column={shown(column)}: {times.null_count} of {table.num_rows} rows have no "
            "time; fill it or drop the rows"
        )
    _, place, counts = np.unique(times.to_numpy(), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - counts)[place]  # How many rows are older.
    total = sum(split.weight for split in splits)
    ends = np.array(list(accumulate(split.weight for split in splits))) * table.num_rows / total
    return np.searchsorted(ends, ranks, side="right").clip(max=len(splits) - 1)
