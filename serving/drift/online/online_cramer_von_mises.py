"""Online Cramér-von Mises: does any of the newest windows of a number have another distribution?

The statistic is that of one sample over the ranks among the reference, so that its distribution
is known before any data are seen: one simulation of even numbers serves all features, and the
reference's size costs nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift import effect_sizes
from kanaria.serving.drift.detector import Columns, Effect, Floats
from kanaria.serving.drift.online import reference_ranks, run_length, sliding_windows
from kanaria.serving.drift.online.follow_stream import follow
from kanaria.serving.drift.online.online_detector import OnlineResult, State
from kanaria.serving.drift.online.stream_window import RowByRow
from kanaria.serving.drift.references.sorted_reference import SortedReference
from kanaria.serving.drift.table_columns import matrix, rows_of

SEED = 0
"""Of the simulation, so that equal references have equal thresholds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlineCramerVonMises(sliding_windows.Settings, RowByRow[SortedReference]):
    """Follows each numeric feature; its effect is the largest difference of distributions."""

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "online_cramer_von_mises"

    def fit(self, rows: Columns) -> SortedReference:
        """Return the reference of `rows`."""
        return SortedReference.of(rows, rows_of(rows, "reference"))

    def start(self, reference: SortedReference) -> State:
        """Return the state before the first row; the feature with fewest values decides.

        Raises:
            DataError: a feature has fewer values than the largest window.
        """
        held = {name: len(values) for name, values in reference.values.items()}
        longest = self.window_sizes[-1]
        short = {name: values for name, values in held.items() if values < longest}
        if short:
            raise DataError(f"reference: {shown(short)} values; give at least {longest} each")
        limits = self._thresholds(min(held.values()), len(held))
        return sliding_windows.empty(len(held), longest, limits[None])

    def update(
        self, reference: SortedReference, state: State, rows: Columns
    ) -> tuple[State, OnlineResult]:
        """Return the state after `rows`, and what they showed."""
        values = matrix(rows, tuple(reference.values))
        held = list(reference.values.values())
        drawn = reference_ranks.drawn(state.rows, *values.shape)
        even = np.column_stack(
            [reference_ranks.even(own, values[:, i], drawn[:, i]) for i, own in enumerate(held)]
        )
        sizes = np.array([len(own) for own in held])[:, None]
        run = sliding_windows.Windows(
            features=tuple(reference.values),
            sizes=self.window_sizes,
            measure=lambda series: statistic(series, sizes),
            effect=lambda feature, window: self._effect(window, len(held[feature])),
        )
        return follow(run, self.name, self.expected_run_time, state, even)

    def _thresholds(self, reference_rows: int, features: int) -> Floats:
        simulated, changing = self.rows(features)
        generator = np.random.default_rng(SEED)
        streams = reference_ranks.simulated(
            generator, reference_rows, run_length.STREAMS, simulated
        )
        statistics = _simulated(streams, self.window_sizes, reference_rows)
        return run_length.thresholds(statistics, changing, self.chance(features))

    def _effect(self, window: Floats, reference_rows: int) -> Effect:
        steps = np.arange(len(window) + 1) / max(len(window), 1)
        ordered = np.sort(window)
        differences = np.concatenate([steps[1:] - ordered, ordered - steps[:-1], [0.0]])
        rows = (reference_rows, max(len(window), 1))
        return effect_sizes.largest_difference(float(differences.max()), *rows, self.least)


def statistic(windows: Floats, reference_rows: Floats) -> Floats:
    """Return the statistic of windows of ranks.

    Args:
        windows: of shape (..., size).
        reference_rows: for each window.

    Returns:
        w² = 1 / 12m + Σ (u(i) - (2i - 1) / 2m)² (Anderson and Darling 1952), scaled by n / (n + m)
        as the statistic of two samples is, for windows of m values and n reference rows.
    """
    size = windows.shape[-1]
    expected = (2 * np.arange(1, size + 1) - 1) / (2 * size)
    squares = ((np.sort(windows, axis=-1) - expected) ** 2).sum(axis=-1)
    return (1 / (12 * size) + squares) * reference_rows / (reference_rows + size)


def _simulated(streams: Floats, sizes: tuple[int, ...], reference_rows: int) -> Iterator[Floats]:
    """Yield the largest statistic of the windows at each position that fills one.

    Sorting every window again would take most of the time. The same statistic is
    m / 3 + Σ u² - Σ Σ max(u, v) / m, whose sums change by one value at the front and one behind.
    """
    squares = {size: np.zeros(streams.shape[1]) for size in sizes}
    pairs = {size: np.zeros(streams.shape[1]) for size in sizes}
    for row, new in enumerate(streams):
        largest = np.full(streams.shape[1], -1.0)
        for size in sizes:
            first = max(0, row - size + 1)
            squares[size] += new**2
            pairs[size] += 2 * np.maximum(streams[first:row], new).sum(axis=0) + new
            if row >= size:
                old = streams[row - size]
                squares[size] -= old**2
                pairs[size] -= 2 * np.maximum(streams[first:row], old).sum(axis=0) + old
            if row + 1 >= size:
                statistics = size / 3 + squares[size] - pairs[size] / size
                np.maximum(
                    largest, statistics * reference_rows / (reference_rows + size), out=largest
                )
        if row + 1 >= sizes[0]:
            yield largest
