"""Online maximum mean discrepancy: do the newest rows, all features together, look otherwise?

The statistic is the squared discrepancy (Gretton et al. 2012, lemma 6) between a window of the
newest rows and one half of the reference. Streams without drift are drawn from the other half, so
that they are as new to the first as served rows are. Distances are in standard deviations.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.detector import Columns, Floats
from kanaria.serving.drift.multivariate import kernels
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy import LARGEST, discrepancy
from kanaria.serving.drift.online import online_detector, run_length
from kanaria.serving.drift.online.follow_stream import follow
from kanaria.serving.drift.online.online_detector import OnlineFeature, OnlineResult, State
from kanaria.serving.drift.online.stream_window import RowByRow
from kanaria.serving.drift.references.rows_reference import RowsReference
from kanaria.serving.drift.table_columns import matrix

SEED = 0
"""Of the halves and of the simulation, so that equal references have equal thresholds."""
MOST = 2_000
"""Rows of each half at most: time grows with them, memory of the start with their square."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlineMaximumMeanDiscrepancy(online_detector.Settings, RowByRow[RowsReference]):
    """Follows all numeric features together; the effect is the discrepancy over its largest value.

    A row with a missing value does not move the window.

    Attributes:
        window_size: rows in the window; a run can alarm from this row on.
    """

    least: float = 0.05
    window_size: int = 25

    def _check(self, faults: Faults) -> None:
        super(OnlineMaximumMeanDiscrepancy, self)._check(faults)
        fits = 2 <= self.window_size < self.expected_run_time
        remedy = "use 2 or more, below expected_run_time"
        faults.check(fits, "window_size", self.window_size, remedy)

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "online_maximum_mean_discrepancy"

    @property
    def fewest(self) -> int:
        """Values of a run before it can alarm."""
        return self.window_size

    def fit(self, rows: Columns) -> RowsReference:
        """Return the reference of `rows`."""
        return RowsReference.of(rows)

    def start(self, reference: RowsReference) -> State:
        """Return the state before the first row.

        Raises:
            DataError: the reference has fewer than four windows of whole rows.
        """
        fewest, whole = 4 * self.window_size, len(reference.values)
        if whole < fewest:
            raise DataError(f"reference: {whole} whole rows; give at least {fewest}")
        chance = run_length.chance_per_row(self.expected_run_time, self.window_size, 1)
        changing = self.window_size + 1
        rows = run_length.rows_to_simulate(chance, changing, self.window_size)
        statistics = _simulated(_halved(reference), self.window_size, rows)
        return State(
            memory=np.zeros((self.window_size, len(reference.features))),
            counts=np.zeros(1, dtype=np.int64),
            rows=0,
            thresholds=run_length.thresholds(statistics, changing, chance)[None],
        )

    def update(
        self, reference: RowsReference, state: State, rows: Columns
    ) -> tuple[State, OnlineResult]:
        """Return the state after `rows`, and what they showed."""
        halves = _halved(reference)
        values = (matrix(rows, reference.features) - halves.origin) / halves.unit
        run = _Run(halves=halves, window_size=self.window_size, least=self.least)
        return follow(run, self.name, self.expected_run_time, state, values)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Halves:
    """The reference in standard deviations.

    Attributes:
        origin: the mean of each feature.
        unit: the standard deviation of each feature.
        compared: rows that windows are compared with.
        drawn: rows that streams without drift are drawn from.
        sigma: bandwidth of the kernel.
        within: mean kernel between different rows of `compared`.
    """

    origin: Floats
    unit: Floats
    compared: Floats
    drawn: Floats
    sigma: float
    within: float

    def kernel(self, first: Floats, second: Floats) -> Floats:
        """Return the kernel between rows, each pair taken by itself, however many there are."""
        from scipy.spatial.distance import cdist

        return np.exp(cdist(first, second, "sqeuclidean") * (-0.5 / self.sigma**2))

    def squared(self, pairs: Floats, across: Floats, size: int) -> Floats:
        """Return squared discrepancies of windows.

        Args:
            pairs: sum of the kernel over ordered pairs of different rows of the window.
            across: sum over its rows of the mean kernel with `compared`.
            size: rows of the window.
        """
        return self.within + pairs / (size * (size - 1)) - 2 * across / size


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """Follows a run; the memory holds the newest whole rows, the newest last."""

    halves: _Halves
    window_size: int
    least: float

    def advance(self, state: State, values: Floats) -> tuple[State, bool]:
        """Return the state at the first row above its threshold, or after all."""
        whole = np.flatnonzero(np.isfinite(values).all(axis=1))
        new, count = values[whole], int(state.counts[0])
        remembered = min(count, self.window_size - 1)
        series = np.concatenate([state.memory[self.window_size - remembered :], new])
        positions = count + 1 + np.arange(len(new))
        above = np.flatnonzero(
            self._statistics(series)[remembered:] > self._limits(state, positions)
        )
        passed, rows = (
            (above[0] + 1, whole[above[0]] + 1) if len(above) else (len(new), len(values))
        )
        memory = np.concatenate([state.memory, new[:passed]])[-self.window_size :]
        after = replace(
            state, memory=memory, counts=state.counts + passed, rows=state.rows + int(rows)
        )
        return after, bool(len(above))

    def describe(self, state: State) -> tuple[OnlineFeature, ...]:
        """Return what is known of all features together at the newest row."""
        position, size = int(state.counts[0]), self.window_size
        filled = position >= size
        statistic = float(self._statistics(state.memory)[-1]) if filled else 0.0
        # With each row also paired with itself, as the interval of the effect wants it.
        compared = len(self.halves.compared)
        itself = (1 - self.halves.within) / compared
        biased = statistic + itself + (1 - self._inside(state.memory)) / size if filled else 0.0
        rows = (compared, size)
        return (
            OnlineFeature(
                feature="",
                statistic=statistic,
                threshold=float(self._limits(state, np.array([position]))[0]),
                position=position,
                effect=discrepancy(statistic, biased, rows, self.least, LARGEST),
            ),
        )

    def _inside(self, window: Floats) -> float:
        """Return the mean kernel between different rows of a window."""
        size = len(window)
        return float((self.halves.kernel(window, window).sum() - size) / (size * (size - 1)))

    def _statistics(self, series: Floats) -> Floats:
        """Return the statistic of the window that ends at each row; none until one is filled."""
        size = self.window_size
        statistics = np.full(len(series), -np.inf)
        if len(series) < size:
            return statistics
        means = self.halves.kernel(series, self.halves.compared).mean(axis=1)
        kernel = self.halves.kernel(series, series)
        for end in range(size, len(series) + 1):
            window = slice(end - size, end)
            pairs = kernel[window, window].sum(axis=1).sum() - size
            statistics[end - 1] = self.halves.squared(pairs, means[window].sum(), size)
        return statistics

    def _limits(self, state: State, positions: NDArray[np.int64]) -> Floats:
        held = state.thresholds[0]
        return held[np.clip(positions - self.window_size, 0, len(held) - 1)]


