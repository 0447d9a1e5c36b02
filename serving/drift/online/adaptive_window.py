"""ADWIN: did the mean of a stream change?

It looks at every cut of the rows since the last change into old and new ones; where their means
differ by more than chance allows, the stream changed (Bifet and Gavaldà 2007, "Learning from
time-changing data with adaptive windowing"). No reference is needed, so it suits the errors of a
model. The search is river's, which looks at every 32nd row. River's objects live in memory only,
so the values are kept and searched anew with each update: give it many rows at a time.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.wilson_interval import NORMAL_QUANTILE
from kanaria.serving.drift.detector import Columns, Effect, Floats
from kanaria.serving.drift.detector_settings import Checked
from kanaria.serving.drift.online import private_river
from kanaria.serving.drift.online.follow_stream import follow
from kanaria.serving.drift.online.online_detector import OnlineFeature, OnlineResult, State
from kanaria.serving.drift.online.stream_window import RowByRow
from kanaria.serving.drift.references.sorted_reference import SortedReference
from kanaria.serving.drift.table_columns import matrix, rows_of

MEASURE = "difference of means"
LOOK = 32
"""Rows from one search to the next."""


def change_points(values: ArrayLike, delta: float = 0.002) -> tuple[int, ...]:
    """Return at which of `values` a change of their mean was found, by index from 0.

    Args:
        values: in the order of time, none missing.
        delta: chance of a false alarm at each look, above 0 and below 1.
    """
    return tuple(private_river.changes(np.asarray(values, dtype=np.float64), delta))


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaptiveWindow(Checked, RowByRow[SortedReference]):
    """Follows the mean of each feature; the effect is by how much it changed, in its own unit.

    The statistic is the difference of the means before and after the change, and 0 while ADWIN
    finds none; how large it must be depends on the cut and is river's to say, so the threshold
    is 0. River drops old values bit by bit and does not tell where the change was: the
    effect is taken at the cut that sets the two means apart most clearly.

    Attributes:
        delta: chance of a false alarm at each look, above 0 and below 1.
        least: smallest difference of means that matters, in the unit of the values.
        longest: values kept of each feature; when there are so many, the older half is dropped.
    """

    delta: float = 0.002
    least: float = 0.0
    longest: int = 10_000

    def _check(self, faults: Faults) -> None:
        faults.check(0 < self.delta < 1, "delta", self.delta, "use above 0 and below 1")
        faults.check(self.least >= 0, "least", self.least, "use 0 or more")
        faults.check(self.longest >= 100, "longest", self.longest, "use 100 or more")

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "adaptive_window"

    @property
    def fewest(self) -> int:
        """Values of a run before it can alarm: ADWIN looks at each 32nd."""
        return LOOK

    def false_alarm(self, rows: int) -> float:
        """Return at most the chance of a false alarm within so many rows, of each feature."""
        return min(1.0, self.delta * -(-rows // LOOK))

    def fit(self, rows: Columns) -> SortedReference:
        """Return the reference of `rows`: names, and values for a report to show."""
        return SortedReference.of(rows, rows_of(rows, "reference"))

    def start(self, reference: SortedReference) -> State:
        """Return the state before the first row."""
        features = len(reference.values)
        return State(
            memory=np.zeros((features, self.longest)),
            counts=np.zeros(features, dtype=np.int64),
            rows=0,
            thresholds=np.zeros((1, 1)),
        )

    def update(
        self, reference: SortedReference, state: State, rows: Columns
    ) -> tuple[State, OnlineResult]:
        """Return the state after `rows`, and what they showed."""
        names = tuple(reference.values)
        run = _Run(features=names, settings=self)
        return follow(run, self.name, 0, state, matrix(rows, names))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """Follows a run; the memory holds the newest values of each feature, the newest last."""

    features: tuple[str, ...]
    settings: AdaptiveWindow

    def advance(self, state: State, values: Floats) -> tuple[State, bool]:
        """Return the state at the first row at which ADWIN made a cut, or after all."""
        changes_by_feature = [
            self._first(state, feature, column) for feature, column in enumerate(values.T)
        ]
        rows = min([len(values), *(row + 1 for row in changes_by_feature if row is not None)])
        memory, counts = state.memory.copy(), state.counts.copy()
        for feature, column in enumerate(values[:rows].T):
            new = column[~np.isnan(column)]
            memory[feature] = np.concatenate([memory[feature], new])[-memory.shape[1] :]
            counts[feature] += len(new)
        after = replace(state, memory=memory, counts=counts, rows=state.rows + rows)
        return after, any(row is not None for row in changes_by_feature)

    def describe(self, state: State) -> tuple[OnlineFeature, ...]:
        """Return every feature at its newest value."""
        return tuple(self._described(state, feature) for feature in range(len(self.features)))

    def _first(self, state: State, feature: int, column: Floats) -> int | None:
        """Return the first row of `column` at which a change is found, if there is one."""
        places = np.flatnonzero(~np.isnan(column))
        memory, new, done = _remembered(state, feature), column[places], 0
        longest = self.settings.longest
        while done < len(new):
            memory = memory if len(memory) < longest else memory[longest - longest // 2 :]
            series = np.concatenate([memory, new[done : done + longest - len(memory)]])
            changes = private_river.changes(series, self.settings.delta)
            later = [change for change in changes if change >= len(memory)]
            if later:
                return int(places[done + later[0] - len(memory)])
            done += len(series) - len(memory)
            memory = series
        return None

    def _described(self, state: State, feature: int) -> OnlineFeature:
        series = _remembered(state, feature)
        places = private_river.changes(series, self.settings.delta)
        changed = bool(places) and places[-1] == len(series) - 1
        cut = _best_cut(series) if changed else 0
        effect = self._effect(series[:cut] if changed else series, series[cut:])
        return OnlineFeature(
            feature=self.features[feature],
            statistic=effect.value,
            threshold=0.0,
            position=int(state.counts[feature]),
            effect=effect,
        )

    def _effect(self, old: Floats, new: Floats) -> Effect:
        """Return the difference of the means, with an interval from the normal distribution."""
        parts = [part if len(part) else np.zeros(1) for part in (old, new)]
        value = abs(float(parts[1].mean() - parts[0].mean()))
        margin = NORMAL_QUANTILE * float(np.sqrt(sum(part.var() / len(part) for part in parts)))
        low, high = max(0.0, value - margin), value + margin
        return Effect(name=MEASURE, value=value, low=low, high=high, least=self.settings.least)


def _remembered(state: State, feature: int) -> Floats:
    """Return the values of a feature that the next search begins with."""
    longest, count = state.memory.shape[1], int(state.counts[feature])
    half = longest // 2
    rows = count if count <= longest else half + 1 + (count - longest - 1) % (longest - half)
    return state.memory[feature, longest - rows :]


def _best_cut(series: Floats) -> int:
    """Return how many values come before the likeliest change of the mean (Hinkley 1970)."""
    before = np.arange(1, len(series))
    lag = np.cumsum(series)[:-1] - before * series.mean()
    return int(np.argmax(lag**2 / (before * (len(series) - before)))) + 1
