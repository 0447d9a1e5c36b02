"""Which split a row belongs to by a stable hash of its values. Pure functions."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.shared.config.parameters import Faults

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


def _sha256(texts: pa.StringArray) -> bytes:
    """Return the SHA-256 of each text, none of them missing, one behind the other."""
    _, ends, data = texts.buffers()
    places = np.frombuffer(ends, np.int32)[texts.offset :][: len(texts) + 1].tolist()
    # Slices of the bytes that Arrow has are half as dear as strings of Python.
    text, sha256 = memoryview(data), hashlib.sha256
    return b"".join([sha256(text[start:end]).digest() for start, end in pairwise(places)])


def digests(table: pa.Table, columns: Sequence[str]) -> bytes:
    """Return the SHA-256 of each row's values of `columns`, in any order, 32 bytes a row."""
    blocks = []
    # Blocks, so that few rows are Python objects at a time.
    for batch in table.select(sorted(columns)).to_batches(max_chunksize=BLOCK_ROWS):
        # A present value begins with "=", so nothing equals the mark of a missing one.
        texts = [pc.binary_join_element_wise("=", _texts(c), "") for c in batch.columns]
        mark = {"null_handling": "replace", "null_replacement": "-"}
        blocks.append(_sha256(pc.binary_join_element_wise(*texts, "\x1f", **mark)))
    return b"".join(blocks)


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
    # The first 8 of a digest's 32 bytes are a number.
    numbers = np.frombuffer(digests(table, columns), ">u8")[::4]
    buckets = (numbers % np.uint64(total)).astype(np.int64)
    return np.searchsorted(ends, buckets, side="right")
