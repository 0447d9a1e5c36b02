"""From the buckets of a histogram to how many requests took longer. Pure."""

import math
from collections.abc import Mapping
from itertools import pairwise

from kanaria.components.shared.errors import DataError, shown

Slower = tuple[tuple[float, float], ...]


def slower(within: Mapping[float, float]) -> Slower | None:
    """Return (bound, requests that took longer), bounds ascending; None where there are no bounds.

    Args:
        within: upper bound of a bucket -> requests that took at most as long; +Inf counts all.

    Raises:
        DataError: a bound is no number, the one of all is missing, or a wider bucket has fewer.
    """
    if not within:
        return None
    if any(math.isnan(bound) or bound == -math.inf for bound in within):
        raise DataError(f"buckets: a bound is no number: {shown(sorted(within))}")
    if math.inf not in within:
        raise DataError("buckets: the one with le=+Inf is missing, so all are not counted")
    buckets = sorted(within.items())
    if any(narrow > wide for (_, narrow), (_, wide) in pairwise(buckets)):
        raise DataError(f"buckets: a wider one counts fewer requests: {shown(buckets)}")
    return tuple((bound, within[math.inf] - count) for bound, count in buckets[:-1]) or None
