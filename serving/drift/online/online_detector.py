"""What every online detector is, the state it keeps, and the record in which it answers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.drift.detector import Columns, Effect, Floats, Reference
from kanaria.serving.drift.detector_settings import Checked


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlineFeature:
    """What is known of one feature, or of all together, at one row.

    Attributes:
        feature: its name, or "" for all together.
        statistic: at its newest value; 0 while the run has too few values to test.
        threshold: above which the statistic is significant at this position.
        position: values of this feature in the run so far, the newest included.
        effect: the size of the difference.
    """

    feature: str
    statistic: float
    threshold: float
    position: int
    effect: Effect

    @property
    def drifted(self) -> bool:
        """Significant and large enough to matter."""
        return self.statistic > self.threshold and self.effect.matters


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlineResult:
    """What a detector says of the rows of one update.

    Attributes:
        detector: its name.
        expected_run_time: rows between false alarms, as promised; 0 where nothing is promised.
        rows: of this update.
        row: number of the row that `features` describes, counted from 1 at the start: the first
            alarm's, or the last row where there is none.
        alarms: numbers of the rows that alarmed. After each of them a new run began.
        features: in the reference's order.
    """

    detector: str
    expected_run_time: int
    rows: int
    row: int
    alarms: tuple[int, ...]
    features: tuple[OnlineFeature, ...]

    @property
    def drifted(self) -> bool:
        """At least one row alarmed."""
        return bool(self.alarms)

    @property
    def foremost(self) -> OnlineFeature:
        """The feature whose statistic is highest above its threshold."""
        return max(self.features, key=lambda feature: feature.statistic - feature.threshold)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class State:
    """All that a detector knows of its stream; a stream goes on from it after a restart.

    Attributes:
        memory: what the detector keeps of the rows of this run; the detector says how.
        counts: of each feature, its values in this run.
        rows: seen since the start, over all runs.
        thresholds: of shape (features or 1, positions); the last one stays.
    """

    memory: Floats
    counts: NDArray[np.int64]
    rows: int
    thresholds: Floats

    def restarted(self) -> Self:
        """Return the state in which a new run begins."""
        memory, counts = np.zeros_like(self.memory), np.zeros_like(self.counts)
        return replace(self, memory=memory, counts=counts)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all it holds as arrays, for an npz file."""
        return {
            "memory": self.memory,
            "seen": self.counts,
            "rows": np.array(self.rows),
            "thresholds": self.thresholds,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the state that `arrays` came from."""
        return cls(
            memory=arrays["memory"],
            counts=arrays["seen"],
            rows=int(arrays["rows"]),
            thresholds=arrays["thresholds"],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings(Checked):
    """What every detector with an expected run time can be told.

    Attributes:
        expected_run_time: mean number of rows up to and with a false alarm, over all features.
        least: smallest effect that matters; the detector says in which measure.
    """

    expected_run_time: int = 1000
    least: float = 0.1

    def _check(self, faults: Faults) -> None:
        fewest, least = self.expected_run_time, self.least
        faults.check(fewest >= 2, "expected_run_time", fewest, "use 2 rows or more")
        faults.check(least >= 0, "least", least, "use 0 or more")

    def false_alarm(self, rows: int) -> float:
        """Return the chance of a false alarm within so many rows, by the expected run time."""
        return -math.expm1(rows * math.log1p(-1 / self.expected_run_time))


ReferenceT = TypeVar("ReferenceT", bound=Reference)


class OnlineDetector(Protocol[ReferenceT]):
    """Looks at one row at a time. Implementations are frozen dataclasses of settings."""

    @property
    def name(self) -> str:
        """The name of the detector, as results and saved files carry it."""

    @property
    def fewest(self) -> int:
        """Values of a run before it can alarm."""

    def false_alarm(self, rows: int) -> float:
        """Return at most the chance of a false alarm within so many rows."""

    def fit(self, rows: Columns) -> ReferenceT:
        """Return the reference of `rows`.

        Raises:
            DataError: a column does not fit this detector, or there are no rows.
        """

    def start(self, reference: ReferenceT) -> State:
        """Return the state before the first row, its thresholds found by simulation.

        Equal settings and references give equal thresholds.

        Raises:
            DataError: the reference is too small.
        """

    def update(
        self, reference: ReferenceT, state: State, rows: Columns
    ) -> tuple[State, OnlineResult]:
        """Return the state after `rows`, and what they showed.

        How a stream is cut into updates changes neither the states nor the alarms.

        Raises:
            DataError: the rows lack columns of the reference, or hold values of another kind.
        """
