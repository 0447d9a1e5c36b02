"""What outlier detectors share: their settings, and how they tell of a window."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.drift.detector import Effect, Floats, Result
from kanaria.serving.drift.detector_settings import Checked
from kanaria.serving.drift.effect_sizes import share_of
from kanaria.serving.drift.univariate import feature_tests

MEASURE = "share of outliers"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings(Checked):
    """What all outlier detectors can be told.

    Attributes:
        alpha: chance of a false alarm per window, above 0 and below 1.
        least: smallest share of outliers in a window that matters, from 0 to 1.
        flag_share: share of rows without drift that is flagged, above 0 and below 1.
    """

    alpha: float = 0.05
    least: float = 0.05
    flag_share: float = 0.01

    def _check(self, faults: Faults) -> None:
        faults.check(0 < self.alpha < 1, "alpha", self.alpha, "use above 0 and below 1")
        faults.check(0 <= self.least <= 1, "least", self.least, "use 0 to 1")
        flagged = self.flag_share
        faults.check(0 < flagged < 1, "flag_share", flagged, "use above 0 and below 1")


def flags(scores: Floats, calibration: Floats, share: float) -> NDArray[np.bool_]:
    """Return which scores are outliers'.

    A row without drift has a score as high as any of the calibration's with the same chance, so
    with p = (1 + those as high) / (1 + all) it has p <= share with a chance of at most that share
    (Vovk, Gammerman and Shafer 2005), whatever the distribution of the rows.

    Args:
        scores: NaN where there is none.
        calibration: scores of reference rows that the scorer was not fitted to, ascending.
        share: of rows without drift to flag.
    """
    higher = len(calibration) - np.searchsorted(calibration, scores, side="left")
    return (higher < _places(len(calibration), share)) & ~np.isnan(scores)


def _places(calibration: int, share: float) -> int:
    """Return among how many of the highest places a flagged row's score comes."""
    return int(((1 + np.arange(calibration + 1)) / (1 + calibration) <= share).sum())


def result(
    detector: str, settings: Settings, scores: Floats, calibration: Floats, reference_rows: int
) -> Result:
    """Return the result of a window, by one test of all features together.

    The places of rows without drift among the calibration's are a draw from Pólya's urn, so the
    number of flagged rows is beta-binomial, with any number of rows and any distribution.

    Args:
        detector: its name.
        settings: its own.
        scores: of the window's rows, NaN for one with missing values.
        calibration: as `flags` takes them.
        reference_rows: of the whole reference.
    """
    flagged = int(flags(scores, calibration, settings.flag_share).sum())
    scored = int((~np.isnan(scores)).sum())
    rows = (reference_rows, scored)
    if not scored:
        test = feature_tests.untested("", rows, MEASURE, settings.least)
    else:
        share, low, high = share_of(flagged, scored)
        enough = math.ceil(settings.least * scored)
        test = feature_tests.FeatureTest(
            feature="",
            statistic=float(flagged),
            p_value=_chance(flagged, scored, len(calibration), settings.flag_share),
            effect=Effect(name=MEASURE, value=share, low=low, high=high, least=settings.least),
            rows=rows,
            significant_least=_chance(enough, scored, len(calibration), settings.flag_share),
        )
    window = feature_tests.Settings(alpha=settings.alpha, least=settings.least)
    return feature_tests.result(detector, window, [test], (reference_rows, len(scores)))


def _chance(flagged: int, scored: int, calibration: int, share: float) -> float:
    """Return the chance that without drift so many rows are flagged, or more."""
    from scipy.stats import betabinom

    places = _places(calibration, share)
    if not places:  # With so few rows nothing is ever flagged.
        return 1.0
    return float(betabinom.sf(flagged - 1, scored, places, calibration + 1 - places))
