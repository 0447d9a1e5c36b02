"""Peek-safe evidence on rare events: one betting formula for all comparisons. Pure.

A bet of odds `a` on hits among trials of chance `q` multiplies its wealth by

    a ** hits / (1 + (a - 1) * q) ** trials.

Where the null hypothesis holds, the expected factor is at most 1, so the wealth is an e-process:
it ever reaches 1/alpha with probability at most alpha, however often one looks (Ville 1939).
Two nulls are used, each for any mixture of odds a > 1 (or, the other way round, a < 1):

* An absolute limit: trials are the canary's requests, q is the limit, and the null is that the
  canary's rate is at most (at least) q. With independent requests the factor's expectation is
  ((1 + (a-1) p) / (1 + (a-1) q)) ** trials.
* A ratio m to the stable revision, whose rate is unknown: trials are the events of both, a hit is
  an event of the canary, q = m n_c / (m n_c + n_s) with n the requests of both in the same
  interval; the null is that the canary's rate is at most (at least) m times the stable one's.
  From 1 + u <= exp(u) the expectation is at most exp(c (p_c - m p_s)) with c of the sign of
  a - 1. It holds for any rates, which may change from interval to interval. For m = 1 it also
  holds where events are dependent but equal for both revisions (a failing backend), because a
  random split of a fixed number of events is less variable than independent draws (Hoeffding
  1963, theorem 4).

What breaks the promise is bursts that hit one revision and not the other for no fault of its own;
`dispersion` shows them.

Sources: Wald 1945 (the sequential ratio test); Lindon, Sanden and Shirikian 2022, arXiv
2205.14762 (counts of canaries); Waudby-Smith and Ramdas 2020, arXiv 2010.09686 (betting); Turner,
Ly and Gruenwald 2021, arXiv 2106.02693 (two streams).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def log_factor(hits: ArrayLike, trials: ArrayLike, chance: ArrayLike, odds: ArrayLike) -> Floats:
    """Return the logarithm of what a bet's wealth is multiplied by; arguments broadcast.

    Args:
        hits: events that count, 0 to `trials`.
        trials: draws that could have been a hit.
        chance: of a hit at the border of the null, 0 to 1.
        odds: of the bet, above 0; above 1 it wins by many hits, below 1 by few.
    """
    many = np.asarray(odds, dtype=float)
    lost = np.log1p((many - 1) * np.asarray(chance, dtype=float))
    return np.asarray(np.asarray(hits) * np.log(many) - np.asarray(trials) * lost)


def canary_chance(canary: ArrayLike, stable: ArrayLike, ratio: float) -> Floats:
    """Return the chance that an event is the canary's when its rate is `ratio` times stable's.

    Args:
        canary: its requests in an interval.
        stable: requests of the stable revision in the same interval.
        ratio: of the rates, above 0.
    """
    weighed = ratio * np.asarray(canary, dtype=float)
    return np.asarray(weighed / np.maximum(weighed + np.asarray(stable), 1e-300))


def mixed(log_wealth: ArrayLike) -> Floats:
    """Return the logarithm of the sum of wealths along the last axis."""
    return np.asarray(np.logaddexp.reduce(np.asarray(log_wealth, dtype=float), axis=-1))


def dispersion(squares: float, events: float, requests: float, intervals: int) -> float | None:
    """Return Pearson's index of dispersion of events per interval: 1 for independent requests.

    Args:
        squares: sum over intervals of events squared over requests.
        events: in all.
        requests: in all.
        intervals: with requests; fewer than 10, or no events, give None.
    """
    if intervals < 10 or events <= 0:
        return None
    return (squares * requests / events - events) / (intervals - 1)
