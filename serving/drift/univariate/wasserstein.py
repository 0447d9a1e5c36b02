"""Wasserstein distance: how far the values moved on average, in standard deviations.

The area between the two distribution functions, taken at the percentiles of reference and window
together, over a robust standard deviation of both: the span of the middle 80 % over 2.563, its
value for normal data. What lies beyond the outermost percentiles adds nothing, so a few huge
outliers do not decide; an infinite value counts as the outermost percentile that is finite. Unlike
the largest difference in probability it grows with the way moved.
"""

import math
from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift.detector import Columns, Floats, Result
from kanaria.serving.drift.references.sorted_reference import SortedReference
from kanaria.serving.drift.table_columns import rows_of, selected
from kanaria.serving.drift.univariate import bin_distances, feature_tests

NORMAL_SPAN = 2.563103
"""Distance from the 10 % to the 90 % point of the standard normal distribution."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wasserstein(feature_tests.Settings):
    """Tests each numeric feature; `least` is in standard deviations, at most 1."""

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "wasserstein"

    def fit(self, rows: Columns) -> SortedReference:
        """Return the reference of `rows`."""
        return SortedReference.of(rows, rows_of(rows, "reference"))

    def test(self, reference: SortedReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        chosen = selected(window, reference.values)
        features = bin_distances.of_numbers(reference.values, chosen, MEASURE.bins)
        rows = (reference.rows, rows_of(chosen, "window"))
        return bin_distances.compared(self, self.name, MEASURE, features, rows)


def distance(old: Floats, new: Floats, edges: Floats) -> Floats:
    """Return the distance of counts (..., bins) whose inner edges are `edges` (bins - 1)."""
    p, q = (np.cumsum(c, axis=-1) / c.sum(axis=-1, keepdims=True) for c in (old, new))
    between = np.abs(p - q)[..., :-1]
    finite = edges[np.isfinite(edges)]
    if len(finite) < 2:
        # Two values at most: what differs is a share, and moves over their whole span.
        return np.asarray(between.sum(axis=-1))
    edges = np.clip(edges, finite[0], finite[-1])
    area = ((between[..., 1:] + between[..., :-1]) / 2 * np.diff(edges)).sum(axis=-1)
    return np.asarray(area / _spread(edges))


def _spread(edges: Floats) -> float:
    low, high = edges[len(edges) // 10], edges[len(edges) - 1 - len(edges) // 10]
    return float(high - low) / NORMAL_SPAN


# A shift of this many standard deviations, against the mean's standard error.
MEASURE = bin_distances.Measure(
    name="Wasserstein distance",
    bins=100,
    distance=distance,
    squared=lambda value: value**2,
    unsquared=math.sqrt,
    freedom=lambda _: 1,
)
