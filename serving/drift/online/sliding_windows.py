"""Sliding windows over the newest values of each feature, the statistic being the largest of them.

A state's memory holds the newest values of each feature, of shape (features, largest window), the
newest last. Rows where a feature has no value do not move its windows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.drift.detector import Effect, Floats
from kanaria.serving.drift.online import online_detector, run_length
from kanaria.serving.drift.online.online_detector import OnlineFeature, State


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings(online_detector.Settings):
    """Settings of a detector with sliding windows.

    Attributes:
        window_sizes: values in a window, ascending. Small windows find large drift at once,
            large ones find small drift; the smallest says from which row on a run can alarm.
    """

    window_sizes: tuple[int, ...] = (10, 40)

    def _check(self, faults: Faults) -> None:
        super(Settings, self)._check(faults)
        sizes = self.window_sizes
        ordered = bool(sizes) and sizes[0] >= 2 and list(sizes) == sorted(set(sizes))
        faults.check(ordered, "window_sizes", sizes, "use ascending sizes of 2 or more")
        fits = not ordered or sizes[0] < self.expected_run_time
        remedy = "use a smallest window below expected_run_time"
        faults.check(fits, "window_sizes", sizes, remedy)

    @property
    def fewest(self) -> int:
        """Values of a run before it can alarm."""
        return self.window_sizes[0]

    def chance(self, features: int) -> float:
        """Return the chance of a false alarm by one of `features` at one row."""
        return run_length.chance_per_row(self.expected_run_time, self.window_sizes[0], features)

    def rows(self, features: int) -> tuple[int, int]:
        """Return how many rows to simulate, and at how many of them thresholds change."""
        # Windows that overlap the first ones still remember that those raised no alarm.
        changing = 2 * self.window_sizes[-1] - self.window_sizes[0] + 1
        first = self.window_sizes[0] - 1
        simulated = run_length.rows_to_simulate(self.chance(features), changing, changing // 2)
        return first + simulated, changing


Measure = Callable[[Floats], Floats]
"""Of windows, of shape (features, windows, size): a statistic each, 0 or more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows:
    """A run of sliding windows.

    Attributes:
        features: their names.
        sizes: of the windows, ascending.
        measure: the statistic.
        effect: of a feature, by its number, and of its newest window.
    """

    features: tuple[str, ...]
    sizes: tuple[int, ...]
    measure: Measure
    effect: Callable[[int, Floats], Effect]

    def advance(self, state: State, values: Floats) -> tuple[State, bool]:
        """Return the state at the first row with a feature above its threshold, or after some.

        Rows without missing values are taken together up to the next one that has some.
        """
        there = ~np.isnan(values)
        gaps = np.flatnonzero(~there.all(axis=1))
        rows = max(int(gaps[0]), 1) if len(gaps) else len(values)
        there = there[:rows].T
        series = np.concatenate([state.memory, values[:rows].T], axis=1)
        counts = state.counts[:, None] + np.cumsum(there, axis=1)
        above = self._statistics(series, counts).max(axis=0) > self._limits(state, counts)
        crossed = np.flatnonzero((above & there).any(axis=0))
        passed = int(crossed[0]) + 1 if len(crossed) else rows
        moved = series[:, passed : passed + state.memory.shape[1]]
        memory = np.where(there[:, :1], moved, state.memory)
        after = replace(
            state, memory=memory, counts=counts[:, passed - 1], rows=state.rows + passed
        )
        return after, bool(len(crossed))

    def describe(self, state: State) -> tuple[OnlineFeature, ...]:
        """Return every feature at its newest value."""
        statistics = self._statistics(state.memory, state.counts[:, None])[:, :, 0]
        limits = self._limits(state, state.counts[:, None])[:, 0]
        return tuple(
            OnlineFeature(
                feature=name,
                statistic=max(0.0, float(statistics[:, feature].max())),
                threshold=float(limits[feature]),
                position=int(state.counts[feature]),
                effect=self._effect(state, feature, int(statistics[:, feature].argmax())),
            )
            for feature, name in enumerate(self.features)
        )

    def _effect(self, state: State, feature: int, best: int) -> Effect:
        """Return the effect in the window of the largest statistic, as far as it is filled."""
        filled = min(int(state.counts[feature]), self.sizes[best])
        return self.effect(feature, state.memory[feature, state.memory.shape[1] - filled :])

    def _statistics(self, series: Floats, counts: NDArray[np.int64]) -> Floats:
        """Return the statistic of the windows of each size that end at the newest values.

        Args:
            series: of each feature, of shape (features, values), the newest last.
            counts: at each of the newest values, of shape (features, newest).

        Returns:
            Of shape (sizes, features, newest); -1 for a window that is not filled.
        """
        newest = counts.shape[1]
        statistics = [
            self.measure(sliding_window_view(series[:, -(size + newest - 1) :], size, axis=1))
            for size in self.sizes
        ]
        filled = counts >= np.array(self.sizes)[:, None, None]
        return np.where(filled, np.stack(statistics), -1.0)

    def _limits(self, state: State, counts: NDArray[np.int64]) -> Floats:
        """Return the thresholds at positions of shape (features, positions)."""
        positions = np.clip(counts - self.sizes[0], 0, state.thresholds.shape[1] - 1)
        features = np.arange(len(counts)) % len(state.thresholds)
        return state.thresholds[features[:, None], positions]


def empty(features: int, longest: int, thresholds: Floats) -> State:
    """Return the state before the first row."""
    return State(
        memory=np.zeros((features, longest)),
        counts=np.zeros(features, dtype=np.int64),
        rows=0,
        thresholds=thresholds,
    )
