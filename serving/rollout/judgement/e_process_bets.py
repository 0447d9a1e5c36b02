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
`dispersion` shows them. Where it is known how much a revision's rate varies by itself from look to
look (standard deviation over mean, `variation`), each rate is its mean times a gamma factor of its
own and of that spread, and the bets allow for it:

* Against a limit q: the likelihood ratio of two negative binomial counts (gamma-Poisson; Greenwood
  and Yule 1920), which holds for every gamma factor that varies no more.
* Against a ratio m: (1 + B) ** (events of the canary) * (1 + D) ** (events of stable). With rates p
  and m p and gamma factors of squared variation w, its expectation is

      ((1 - w m n_c p B) (1 - w n_s p D)) ** (-1 / w),

  at most 1 where 1 / (m n_c B) + 1 / (n_s D) >= w p, for harm (B > 0 > D) and for health. The bet
  of independent requests is B0 and D0, for w = 0; it is shrunk to 1 / B = 1 / B0 + w p m n_c / s
  and 1 / D = 1 / D0 + w p n_s (1 - 1 / s) with s = 1 - a ** -0.5, the stake that grows fastest
  where bursts outweigh chance. It holds for rates of at most p, a bound that is taken from the
  stable revision's past, and for factors that vary less. Bursts that are shared beside it raise p
  for a moment; no look is therefore worth more than a factor of 4.

A promise for bursts of any form cannot be had: a stable revision without an error for an hour may
still have a mean rate of 1 %, in one outage a week.

Sources: Wald 1945 (the sequential ratio test); Lindon, Sanden and Shirikian 2022, arXiv
2205.14762 (counts of canaries); Waudby-Smith and Ramdas 2020, arXiv 2010.09686 (betting); Turner,
Ly and Gruenwald 2021, arXiv 2106.02693 (two streams).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
MOST_OF_A_LOOK = np.log(4.0)
"""Where rates are known to come in bursts, no single look may be worth more."""


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


def bet_on_limit(
    hits: ArrayLike, requests: ArrayLike, limit: ArrayLike, odds: ArrayLike, variation: float = 0.0
) -> Floats:
    """Return the logarithm of what a bet against an absolute limit is multiplied by.

    Args:
        hits: events of the canary.
        requests: of the canary.
        limit: rate at the border of the null, 0 to 1.
        odds: of the bet, above 0.
        variation: of the rate from look to look, standard deviation over mean; 0 for none.
    """
    if not variation:
        return log_factor(hits, requests, limit, odds)
    shape, many = variation**-2, np.asarray(odds, dtype=float)
    expected = np.asarray(requests, dtype=float) * np.asarray(limit)
    lost = np.log1p((many - 1) * expected / (shape + expected))
    return np.asarray(np.asarray(hits) * np.log(many) - (np.asarray(hits) + shape) * lost)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bursts:
    """How both revisions' rates vary by themselves, from one interval to the next.

    Attributes:
        variation: of each revision's rate, standard deviation over mean; 0 for none.
        stable_rate: the stable revision's rate at most, as known before the interval.
    """

    variation: float = 0.0
    stable_rate: ArrayLike = 1.0


NO_BURSTS = Bursts()


def bet_on_ratio(
    hits: tuple[ArrayLike, ArrayLike],
    requests: tuple[ArrayLike, ArrayLike],
    ratio: float,
    odds: ArrayLike,
    bursts: Bursts = NO_BURSTS,
) -> Floats:
    """Return the logarithm of what a bet against a ratio to the stable revision is multiplied by.

    Args:
        hits: events of the canary and of the stable revision in an interval.
        requests: of both in the same interval.
        ratio: of the rates at the border of the null, above 0.
        odds: of the bet, above 0 and not 1.
        bursts: how the rates vary by themselves.
    """
    chance = canary_chance(*requests, ratio)
    if not bursts.variation:
        events = np.asarray(hits[0]) + np.asarray(hits[1])
        return log_factor(hits[0], events, chance, odds)
    many = np.asarray(odds, dtype=float)
    canary, stable = (np.asarray(one, dtype=float) for one in requests)
    settled, spread = 1 - many**-0.5, np.asarray(bursts.stable_rate) * bursts.variation**2
    whole = (1 + (many - 1) * chance) / (many - 1)
    # Without requests of one revision the other's stake is 1 / infinity.
    with np.errstate(divide="ignore"):
        won = 1 / (whole / (1 - chance) + spread * ratio * canary / settled)
        lost = 1 / (-whole / chance + spread * stable * (1 - 1 / settled))
    gain = np.asarray(hits[0]) * np.log1p(won) + np.asarray(hits[1]) * np.log1p(lost)
    return np.asarray(np.minimum(gain, MOST_OF_A_LOOK))


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


def variation(index: float, events: float, intervals: int) -> float:
    """Return the standard deviation of the rate over its mean, from an index of dispersion.

    It is the estimate by moments for a gamma factor: counts of mean m have the index 1 + v² m.

    Args:
        index: see `dispersion`.
        events: in all, above 0.
        intervals: in which they happened, above 0.
    """
    return float(np.sqrt(max(index - 1, 0.0) * intervals / events))
