"""Population stability index: symmetric Kullback-Leibler divergence over ten bins or categories.

Below 0.1 is held to be stable, above 0.25 to be a large shift (Siddiqi 2006). Half a row is added
to each bin, so that an empty one gives a finite index.
"""

from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift.detector import Columns, Floats, Result
from kanaria.serving.drift.references.table_reference import TableReference
from kanaria.serving.drift.univariate import bin_distances, feature_tests


@dataclass(frozen=True, kw_only=True, slots=True)
class PopulationStability(feature_tests.Settings):
    """Tests each feature; `least` is an index.

    Attributes:
        categorical: features of numbers that are categories; text and booleans always are.
    """

    categorical: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "population_stability"

    def fit(self, rows: Columns) -> TableReference:
        """Return the reference of `rows`."""
        return TableReference.of(rows, self.categorical)

    def test(self, reference: TableReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        return bin_distances.compared_tables(self, self.name, MEASURE, reference, window)


def index(old: Floats, new: Floats, edges: Floats) -> Floats:
    """Return the index of counts (..., bins)."""
    del edges
    shares = [(c + 0.5) / (c + 0.5).sum(axis=-1, keepdims=True) for c in (old, new)]
    return np.asarray(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum(axis=-1))


# For small differences the index times the rows is Pearson's statistic.
MEASURE = bin_distances.Measure(
    name="population stability index",
    bins=10,
    distance=index,
    squared=lambda value: value,
    unsquared=lambda statistic: statistic,
    freedom=lambda bins: max(bins - 1, 1),
)