@lru_cache(maxsize=8)
def _halved(reference: RowsReference) -> _Halves:
    values = np.random.default_rng(SEED).permutation(reference.values)
    deviations = values.std(axis=0)
    origin, unit = values.mean(axis=0), np.where(deviations > 0, deviations, 1.0)
    placed = (values - origin) / unit
    half = min(MOST, len(placed) // 2)
    compared = placed[:half]
    bare = _Halves(
        origin=origin,
        unit=unit,
        compared=compared,
        drawn=placed[half : 2 * half],
        sigma=kernels.median_bandwidth(compared),
        within=0.0,
    )
    within = (bare.kernel(compared, compared).sum() - half) / (half * (half - 1))
    return replace(bare, within=float(within))


def _simulated(halves: _Halves, size: int, positions: int) -> Iterator[Floats]:
    """Yield the statistic of streams without drift at each position from the first full window.

    A row may be drawn again, which keeps the spread of windows right: without, that of 25 rows from
    2,000 would be 1 % too small. Where a window holds a row twice, the
    kernel of the pair is taken as that row's mean, since served rows hardly ever are the same.
    """
    generator = np.random.default_rng(SEED)
    means = halves.kernel(halves.drawn, halves.compared).mean(axis=1).astype(np.float32)
    kernel = halves.kernel(halves.drawn, halves.drawn).astype(np.float32)
    count = len(halves.drawn)
    np.fill_diagonal(kernel, (kernel.sum(axis=1) - 1) / (count - 1))
    rows = positions + size - 1
    drawn = generator.integers(0, count, (rows, run_length.STREAMS), dtype=np.int32)
    pairs, across = np.zeros(run_length.STREAMS), np.zeros(run_length.STREAMS)
    for row, new in enumerate(drawn):
        first = max(0, row - size + 1)
        for other in drawn[first:row]:
            pairs += 2 * kernel[new, other]
        across += means[new]
        if row >= size:
            leaving = drawn[row - size]
            for other in drawn[first:row]:
                pairs -= 2 * kernel[leaving, other]
            across -= means[leaving]
        if row + 1 >= size:
            yield halves.squared(pairs, across, size)
