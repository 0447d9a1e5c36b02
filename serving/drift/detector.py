"""What every detector is, and the one record in which all of them answer."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from numpy.typing import NDArray

Floats = NDArray[Any]
Columns = Mapping[str, NDArray[Any]]
"""Feature name -> its values, one a row; all of one length."""


class Verdict(enum.Enum):
    """The answer for a person."""

    DRIFTED = "drifted"
    STABLE = "stable"
    NOT_ENOUGH_DATA = "not enough data"


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """How large a difference is, whatever the number of rows.

    Attributes:
        name: of the measure.
        value: as observed.
        low: lower end of its interval.
        high: upper end; the interval holds the true value with at least 95 %.
        least: the smallest value that matters to the owner of the model.
    """

    name: str
    value: float
    low: float
    high: float
    least: float

    @property
    def matters(self) -> bool:
        """Whether the observed value reaches the least that matters."""
        return self.value >= self.least


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureResult:
    """What was found for one feature, or for all features together by a multivariate test.

    Attributes:
        feature: its name, or "" for all together.
        statistic: of the test.
        p_value: chance of such a statistic without any drift, not corrected.
        threshold: below which the p-value is significant, corrected for the number of features.
        effect: the size of the difference.
        reference_rows: with a value of this feature.
        window_rows: with a value of this feature.
        enough: a difference of the least size that matters would be significant with these rows.
    """

    feature: str
    statistic: float
    p_value: float
    threshold: float
    effect: Effect
    reference_rows: int
    window_rows: int
    enough: bool

    @property
    def drifted(self) -> bool:
        """Significant and large enough to matter; many rows alone never are drift."""
        return self.p_value < self.threshold and self.effect.matters


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a detector says of one window.

    Attributes:
        detector: its name.
        statistic: of the feature with the smallest p-value.
        p_value: of the window as a whole, corrected for the number of features.
        threshold: of that p-value, the chance of a false alarm per window.
        effect: the largest of the features' effects.
        features: one for each feature, in the reference's order.
        reference_rows: of the reference.
        window_rows: of the window.
    """

    detector: str
    statistic: float
    p_value: float
    threshold: float
    effect: Effect
    features: tuple[FeatureResult, ...]
    reference_rows: int
    window_rows: int

    @property
    def drifted(self) -> bool:
        """At least one feature drifted."""
        return any(feature.drifted for feature in self.features)

    @property
    def enough(self) -> bool:
        """Every feature has the rows to show a difference that matters.

        One that never had a value in the reference cannot, with any number of rows; the others
        decide.
        """
        compared = [feature for feature in self.features if feature.reference_rows]
        return bool(compared) and all(feature.enough for feature in compared)

    @property
    def verdict(self) -> Verdict:
        """Drift that is proven counts in a small window too; its absence needs enough rows."""
        if self.drifted:
            return Verdict.DRIFTED
        return Verdict.STABLE if self.enough else Verdict.NOT_ENOUGH_DATA


class Reference(Protocol):
    """What a detector keeps of the reference rows: independent of their order, and mergeable."""

    @property
    def rows(self) -> int:
        """The number of rows, with or without values."""

    def merged(self, other: Self) -> Self:
        """Return the reference of both sets of rows, equal to one fitted on all of them."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all it holds as arrays of numbers and strings, for an npz file."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the reference that `arrays` came from."""


ReferenceT = TypeVar("ReferenceT", bound=Reference)


class Detector(Protocol[ReferenceT]):
    """Compares windows with a reference. Implementations are frozen dataclasses of settings."""

    @property
    def name(self) -> str:
        """The name of the detector, as results and saved files carry it."""

    def fit(self, rows: Columns) -> ReferenceT:
        """Return the reference of `rows`.

        Raises:
            DataError: a column does not fit this detector, or there are no rows.
        """

    def test(self, reference: ReferenceT, window: Columns) -> Result:
        """Return how `window` compares; it has the reference's columns and may have others.

        Raises:
            DataError: the window lacks columns, or holds values of another kind.
        """
