"""Timestamps that Spark, Hive and Impala store as a day and nanoseconds, in 96 bits together.

Arrow reads them in nanoseconds, where all but the years 1677 to 2262 wrap around, or in
microseconds, where the last three digits are cut off. Both readings together tell the time.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.ingest import native_column_types

TURN, REST = divmod(2**64, 1000)
"""Microseconds, and nanoseconds besides, after which nanoseconds of 64 bits come round."""
LAST = (2**63 - 1) // 1000
"""Microseconds since 1970 up to which nanoseconds fit 64 bits; the first are as far away."""


class Times(NamedTuple):
    """Microseconds since 1970, and nanoseconds besides, 0 to 999; each of shape (rows,)."""

    microseconds: NDArray[np.int64]
    besides: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """Whether a column has nanoseconds besides, and a time that is too far away for them."""

    is_finer: bool = False
    is_far: bool = False

    def merged(self, other: "Extent") -> "Extent":
        """Return the extent of both."""
        return Extent(is_finer=self.is_finer or other.is_finer, is_far=self.is_far or other.is_far)

    @property
    def unit(self) -> str:
        """The unit that has the range and the precision.

        Raises:
            ValueError: there is none.
        """
        if self.is_finer and self.is_far:
            raise ValueError("no 64 bits hold a time so far from 1970 to the nanosecond; round it")
        return "ns" if self.is_finer else "us"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What is found over all rows of a column, and tells how it is read.

    Arrow stores a time before 1970 as negative nanoseconds, which are read in microseconds 584
    years too late. Columns of microseconds are told by whole microseconds, which are odd
    nanoseconds 584 years away; before 1677, by whole milliseconds. A column of nanoseconds lies
    between 1677 and 2262. See https://github.com/apache/arrow/issues/37580.

    Attributes:
        by_arrow: whether Arrow wrote the file.
        are_whole: each time with nanoseconds besides is a whole one before 1970.
        stored: as the times stand there, if another program wrote the file.
        whole: if a time that is whole 584 years earlier is one before 1970.
        late: if a time is before 1970 that no nanoseconds of 64 bits hold.
    """

    by_arrow: bool
    are_whole: bool = True
    stored: Extent = Extent()
    whole: Extent = Extent()
    late: Extent = Extent()

    def added(self, exact: pa.ChunkedArray, wrapped: pa.ChunkedArray) -> "Reading":
        """Return what is found with more rows, read in microseconds and in nanoseconds."""
        if native_column_types.is_list(exact.type):
            return self.added(pc.list_flatten(exact), pc.list_flatten(wrapped))
        times = _times(exact, wrapped)
        is_whole = _whole_earlier(times)
        return Reading(
            by_arrow=self.by_arrow,
            are_whole=self.are_whole and bool(np.all((times.besides == 0) | is_whole)),
            stored=self.stored.merged(_extent(times)),
            whole=self.whole.merged(_extent(_earlier(times, is_whole))),
            late=self.late.merged(_extent(_earlier(times, times.microseconds > LAST))),
        )

    def column(self, exact: pa.ChunkedArray, wrapped: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return rows, read in microseconds and in nanoseconds, in a unit that holds them all.

        Raises:
            ValueError: a time of the column has no 64-bit form.
        """
        if native_column_types.is_list(exact.type):
            values = pc.list_flatten(wrapped)
            lists = pa.chunked_array([exact.combine_chunks()])
            return native_column_types.in_lists(lists, lambda inner: self.column(inner, values))
        times, extent = _times(exact, wrapped), self.stored
        if self.by_arrow:
            is_earlier = _whole_earlier(times) if self.are_whole else times.microseconds > LAST
            times = _earlier(times, is_earlier)
            extent = self.whole if self.are_whole else self.late
        numbers = times.microseconds
        if extent.unit == "ns":
            numbers = numbers * 1000 + times.besides
        kind = pa.timestamp(extent.unit, exact.type.tz)
        missing = exact.is_null().to_numpy()
        return pa.chunked_array([pa.array(numbers, mask=missing).cast(kind)])


def _times(exact: pa.ChunkedArray, wrapped: pa.ChunkedArray) -> Times:
    """Return the times of a column read in microseconds and in nanoseconds; 0 where missing."""
    columns = (column.cast(pa.int64()).fill_null(0) for column in (exact, wrapped))
    microseconds, nanoseconds = (column.to_numpy() for column in columns)
    # The product wraps around as the nanoseconds did, so the difference is right.
    return Times(microseconds, nanoseconds - microseconds * 1000)


def _shifted(times: Times) -> Times:
    """Return times as they would be 584 years earlier."""
    carry, rest = np.divmod(times.besides - REST, 1000)
    return Times(times.microseconds - TURN + carry, rest)


def _whole_earlier(times: Times) -> NDArray[np.bool_]:
    """Tell which times are whole ones before 1970, if Arrow wrote them."""
    earlier, rest = _shifted(times)
    is_whole = (rest == 0) & ((np.abs(earlier) < LAST) | (earlier % 1000 == 0))
    return (times.besides != 0) & (earlier < 0) & is_whole


def _earlier(times: Times, which: NDArray[np.bool_]) -> Times:
    """Return times of which some are 584 years earlier."""
    earlier, rest = _shifted(times)
    microseconds = np.where(which, earlier, times.microseconds)
    return Times(microseconds, np.where(which, rest, times.besides))


def _extent(times: Times) -> Extent:
    return Extent(
        is_finer=bool(np.any(times.besides)),
        is_far=bool(np.any(np.abs(times.microseconds) >= LAST)),
    )
