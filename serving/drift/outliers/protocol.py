"""What every outlier detector is, and the record in which it answers."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.parameters import Faults
from kanaria.serving.drift.effects import wilson
from kanaria.serving.drift.protocol import Columns, Effect, Floats
from kanaria.serving.drift.references.sample_reference import SampledReference


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What all outlier detectors can be told.

    Attributes:
        alpha: share of rows without drift that is flagged, above 0 and below 1.
        least: smallest share of outliers in a window that matters.
    """

    alpha: float = 0.01
    least: float = 0.05

    def __post_init__(self) -> None:
        """Refuse settings that promise nothing."""
        faults = Faults(type(self).__name__)
        faults.check(0 < self.alpha < 1, "alpha", self.alpha, "use above 0 and below 1")
        faults.check(0 <= self.least <= 1, "least", self.least, "use 0 to 1")
        faults.raise_if_any()


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlierResult:
    """What a detector says of the rows of a window.

    Attributes:
        detector: its name.
        alpha: share of rows without drift that is flagged.
        rows: of the window.
        scored: rows without missing values.
        flagged: those of them that are outliers.
        share: of flagged rows among the scored ones, with its 95 % interval.
    """

    detector: str
    alpha: float
    rows: int
    scored: int
    flagged: int
    share: Effect

    @property
    def drifted(self) -> bool:
        """More rows are flagged than without drift, by a share that matters."""
        return self.share.low > self.alpha and self.share.matters


class OutlierDetector(Protocol):
    """Finds rows unlike the reference. Implementations are frozen dataclasses of settings."""

    @property
    def name(self) -> str:
        """The name of the detector, as results and saved files carry it."""

    def fit(self, rows: Columns) -> SampledReference:
        """Return the reference of `rows`.

        Raises:
            DataError: a column holds no numbers, or there are no rows.
        """

    def score(self, reference: SampledReference, rows: Columns) -> Floats:
        """Return how unlike the reference each row is; NaN for one with missing values.

        Raises:
            DataError: rows lack columns, hold no numbers, or the reference is too small.
        """

    def outliers(self, reference: SampledReference, rows: Columns) -> NDArray[np.bool_]:
        """Return which of `rows` are outliers; one with missing values never is."""

    def test(self, reference: SampledReference, window: Columns) -> OutlierResult:
        """Return how many rows of `window` are outliers."""


def flags(scores: Floats, calibration: Floats, alpha: float) -> NDArray[np.bool_]:
    """Return which scores are outliers' at level `alpha`.

    A row without drift has a score as high as any of the calibration's with the same chance, so
    with p = (1 + those as high) / (1 + all) it has p <= alpha with a chance of at most alpha
    (Vovk, Gammerman and Shafer 2005), whatever the distribution of the rows.

    Args:
        scores: NaN where there is none.
        calibration: scores of reference rows that the scorer was not fitted to, ascending.
        alpha: the level.
    """
    higher = len(calibration) - np.searchsorted(calibration, scores, side="left")
    return ((1 + higher) / (1 + len(calibration)) <= alpha) & ~np.isnan(scores)


def result(
    detector: str, settings: Settings, scores: Floats, flagged: NDArray[np.bool_]
) -> OutlierResult:
    """Return the result of a window from its scores and flags."""
    scored, count = int((~np.isnan(scores)).sum()), int(flagged.sum())
    share, low, high = wilson(count, scored) if scored else (0.0, 0.0, 1.0)
    return OutlierResult(
        detector=detector,
        alpha=settings.alpha,
        rows=len(scores),
        scored=scored,
        flagged=count,
        share=Effect(
            name="share of outliers", value=share, low=low, high=high, least=settings.least
        ),
    )
