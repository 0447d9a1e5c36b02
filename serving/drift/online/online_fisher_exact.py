"""Online Fisher's exact test: did the share of ones change in any of the newest windows?

The statistic is -log p of the one-sided test of the window against the reference, the larger of
both sides. Counts are whole numbers, so it has few levels, and hardly any chance of an alarm could
be kept: with a one in a hundred rows, either each of them alarms or none. So each row has a number
from 0 to 1, drawn once from its place in the stream, and windows of equal counts are ranked by the
mean of their ones' (or zeros') numbers, from that count's level up to the next one's.
Ross, Tasoulis and Adams 2012, "Sequential monitoring of a Bernoulli sequence when the pre-change
parameter is unknown", smooth over time for the same reason, which leaves gaps for rare ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift import effect_sizes
from kanaria.serving.drift.detector import Columns, Effect, Floats
from kanaria.serving.drift.online import reference_ranks, run_length, sliding_windows
from kanaria.serving.drift.online.follow_stream import follow
from kanaria.serving.drift.online.online_detector import OnlineResult, State
from kanaria.serving.drift.online.stream_window import RowByRow
from kanaria.serving.drift.references.counts_reference import CountsReference
from kanaria.serving.drift.table_columns import matrix, selected, texts
from kanaria.serving.drift.univariate import fisher_exact

OF_TEXT = {"": np.nan, fisher_exact.ZERO: 0.0, fisher_exact.ONE: 1.0}
SEED = 0
"""Of the simulation, so that equal references have equal thresholds."""
SMALLEST = 1e-300
"""P-value below which all are alike."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlineFisherExact(sliding_windows.Settings, RowByRow[CountsReference]):
    """Follows each feature of zeros and ones; its effect is the difference of the shares."""

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "online_fisher_exact"

    def fit(self, rows: Columns) -> CountsReference:
        """Return the reference of `rows`, all zeros and ones."""
        return fisher_exact.FisherExact().fit(rows)

    def start(self, reference: CountsReference) -> State:
        """Return the state before the first row.

        Raises:
            DataError: a feature has fewer values than the largest window.
        """
        held = _counts(reference)
        longest = self.window_sizes[-1]
        short = {name: rows for name, (_, rows) in held.items() if rows < longest}
        if short:
            raise DataError(f"reference: {shown(short)} values; give at least {longest} each")
        limits = [self._thresholds(counts, len(held)) for counts in held.values()]
        return sliding_windows.empty(len(held), longest, np.array(limits))

    def update(
        self, reference: CountsReference, state: State, rows: Columns
    ) -> tuple[State, OnlineResult]:
        """Return the state after `rows`, all zeros and ones, and what they showed."""
        values = matrix(_as_numbers(rows, reference), tuple(reference.kinds))
        # A row's value and number in one: zeros lie below a half, ones above.
        numbered = (values + reference_ranks.drawn(state.rows, *values.shape)) / 2
        held = list(_counts(reference).values())
        levels = {size: _levels(tuple(held), size) for size in self.window_sizes}
        run = sliding_windows.Windows(
            features=tuple(reference.kinds),
            sizes=self.window_sizes,
            measure=lambda series: statistic(series, levels[series.shape[2]]),
            effect=lambda feature, window: self._effect(held[feature], window),
        )
        return follow(run, self.name, self.expected_run_time, state, numbered)

    def _thresholds(self, reference: tuple[int, int], features: int) -> Floats:
        simulated, changing = self.rows(features)
        levels = {size: _levels((reference,), size) for size in self.window_sizes}
        statistics = _simulated(reference, levels, simulated)
        return run_length.thresholds(statistics, changing, self.chance(features))

    def _effect(self, reference: tuple[int, int], window: Floats) -> Effect:
        if not len(window):
            return Effect(name="difference of shares", value=0, low=0, high=1, least=self.least)
        counts = (int((window >= 0.5).sum()), len(window))
        return effect_sizes.difference_of_shares(reference, counts, self.least)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Levels:
    """-log p of every count in windows of one size.

    Attributes:
        ones: of at least so many ones, of shape (features, values in a window + 2).
        zeros: of at least so many zeros.
    """

    ones: Floats
    zeros: Floats


