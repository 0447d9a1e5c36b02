"""Sums of all slices in one table, and how a combiner of TFMA's adds up. No private names.

`code` = slice * width + bucket, with a row of sums for each code that occurs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.label_prediction_pairs import Pairs, Wanted

# Up to so many codes a table with a place for each is faster than sorting.
DENSE_CODES = 1 << 22


@dataclass(slots=True)
class Table:
    """Sums by code; parts wait to be added up.

    Attributes:
        parts: pairs of codes, shape (m,), and sums, shape (m, k).
        waiting: codes in the parts since they were last added up.
    """

    parts: list[tuple[NDArray[Any], NDArray[Any]]] = field(default_factory=list)
    waiting: int = 0

    def add(self, codes: NDArray[Any], sums: NDArray[Any]) -> None:
        """Add sums by code; codes may repeat."""
        self.parts.append(summed(codes, sums))
        self.waiting += len(self.parts[-1][0])
        if self.waiting > 2 * len(self.parts[0][0]):
            self.whole()

    def whole(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the distinct codes, ascending, and their sums."""
        if len(self.parts) > 1:
            codes, sums = (np.concatenate(each) for each in zip(*self.parts, strict=True))
            self.parts = [summed(codes, sums)]
        self.waiting = 0
        return self.parts[0]


def summed(codes: NDArray[Any], sums: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the distinct codes, ascending, and the sums of their rows.

    Args:
        codes: shape (m,), not negative.
        sums: float64, shape (m, k).
    """
    if len(codes) and int(codes.max()) < DENSE_CODES:
        count = np.bincount(codes)
        used = np.flatnonzero(count)
        totals = [np.bincount(codes, weights=column)[used] for column in sums.T]
    else:
        used, place = np.unique(codes, return_inverse=True)
        totals = [np.bincount(place, weights=column) for column in sums.T]
    return used, np.stack(totals, axis=1) if totals else np.zeros((len(used), 0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one batch adds: for each of m terms its row, its bucket and its sums.

    Attributes:
        rows: shape (m,); None where the terms are the rows, in order.
        buckets: shape (m,), or None without buckets.
        sums: float64, shape (m, k).
    """

    rows: NDArray[Any] | None
    buckets: NDArray[Any] | None
    sums: NDArray[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Summing:
    """How one combiner adds up.

    Attributes:
        wanted: what it compares; None for what reads weights alone.
        part: rows, config, pairs -> what to add, or None where TFMA must do it row by row.
        width: buckets a slice, at least 1.
        accumulator: buckets, shape (m,), and sums, shape (m, k), of a slice -> TFMA's
            accumulator.
    """

    wanted: Wanted | None
    part: Callable[[Rows, Any, Pairs | None], Part | None]
    width: int
    accumulator: Callable[[NDArray[Any], NDArray[Any]], Any]
