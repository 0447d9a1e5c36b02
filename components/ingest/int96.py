"""Timestamps that Spark, Hive and Impala store as a day and nanoseconds, in 96 bits together.

Arrow reads them in nanoseconds, where all but the years 1677 to 2262 wrap around, or in
microseconds, where the last three digits are cut off. Both readings together tell the time.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kanaria.components.ingest import typed_values
from kanaria.components.shared import arrow_files
from kanaria.components.shared.data_reference import DataFile

TURN, REST = divmod(2**64, 1000)
"""Microseconds, and nanoseconds besides, after which nanoseconds of 64 bits come round."""
LAST = (2**63 - 1) // 1000
"""Microseconds since 1970 up to which nanoseconds fit 64 bits; the first are as far away."""
Times = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Microseconds since 1970, and nanoseconds besides, 0 to 999; each of shape (rows,)."""


def _times(exact: pa.ChunkedArray, wrapped: pa.ChunkedArray) -> Times:
    """Return the times of a column read in microseconds and in nanoseconds; 0 where missing."""
    columns = (column.cast(pa.int64()).fill_null(0) for column in (exact, wrapped))
    microseconds, nanoseconds = (column.to_numpy() for column in columns)
    # The product wraps around as the nanoseconds did, so the difference is right.
    return microseconds, nanoseconds - microseconds * 1000


def _written_by_arrow(times: Times) -> Times:
    """Return times that Arrow wrote, which stores one before 1970 as negative nanoseconds.

    Read in microseconds, these stand 584 years too late. Columns of microseconds are told by
    whole microseconds, which are odd nanoseconds 584 years away; before 1677, by whole
    milliseconds. A column of nanoseconds lies between 1677 and 2262.

    See https://github.com/apache/arrow/issues/37580.
    """
    microseconds, besides = times
    carry, rest = np.divmod(besides - REST, 1000)
    earlier = microseconds - TURN + carry
    is_whole = (rest == 0) & ((np.abs(earlier) < LAST) | (earlier % 1000 == 0))
    is_earlier = (besides != 0) & (earlier < 0) & is_whole
    if not np.all((besides == 0) | is_earlier):
        is_earlier = microseconds > LAST
    return np.where(is_earlier, earlier, microseconds), np.where(is_earlier, rest, besides)


def _in_64_bits(times: Times) -> tuple[NDArray[np.int64], str]:
    """Return times as numbers of shape (rows,), and their unit.

    Raises:
        ValueError: no unit has both the range and the precision.
    """
    microseconds, besides = times
    if not np.any(besides):
        return microseconds, "us"
    if np.any(np.abs(microseconds) >= LAST):
        raise ValueError("no 64 bits hold a time so far from 1970 to the nanosecond; round it")
    return microseconds * 1000 + besides, "ns"


def _column(exact: pa.ChunkedArray, wrapped: pa.ChunkedArray, by_arrow: bool) -> pa.ChunkedArray:
    if typed_values.is_list(exact.type):
        values = pc.list_flatten(wrapped)
        whole = pa.chunked_array([exact.combine_chunks()])
        return typed_values.in_lists(whole, lambda inner: _column(inner, values, by_arrow))
    times = _times(exact, wrapped)
    numbers, unit = _in_64_bits(_written_by_arrow(times) if by_arrow else times)
    missing = exact.is_null().to_numpy()
    kind = pa.timestamp(unit, exact.type.tz)
    return pa.chunked_array([pa.array(numbers, mask=missing).cast(kind)])


def read(opened: pq.ParquetFile, file: DataFile) -> pa.Table:
    """Return the rows of a Parquet file, 96-bit timestamps in a unit that holds them all.

    Args:
        opened: the file, opened.
        file: where it lies, since it has to be opened anew if it has such timestamps.

    Raises:
        ValueError: a timestamp has no 64-bit form, or the file is damaged (Arrow's own error).
        OSError: the file cannot be read.
    """
    schema, table = opened.schema_arrow, opened.read()
    if len(set(schema.names)) < len(schema.names):  # The caller refuses it.
        return table
    by_arrow = (opened.metadata.created_by or "").startswith("parquet-cpp")
    with arrow_files.parquet(file.path, file.uri, int96_unit="us") as again:
        pairs = zip(schema, again.schema_arrow, strict=True)
        names = [field.name for field, other in pairs if field != other]
        exact = again.read(columns=names)
    for name in names:
        place = table.column_names.index(name)
        table = table.set_column(place, name, _column(exact[name], table[name], by_arrow))
    return table
