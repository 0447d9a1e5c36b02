"""Mahalanobis: how far is a row from the mean, measured by how the features vary together?"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kanaria.serving.drift.detector import Columns, Floats, Result
from kanaria.serving.drift.outliers import outlier_detector
from kanaria.serving.drift.outliers.outlier_detector import flags, result
from kanaria.serving.drift.outliers.reference_sample import halves, sampled
from kanaria.serving.drift.references.sample_reference import SampleReference
from kanaria.serving.drift.table_columns import matrix

SMALLEST = 1e-6
"""Variance of a direction, of an average one's, below which none is taken.

A row that leaves the plane in which all of the reference lies is then far away, not invisible.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mahalanobis(outlier_detector.Settings):
    """Scores a row by its squared distance from the mean.

    For normal rows it would follow the chi-squared distribution. Served rows hardly ever are
    normal, so the level of an outlier comes from reference rows kept aside.
    """

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "mahalanobis"

    def fit(self, rows: Columns) -> SampleReference:
        """Return the reference of `rows`."""
        return sampled(rows)

    def score(self, reference: SampleReference, rows: Columns) -> Floats:
        """Return the squared distance of each row; NaN for one with missing values."""
        return _fitted(reference).distances(matrix(rows, tuple(reference.columns)))

    def outliers(self, reference: SampleReference, rows: Columns) -> NDArray[np.bool_]:
        """Return which of `rows` are outliers."""
        return flags(self.score(reference, rows), _fitted(reference).calibration, self.flag_share)

    def test(self, reference: SampleReference, window: Columns) -> Result:
        """Return whether more rows of `window` are outliers than without drift."""
        scores = self.score(reference, window)
        return result(self.name, self, scores, _fitted(reference).calibration, reference.rows)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Ellipsoid:
    """Mean and directions of the rows fitted to, and the sorted distances of the others."""

    mean: Floats
    whitening: Floats
    calibration: Floats

    def distances(self, values: Floats) -> Floats:
        """Return squared distances."""
        return (((values - self.mean) @ self.whitening) ** 2).sum(axis=1)


@lru_cache(maxsize=8)
def _fitted(reference: SampleReference) -> _Ellipsoid:
    values, others = halves(reference)
    deviations = values.std(axis=0)
    deviations[deviations == 0] = 1.0
    together = np.cov((values - values.mean(axis=0)) / deviations, rowvar=False, bias=True)
    variances, directions = np.linalg.eigh(np.atleast_2d(together))
    whitening = directions / np.sqrt(np.maximum(variances, SMALLEST)) / deviations[:, None]
    bare = _Ellipsoid(mean=values.mean(axis=0), whitening=whitening, calibration=np.array([]))
    calibration = np.sort(bare.distances(others))
    return _Ellipsoid(mean=bare.mean, whitening=whitening, calibration=calibration)
