"""Quantiles of a histogram with their intervals. Pure."""

import math
from collections.abc import Mapping
from itertools import pairwise

from kanaria.serving.drift.effect_sizes import share_of
from kanaria.serving.live_page.band import Band


def quantile(within: Mapping[float, float], share: float) -> Band | None:
    """Return in how many seconds a share of the requests was answered; None without requests.

    Between two bounds requests are taken for evenly spread, as Prometheus' histogram_quantile does.
    The interval is that of the share of requests within each bound (Wilson, 95 %), read the other
    way round; its ends are bounds of buckets. An end of infinity is beyond the last bound.

    Args:
        within: upper bound in seconds -> requests that took at most as long; infinity has all.
        share: above 0, below 1.
    """
    total = within.get(math.inf, 0.0)
    if not total:
        return None
    bounds = [(0.0, 0.0), *sorted(within.items())]
    value = next(
        _between(one, two, share * total)
        for one, two in pairwise(bounds)
        if two[1] >= share * total
    )
    low, high = 0.0, math.inf
    for bound, count in reversed(bounds[1:-1]):
        _, least, most = share_of(round(count), round(total))
        high = bound if least >= share else high
        low = bound if most < share and not low else low
    return Band(value=value, low=min(low, value), high=max(high, value))


def _between(one: tuple[float, float], two: tuple[float, float], rank: float) -> float:
    (low, below), (high, at_most) = one, two
    if math.isinf(high):
        return low
    return low + (high - low) * (rank - below) / (at_most - below)
