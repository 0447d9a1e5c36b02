"""Jensen-Shannon distance over twenty bins, or categories: 0 is the same, 1 nothing in common.

The square root of the divergence in bits, which is a metric (Endres and Schindelin 2003).
"""

import math
from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift.detector import Columns, Floats, Result
from kanaria.serving.drift.references.table_reference import TableReference
from kanaria.serving.drift.univariate import bin_distances, feature_tests


@dataclass(frozen=True, kw_only=True, slots=True)
class JensenShannon(feature_tests.Settings):
    """Tests each feature; `least` is a distance.

    Attributes:
        categorical: features of numbers that are categories; text and booleans always are.
    """

    categorical: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "jensen_shannon"

    def fit(self, rows: Columns) -> TableReference:
        """Return the reference of `rows`."""
        return TableReference.of(rows, self.categorical)

    def test(self, reference: TableReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        return bin_distances.compared_tables(self, self.name, MEASURE, reference, window)


def distance(old: Floats, new: Floats, edges: Floats) -> Floats:
    """Return the distance of counts (..., bins)."""
    del edges
    p, q = (counts / counts.sum(axis=-1, keepdims=True) for counts in (old, new))
    divergence = (_against(p, (p + q) / 2) + _against(q, (p + q) / 2)) / 2
    return np.sqrt(np.maximum(divergence, 0.0))


def _against(p: Floats, middle: Floats) -> Floats:
    ratio = np.divide(p, middle, out=np.ones_like(p), where=p > 0)
    return np.asarray((p * np.log2(ratio)).sum(axis=-1))


# For small differences eight times the divergence in nats, times the rows, is Pearson's statistic.
EIGHT_NATS = 8 * math.log(2)
MEASURE = bin_distances.Measure(
    name="Jensen-Shannon distance",
    bins=20,
    distance=distance,
    squared=lambda value: EIGHT_NATS * value**2,
    unsquared=lambda statistic: math.sqrt(statistic / EIGHT_NATS),
    freedom=lambda bins: max(bins - 1, 1),
)
