"""Thresholds that keep an expected run time, from statistics of many streams without drift.

A run without drift should alarm at every row with the same chance, given that it has not alarmed
before: its length is then geometric, and its mean is one over the chance. Statistics of
overlapping windows depend on each other, so the thresholds follow from whole simulated streams
(Ross and Adams 2012, "Two nonparametric control charts for detecting arbitrary distribution
changes", section 3): while the windows fill, each position has its own; then one is kept for
good, which is passed once in so many rows by the streams that are left.
"""

import math
from collections.abc import Iterable

import numpy as np

from kanaria.serving.drift.detector import Floats

STREAMS = 50_000
"""Streams simulated at once."""
FEWEST = 100
"""Streams that must pass a level for it to be read from them; rarer levels are extrapolated."""
LONGEST = 500
"""Rows simulated at most after the thresholds stay."""


def chance_per_row(expected_run_time: int, first: int, features: int) -> float:
    """Return the chance of an alarm by one feature at one row, from row `first` of a run on.

    Independent features alarm together as often as promised, dependent ones more seldom.
    """
    together = 1 / (expected_run_time - first + 1)
    return 1 - (1 - together) ** (1 / features)


def rows_to_simulate(chance: float, changing: int, least: int) -> int:
    """Return how many positions to simulate: those that change, and enough for what stays.

    Args:
        chance: of an alarm at each of them.
        changing: positions with a threshold of their own.
        least: positions after these.
    """
    enough = math.ceil(4 * FEWEST / (chance * STREAMS))
    return changing + max(least, min(LONGEST, enough))


def thresholds(statistics: Iterable[Floats], changing: int, chance: float) -> Floats:
    """Return the thresholds of the first `changing` positions, and the one that stays.

    Args:
        statistics: at each position in turn, of shape (streams,).
        changing: positions with a threshold of their own.
        chance: of an alarm at each of them, above 0 and below 1.
    """
    limits: list[float] = []
    runs, highest, rows = np.array([], dtype=bool), np.array([]), 0
    for position, values in enumerate(statistics):
        if position == 0:
            runs, highest = np.ones(len(values), dtype=bool), np.full(len(values), -np.inf)
        if position < changing:
            limits.append(exceeded(values[runs], chance))
            runs &= values <= limits[-1]
        else:
            highest = np.maximum(highest, values)
            rows += 1
    return np.array([*limits, exceeded(highest[runs], 1 - (1 - chance) ** rows)])


def exceeded(values: Floats, chance: float) -> float:
    """Return the level that is exceeded with `chance`.

    Where fewer than FEWEST of the values would exceed it, the tail above the level that FEWEST
    exceed is taken as exponential with the same mean. The statistics here have such tails or
    lighter ones, for which this level is too high: alarms are rarer than promised, not more often.
    """
    shown = max(chance, min(1.0, FEWEST / len(values)))
    level = float(np.quantile(values, 1 - shown))
    if shown == chance:
        return level
    above = values[values > level] - level
    return level + float(above.mean() if len(above) else 0.0) * math.log(shown / chance)
