"""Effect sizes on one scale, differences in probability, so that features can be ranked by them.

    measure                   the largest difference in probability      interval
    -----------------------   ----------------------------------------   -------------------------
    difference of             of "at most t", over all t                 Dvoretzky-Kiefer-Wolfowitz
      distributions             (the Kolmogorov distance)                  with Massart's constant
    total variation           of any set of categories                   Bretagnolle-Huber-Carol
    difference of shares      of a one                                   Newcombe 1998, method 10
    separation                of one row's score being the higher        Hoeffding 1963, eq. 5.7
                                or the lower (Somers' D)

All but the third hold for any distribution and any number of rows; that is an approximation.
"""

import math

from kanaria.components.shared.wilson_interval import wilson
from kanaria.serving.drift.detector import Effect

EACH_SIDE = 0.025
"""Chance of error for each of the two samples, so that both together stay within 5 %."""


def largest_difference(value: float, reference: int, window: int, least: float) -> Effect:
    """Return the effect of a Kolmogorov distance between samples of these sizes."""
    margin = sum(math.sqrt(math.log(2 / EACH_SIDE) / (2 * rows)) for rows in (reference, window))
    return _within("difference of distributions", value, margin, least)


def total_variation(value: float, kinds: int, reference: int, window: int, least: float) -> Effect:
    """Return the effect of a total variation distance over `kinds` categories."""
    bound = kinds * math.log(2) - math.log(EACH_SIDE)
    margin = sum(math.sqrt(bound / (2 * rows)) for rows in (reference, window))
    return _within("total variation", value, margin, least)


def difference_of_shares(
    reference: tuple[int, int], window: tuple[int, int], least: float
) -> Effect:
    """Return the effect of two shares, each given as (ones, rows); its size has no sign."""
    share_r, low_r, high_r = share_of(*reference)
    share_w, low_w, high_w = share_of(*window)
    difference = share_w - share_r
    low = difference - math.hypot(share_w - low_w, high_r - share_r)
    high = difference + math.hypot(high_w - share_w, share_r - low_r)
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return Effect(
        name="difference of shares",
        value=abs(difference),
        low=nearest,
        high=min(1.0, max(abs(low), abs(high))),
        least=least,
    )


def separation(value: float, reference: int, window: int, least: float) -> Effect:
    """Return the effect of Somers' D between scores; what lies below 0 separates nothing."""
    margin = 2 * math.sqrt(math.log(1 / EACH_SIDE) / (2 * min(reference, window)))
    return _within("separation", max(0.0, value), margin, least)


def share_of(ones: int, rows: int) -> tuple[float, float, float]:
    """Return a share and the ends of its 95 % interval (Wilson 1927)."""
    share = ones / rows
    return share, *wilson(share, rows)


def effective_rows(reference: int, window: int) -> float:
    """Return the size of one sample as informative as the two."""
    return reference * window / (reference + window) if reference and window else 0.0


def _within(name: str, value: float, margin: float, least: float) -> Effect:
    low, high = max(0.0, value - margin), min(1.0, value + margin)
    return Effect(name=name, value=value, low=low, high=high, least=least)
