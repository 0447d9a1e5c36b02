"""Population stability index: the symmetric Kullback-Leibler divergence over ten bins.

Below 0.1 is held to be stable, above 0.25 to be a large shift (Siddiqi 2006). Half a row is added
to each bin, so that an empty one gives a finite index.
"""

from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift import binned, univariate
from kanaria.serving.drift.columns import rows_of
from kanaria.serving.drift.ordered import OrderedReference
from kanaria.serving.drift.protocol import Columns, Floats, Result


@dataclass(frozen=True, kw_only=True, slots=True)
class PopulationStability(univariate.Settings):
    """Tests each numeric feature; `least` is an index."""

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "population_stability"

    def fit(self, rows: Columns) -> OrderedReference:
        """Return the reference of `rows`."""
        return OrderedReference.of(rows, rows_of(rows, "reference"))

    def test(self, reference: OrderedReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        return binned.compared(self, self.name, MEASURE, reference, window)


def index(old: Floats, new: Floats, edges: Floats) -> Floats:
    """Return the index of counts (..., bins)."""
    del edges
    shares = [(c + 0.5) / (c + 0.5).sum(axis=-1, keepdims=True) for c in (old, new)]
    return np.asarray(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum(axis=-1))


def _significance(value: float, effective: float, bins: int) -> float:
    from scipy.special import chdtrc

    # For small differences the index times the rows is Pearson's statistic.
    return float(chdtrc(max(bins - 1, 1), value * effective))


MEASURE = binned.Measure(
    name="population stability index", bins=10, distance=index, significance=_significance
)
