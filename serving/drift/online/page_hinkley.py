"""Page-Hinkley: did the mean of a number move, by little but for long?

Deviations from the reference's mean are summed up, less an allowance at each row; a sum that rises
far above its lowest value so far says that the mean moved (Page 1954; Hinkley 1971). Both
directions have a sum. It finds a small lasting shift sooner than windows do, and sees
nothing but shifts.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.wilson_interval import NORMAL_QUANTILE
from kanaria.serving.drift.detector import Columns, Effect, Floats
from kanaria.serving.drift.online import online_detector, run_length
from kanaria.serving.drift.online.follow_stream import follow
from kanaria.serving.drift.online.online_detector import OnlineFeature, OnlineResult, State
from kanaria.serving.drift.online.stream_window import RowByRow
from kanaria.serving.drift.references.sorted_reference import SortedReference
from kanaria.serving.drift.table_columns import matrix, rows_of

SEED = 0
"""Of the simulation, so that equal references have equal thresholds."""
FEWEST = 30
"""Values from which a mean and a deviation can be taken."""
CHANGING = 500
"""Positions with a threshold of their own at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageHinkley(online_detector.Settings, RowByRow[SortedReference]):
    """Follows the mean of each feature; the effect is its shift, in standard deviations.

    The mean is that of the reference. Page-Hinkley without a reference learns it from the stream,
    and with it the beginning of a slow drift.

    Attributes:
        allowance: deviation let pass at each row, in standard deviations; half of the shift that
            is to be found soonest.
    """

    allowance: float = 0.25

    def _check(self, faults: Faults) -> None:
        super(PageHinkley, self)._check(faults)
        above = self.allowance >= 0.05
        faults.check(above, "allowance", self.allowance, "use 0.05 standard deviations or more")

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "page_hinkley"

    @property
    def fewest(self) -> int:
        """Values of a run before it can alarm."""
        return 1

    def fit(self, rows: Columns) -> SortedReference:
        """Return the reference of `rows`."""
        return SortedReference.of(rows, rows_of(rows, "reference"))

    def start(self, reference: SortedReference) -> State:
        """Return the state before the first row.

        Raises:
            DataError: a feature has too few values for a mean and a deviation.
        """
        held = {name: len(values) for name, values in reference.values.items()}
        short = {name: rows for name, rows in held.items() if rows < FEWEST}
        if short:
            raise DataError(f"reference: {shown(short)} values; give at least {FEWEST} each")
        limits = [self._thresholds(own, len(held)) for own in reference.values.values()]
        return State(
            memory=np.zeros((len(held), 2, 2)),
            counts=np.zeros(len(held), dtype=np.int64),
            rows=0,
            thresholds=np.array(limits),
        )

    def update(
        self, reference: SortedReference, state: State, rows: Columns
    ) -> tuple[State, OnlineResult]:
        """Return the state after `rows`, and what they showed."""
        names = tuple(reference.values)
        means, deviations = np.array([_scale(own) for own in reference.values.values()]).T
        values = (matrix(rows, names) - means) / deviations
        run = _Run(features=names, allowance=self.allowance, least=self.least)
        return follow(run, self.name, self.expected_run_time, state, values)

    def _thresholds(self, reference: Floats, features: int) -> Floats:
        chance = run_length.chance_per_row(self.expected_run_time, 1, features)
        changing = min(CHANGING, math.ceil(4 / self.allowance**2))
        rows = run_length.rows_to_simulate(chance, changing, changing)
        statistics = _simulated(reference, self.allowance, rows)
        return run_length.thresholds(statistics, changing, chance)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """Follows a run; the memory holds of each feature the sums upwards and downwards.

    Its shape is (features, 2, 2): of each sum its height above its lowest value, and the values
    since then.
    """

    features: tuple[str, ...]
    allowance: float
    least: float

    def advance(self, state: State, values: Floats) -> tuple[State, bool]:
        """Return the state at the first row with a sum above its threshold, or after all."""
        memory, counts = state.memory, state.counts
        for row, new in enumerate(values, start=1):
            there = ~np.isnan(new)
            steps = np.stack([new, -new], axis=1) - self.allowance
            heights = np.maximum(memory[:, :, 0] + steps, 0.0)
            moved = np.stack([heights, np.where(heights > 0, memory[:, :, 1] + 1, 0.0)], axis=2)
            memory = np.where(there[:, None, None], moved, memory)
            counts = counts + there
            above = memory[:, :, 0].max(axis=1) > _limits(state.thresholds, counts)
            if np.any(above & there):
                return replace(state, memory=memory, counts=counts, rows=state.rows + row), True
        return replace(state, memory=memory, counts=counts, rows=state.rows + len(values)), False

    def describe(self, state: State) -> tuple[OnlineFeature, ...]:
        """Return every feature at its newest value."""
        limits = _limits(state.thresholds, state.counts)
        highest = state.memory[:, :, 0].max(axis=1)
        return tuple(
            OnlineFeature(
                feature=name,
                statistic=float(highest[feature]),
                threshold=float(limits[feature]),
                position=int(state.counts[feature]),
                effect=self._effect(state.memory[feature]),
            )
            for feature, name in enumerate(self.features)
        )

    def _effect(self, sums: Floats) -> Effect:
        """Return the shift since the higher sum began to rise, and its 95 % interval."""
        height, rows = sums[int(np.argmax(sums[:, 0]))]
        value = self.allowance + height / rows if rows else 0.0
        margin = NORMAL_QUANTILE / math.sqrt(max(rows, 1))
        return Effect(
            name="shift of the mean",
            value=float(value),
            low=float(max(0.0, value - margin)),
            high=float(value + margin),
            least=self.least,
        )


def _limits(thresholds: Floats, counts: NDArray[np.int64]) -> Floats:
    """Return the threshold of each feature at its position."""
    positions = np.clip(counts - 1, 0, thresholds.shape[1] - 1)
    return thresholds[np.arange(len(counts)), positions]


def _scale(reference: Floats) -> tuple[float, float]:
    """Return mean and standard deviation; a constant feature keeps its own unit."""
    deviation = float(reference.std())
    return float(reference.mean()), deviation if deviation > 0 else 1.0


def _simulated(reference: Floats, allowance: float, rows: int) -> Iterator[Floats]:
    """Yield the higher of both sums at each position, of streams drawn from the reference.

    The reference's mean is off by chance, which a long sum would take for a shift, so every
    stream is moved by such an error.
    """
    generator = np.random.default_rng(SEED)
    mean, deviation = _scale(reference)
    values = ((reference - mean) / deviation).astype(np.float32)
    moved = values.std() * generator.normal(size=run_length.STREAMS) / math.sqrt(len(values))
    up, down = np.zeros(run_length.STREAMS), np.zeros(run_length.STREAMS)
    for _ in range(rows):
        drawn = values[generator.integers(0, len(values), run_length.STREAMS)] + moved
        up = np.maximum(up + drawn - allowance, 0.0)
        down = np.maximum(down - drawn - allowance, 0.0)
        yield np.maximum(up, down)
