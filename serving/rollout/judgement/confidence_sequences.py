"""Confidence sequences: intervals that hold at all looks at once, with the promised chance. Pure.

Sources: Robbins 1970 (mixtures); Howard, Ramdas, McAuliffe and Sekhon 2021, arXiv 1810.08240;
Waudby-Smith and Ramdas 2020, arXiv 2010.09686 (values between 0 and 1 instead of hits).
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from kanaria.serving.rollout.judgement.e_process_bets import Floats

HALVINGS = 30
"""Of the interval in which a bound lies; 2 ** -30 is below any share that counts."""
SETTLING_ROWS = 500.0
"""Rows at which `deviation` is narrowest, measured against a test of fixed size."""


def mean_bounds(
    total: ArrayLike, trials: ArrayLike, error: float, prior: tuple[float, float] = (0.5, 0.5)
) -> tuple[Floats, Floats]:
    """Return lower and upper bound for the mean of values between 0 and 1; arguments broadcast.

    The wealth of a Beta mixture of bets against a mean p is an e-process where the mean is p
    (for values between 0 and 1 by the inequality of weighted means), and the p whose wealth is
    below 1 / `error` are the interval. With probability at least 1 - `error` it holds the mean
    at all looks.

    Args:
        total: sum of the values, 0 to `trials`.
        trials: number of values; 0 gives the whole interval from 0 to 1.
        error: above 0, below 1.
        prior: of the mixture; it decides where the interval is narrow, not whether it holds.
    """
    from scipy.special import betaln, xlog1py, xlogy

    hits, many = np.broadcast_arrays(np.asarray(total, float), np.asarray(trials, float))
    mixture = betaln(hits + prior[0], many - hits + prior[1]) - betaln(*prior)
    center = np.divide(hits, many, out=np.full(hits.shape, 0.5), where=many > 0)

    def holds(mean: Floats) -> Floats:
        wealth = mixture - xlogy(hits, mean) - xlog1py(many - hits, -mean)
        return np.asarray(wealth < -math.log(error))

    def bound(end: float) -> Floats:
        inner, outer = center, np.full(center.shape, end)
        for _ in range(HALVINGS):
            middle = (inner + outer) / 2
            inside = holds(middle)
            inner, outer = np.where(inside, middle, inner), np.where(inside, outer, middle)
        return np.asarray(np.where(many > 0, outer, end))

    return bound(0.0), bound(1.0)


def deviation(trials: float, error: float, variance: float = 0.25) -> float:
    """Return how far a mean of `trials` values ever is from what is expected of them.

    Larger deviations, at any look, have probability at most `error` on each side.

    Args:
        trials: number of values, above 0.
        error: above 0, below 1; it may be as small as 1e-300.
        variance: sub-Gaussian, of a value: a quarter of the square of its range.
    """
    settled = trials + SETTLING_ROWS
    allowed = 0.5 * math.log(settled / SETTLING_ROWS) - math.log(error)
    return math.sqrt(2 * variance * settled * allowed) / trials
