"""Rows in an order of their values alone, sorted on disk.

A database may answer in another order each time; equal rows shall give equal examples.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kanaria.components.ingest import hash_split
from kanaria.components.ingest.row_spool import Spool
from kanaria.components.ingest.typed_rows import TypedRows
from kanaria.components.shared.artifacts import fingerprint

BUCKET_BYTES = 32 << 20
MOST_BUCKETS = 256
"""Rows are dealt into so many files at most, and each is sorted in memory."""
DIGEST = "\0digest"


def _digested(rows: TypedRows, spool: Spool) -> None:
    """Keep the rows, each with its digest."""
    names = rows.schema.names
    for _, table in rows.tables(names):
        buffers = [None, pa.py_buffer(hash_split.digests(table, names))]
        column = pa.Array.from_buffers(pa.binary(32), table.num_rows, buffers)
        for batch in table.append_column(DIGEST, column).to_batches():
            spool.write(batch)
    spool.close()


def _deal(digested: Spool, buckets: Sequence[Spool]) -> None:
    """Deal rows into buckets that are in order."""
    for batch in digested.batches():
        table = pa.Table.from_batches([batch])
        # The first four bytes of a digest tell its bucket.
        first = np.frombuffer(_digests(table).tobytes(), ">u4")[::8].astype(np.uint64)
        numbers = (first * len(buckets)) >> 32
        for number in np.unique(numbers):
            for some in table.filter(pa.array(numbers == number)).to_batches():
                buckets[int(number)].write(some)
    digested.remove()
    for bucket in buckets:
        bucket.close()


def _digests(table: pa.Table) -> NDArray[np.bytes_]:
    column = table[DIGEST].combine_chunks()
    return np.frombuffer(column.buffers()[1], "S32")[column.offset :][: len(column)]


def _sorted(bucket: Spool) -> Iterator[pa.Table]:
    """Yield the rows of one bucket in order; at most one table."""
    batches = list(bucket.batches())
    bucket.remove()
    if batches:
        table = pa.Table.from_batches(batches)
        # All are of one length, so it is no harm that NumPy drops zeros at the end.
        yield table.take(pa.array(np.argsort(_digests(table), kind="stable")))


def in_order(rows: TypedRows, folder: Path) -> tuple[Spool, str]:
    """Return the rows in order, and the fingerprint of the content.

    Args:
        rows: in any order; read once.
        folder: where they are kept.
    """
    dealt = Spool(folder / "digested")
    _digested(rows, dealt)
    count = min(MOST_BUCKETS, 1 + dealt.size // BUCKET_BYTES)
    buckets = [Spool(folder / f"bucket-{number}") for number in range(count)]
    _deal(dealt, buckets)
    ordered, content = Spool(folder / "ordered"), hashlib.sha256()
    for bucket in buckets:
        for table in _sorted(bucket):
            content.update(_digests(table).tobytes())
            for batch in table.drop([DIGEST]).to_batches(max_chunksize=hash_split.BLOCK_ROWS):
                ordered.write(batch)
    ordered.close()
    types = sorted(f"{field.name}: {field.type}" for field in rows.schema)
    return ordered, fingerprint.of_text(*types, content.hexdigest())
