"""The reference of outlier detectors: a bounded sample of whole rows that merges exactly.

Kept are the distinct rows with the smallest hashes, each with its count. A hash depends on the
values alone, so two samples merge into the sample of all their rows, whatever their order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.columns import matrix, rows_of
from kanaria.serving.drift.hashes import mixed
from kanaria.serving.drift.ordered import same_features
from kanaria.serving.drift.protocol import Columns, Floats

MOST = 10_000
"""Distinct rows kept."""
FEWEST = 50
"""Rows in each half of the sample from which outliers can be told."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SampledReference:
    """Whole rows.

    Attributes:
        features: names of the columns.
        values: distinct rows, of shape (kept, features), by ascending hash.
        counts: how often each of them occurred.
        rows: all of them, with those left out and those with missing values.
    """

    features: tuple[str, ...]
    values: Floats
    counts: NDArray[np.int64]
    rows: int

    @classmethod
    def of(cls, columns: Columns) -> Self:
        """Return the reference of `columns`; rows with missing values are left out.

        Raises:
            DataError: there are no rows, or columns hold no numbers.
        """
        rows = rows_of(columns, "reference")
        # Adding zero makes -0.0 equal to 0.0 in its bits too.
        values = matrix(columns, tuple(columns)) + 0.0
        whole = values[~np.isnan(values).any(axis=1)]
        kept, counts = _smallest(whole, np.ones(len(whole), dtype=np.int64))
        return cls(features=tuple(columns), values=kept, counts=counts, rows=rows)

    def merged(self, other: Self) -> Self:
        """Return the reference of the rows of both, which have the same features."""
        same_features(dict.fromkeys(self.features), dict.fromkeys(other.features))
        values, counts = _smallest(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.counts, other.counts]),
        )
        rows = self.rows + other.rows
        return type(self)(features=self.features, values=values, counts=counts, rows=rows)

    def halves(self) -> tuple[Floats, Floats]:
        """Return the rows to fit to, and others to calibrate with, each as often as it occurred.

        Raises:
            DataError: there are too few.
        """
        # A row that occurred often is in both halves; odd ones go to either in turn.
        first = (self.counts + np.arange(len(self.counts)) % 2) // 2
        fitted = np.repeat(self.values, first, axis=0)
        calibrating = np.repeat(self.values, self.counts - first, axis=0)
        if min(len(fitted), len(calibrating)) < FEWEST:
            raise DataError(
                f"reference: {len(fitted)} and {len(calibrating)} rows in its halves; "
                f"give at least {2 * FEWEST} rows without missing values"
            )
        return fitted, calibrating

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all it holds as arrays."""
        return {
            "features": np.array(self.features, dtype=str),
            "values": self.values,
            "counts": self.counts,
            "rows": np.array(self.rows),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the reference that `arrays` came from."""
        return cls(
            features=tuple(arrays["features"].tolist()),
            values=arrays["values"],
            counts=arrays["counts"],
            rows=int(arrays["rows"]),
        )


def _smallest(values: Floats, counts: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Return the distinct rows with the smallest hashes, and the sums of their counts."""
    distinct, place = np.unique(values, axis=0, return_inverse=True)
    sums = np.bincount(place, weights=counts, minlength=len(distinct)).astype(np.int64)
    chosen = np.argsort(_hashes(distinct), kind="stable")[:MOST]
    return distinct[chosen], sums[chosen]


def _hashes(values: Floats) -> NDArray[np.uint64]:
    hashes = np.zeros(len(values), dtype=np.uint64)
    for column in np.ascontiguousarray(values.T, dtype=np.float64).view(np.uint64):
        hashes = mixed(hashes ^ column)
    return hashes
