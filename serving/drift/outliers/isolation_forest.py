"""Isolation forest: by how few random cuts can a row be set apart? (Liu, Ting and Zhou 2008).

It also sees rows in a gap between clusters, near the mean of all. The trees are scikit-learn's;
they are grown again from the sample with a fixed seed instead of being kept in a pickle.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.drift.detector import Columns, Floats, Result
from kanaria.serving.drift.outliers import outlier_detector
from kanaria.serving.drift.outliers.outlier_detector import flags, result
from kanaria.serving.drift.outliers.reference_sample import halves, sampled
from kanaria.serving.drift.references.sample_reference import SampleReference
from kanaria.serving.drift.table_columns import matrix

SEED = 0
"""Of the trees, so that equal references have equal forests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IsolationForest(outlier_detector.Settings):
    """Scores a row from 0 (among many) to 1 (alone).

    Attributes:
        trees: of the forest; each is grown from 256 rows.
    """

    trees: int = 100

    def _check(self, faults: Faults) -> None:
        super(IsolationForest, self)._check(faults)
        faults.check(self.trees >= 1, "trees", self.trees, "use 1 or more")

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "isolation_forest"

    def fit(self, rows: Columns) -> SampleReference:
        """Return the reference of `rows`."""
        return sampled(rows)

    def score(self, reference: SampleReference, rows: Columns) -> Floats:
        """Return how alone each row is; NaN for one with missing values."""
        forest, _ = _grown(reference, self.trees)
        values = matrix(rows, tuple(reference.columns))
        scores = np.full(len(values), np.nan)
        whole = ~np.isnan(values).any(axis=1)
        if whole.any():
            scores[whole] = -forest.score_samples(values[whole])
        return scores

    def outliers(self, reference: SampleReference, rows: Columns) -> NDArray[np.bool_]:
        """Return which of `rows` are outliers."""
        scores = self.score(reference, rows)
        return flags(scores, _grown(reference, self.trees)[1], self.flag_share)

    def test(self, reference: SampleReference, window: Columns) -> Result:
        """Return whether more rows of `window` are outliers than without drift."""
        scores = self.score(reference, window)
        return result(self.name, self, scores, _grown(reference, self.trees)[1], reference.rows)


@lru_cache(maxsize=8)
def _grown(reference: SampleReference, trees: int) -> tuple[Any, Floats]:
    """Return the forest, and the sorted scores of rows that it was not grown from."""
    from sklearn.ensemble import IsolationForest as Forest

    values, others = halves(reference)
    rows = min(256, len(values))
    forest = Forest(n_estimators=trees, max_samples=rows, random_state=SEED).fit(values)
    return forest, np.sort(-forest.score_samples(others))