@lru_cache(maxsize=64)
def _levels(references: tuple[tuple[int, int], ...], size: int) -> Levels:
    from scipy.stats import hypergeom

    counts = np.arange(size + 1)
    ones, rows = np.array(references).T[:, :, None]
    many_ones = hypergeom.sf(counts - 1, rows + size, ones + counts, size)
    many_zeros = hypergeom.sf(counts - 1, rows + size, rows - ones + counts, size)
    return Levels(ones=_logs(many_ones), zeros=_logs(many_zeros))


def _logs(p_values: Floats) -> Floats:
    logs = -np.log(np.maximum(p_values, SMALLEST))
    # No count is higher than that of a whole window, so its level is the next one too.
    return np.concatenate([logs, logs[:, -1:]], axis=1)


def statistic(windows: Floats, levels: Levels) -> Floats:
    """Return the statistic of windows of (value + number) / 2, (features, windows, size)."""
    ones = windows >= 0.5
    numbers = np.where(ones, 2 * windows - 1, 2 * windows)
    sums = np.stack([(numbers * ones).sum(axis=2), (numbers * ~ones).sum(axis=2)])
    return _statistic(ones.sum(axis=2), sums, levels, np.arange(len(windows))[:, None])


def _statistic(
    ones: Floats, sums: Floats, levels: Levels, features: NDArray[np.int64] | int
) -> Floats:
    """Return the statistic from counts of ones, and sums of ones' and of zeros' numbers."""
    zeros = levels.ones.shape[1] - 2 - ones
    return np.maximum(
        _between(ones, sums[0], levels.ones, features),
        _between(zeros, sums[1], levels.zeros, features),
    )


def _between(
    counts: Floats, sums: Floats, levels: Floats, features: NDArray[np.int64] | int
) -> Floats:
    """Return the level of each count, moved towards the next by the mean of its numbers."""
    own = levels[features, counts]
    return own + sums / np.maximum(counts, 1) * (levels[features, counts + 1] - own)


def _simulated(
    reference: tuple[int, int], levels: dict[int, Levels], rows: int
) -> Iterator[Floats]:
    """Yield the largest statistic of streams without drift at each position that fills a window.

    The share of ones is known from the reference only within an error, so each stream has its
    own share, drawn from Jeffreys' posterior.
    """
    generator = np.random.default_rng(SEED)
    ones, all_rows = reference
    shares = generator.beta(ones + 0.5, all_rows - ones + 0.5, run_length.STREAMS)
    values = generator.random((rows, run_length.STREAMS), dtype=np.float32) < shares
    numbers = generator.random((rows, run_length.STREAMS), dtype=np.float32)
    counts = {size: np.zeros(run_length.STREAMS, dtype=np.int64) for size in levels}
    sums = {size: np.zeros((2, run_length.STREAMS), dtype=np.float32) for size in levels}
    for row in range(rows):
        for size, held in sums.items():
            counts[size] += values[row]
            held += _by_value(values[row], numbers[row])
            if row >= size:
                counts[size] -= values[row - size]
                held -= _by_value(values[row - size], numbers[row - size])
        filled = [size for size in levels if row + 1 >= size]
        if filled:
            statistics = [_statistic(counts[size], sums[size], levels[size], 0) for size in filled]
            yield np.max(statistics, axis=0)


def _by_value(values: Floats, numbers: Floats) -> Floats:
    """Return the numbers of ones in a first row, and those of zeros in a second."""
    return np.stack([values * numbers, ~values * numbers])


def _as_numbers(rows: Columns, reference: CountsReference) -> Columns:
    """Return zeros and ones that are told as categories, which have texts, as numbers."""
    chosen = selected(rows, reference.kinds)
    fisher_exact.require_binary(chosen)
    return {
        name: np.array([OF_TEXT[text] for text in texts(column).tolist()])
        for name, column in chosen.items()
    }


def _counts(reference: CountsReference) -> dict[str, tuple[int, int]]:
    return {name: fisher_exact.ones(reference, name) for name in reference.kinds}
