"""Sliding windows over the newest values of each feature, the statistic being the largest of them.

A state's memory holds the newest values of each feature, of shape (features, largest window), the
newest last. Rows where a feature has no value do not move its windows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kanaria.components.shared.parameters import Faults
from kanaria.serving.drift.online import protocol, run_length
from kanaria.serving.drift.online.protocol import OnlineFeature, State
from kanaria.serving.drift.protocol import Effect, Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings(protocol.Settings):
    """Settings of a detector with sliding windows.

    Attributes:
        window_sizes: values in a window, ascending. Small windows find large drift at once,
            large ones find small drift; the smallest says from which row on a run can alarm.
    """

    window_sizes: tuple[int, ...] = (10, 40)

    def __post_init__(self) -> None:
        """Refuse windows that no run would fill."""
        protocol.Settings.__post_init__(self)
        faults, sizes = Faults(type(self).__name__), self.window_sizes
        ordered = bool(sizes) and sizes[0] >= 2 and list(sizes) == sorted(set(sizes))
        faults.check(ordered, "window_sizes", sizes, "use ascending sizes of 2 or more")
        fits = not ordered or sizes[0] < self.expected_run_time
        remedy = "use a smallest window below expected_run_time"
        faults.check(fits, "window_sizes", sizes, remedy)
        faults.raise_if_any()

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


Measure = Callable[[int, Floats], Floats]
"""Of a feature, by its number, and of windows of shape (windows, size): a statistic each."""


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

    def scan(self, state: State, values: Floats) -> tuple[NDArray[np.bool_], State]:
        """Return at which rows a feature is above its threshold, and the state after all."""
        crossed = np.zeros(len(values), dtype=bool)
        memory, seen = state.memory.copy(), state.seen.copy()
        for feature in range(len(self.features)):
            present = ~np.isnan(values[:, feature])
            new = values[present, feature]
            kept = min(int(seen[feature]), self.sizes[-1] - 1)
            series = np.concatenate([memory[feature, memory.shape[1] - kept :], new])
            positions = seen[feature] + 1 + np.arange(len(new))
            limits = self._thresholds(state, feature, positions)
            crossed[present] |= self._statistics(feature, series)[kept:] > limits
            memory[feature] = np.concatenate([memory[feature], new])[-memory.shape[1] :]
            seen[feature] += len(new)
        return crossed, replace(state, memory=memory, seen=seen, rows=state.rows + len(values))

    def describe(self, state: State) -> tuple[OnlineFeature, ...]:
        """Return every feature at its newest value."""
        return tuple(self._described(state, feature) for feature in range(len(self.features)))

    def _described(self, state: State, feature: int) -> OnlineFeature:
        position = int(state.seen[feature])
        series = state.memory[feature, state.memory.shape[1] - min(position, self.sizes[-1]) :]
        statistics = self._by_size(feature, series)
        best = int(np.argmax(statistics))
        return OnlineFeature(
            feature=self.features[feature],
            statistic=max(0.0, statistics[best]),
            threshold=float(self._thresholds(state, feature, np.array([position]))[0]),
            position=position,
            effect=self.effect(feature, series[-self.sizes[best] :]),
        )

    def _by_size(self, feature: int, series: Floats) -> list[float]:
        """Return the statistic of the newest window of each size, below 0 where there is none."""
        return [
            float(self.measure(feature, series[None, -size:])[0]) if len(series) >= size else -1.0
            for size in self.sizes
        ]

    def _statistics(self, feature: int, series: Floats) -> Floats:
        largest = np.full(len(series), -1.0)
        for size in self.sizes:
            if len(series) >= size:
                windows = sliding_window_view(series, size)
                found = self.measure(feature, windows)
                largest[size - 1 :] = np.maximum(largest[size - 1 :], found)
        return largest

    def _thresholds(self, state: State, feature: int, positions: NDArray[np.int64]) -> Floats:
        held = state.thresholds[min(feature, len(state.thresholds) - 1)]
        return held[np.clip(positions - self.sizes[0], 0, len(held) - 1)]


def empty(features: int, longest: int, thresholds: Floats) -> State:
    """Return the state before the first row."""
    return State(
        memory=np.zeros((features, longest)),
        seen=np.zeros(features, dtype=np.int64),
        rows=0,
        thresholds=thresholds,
    )
