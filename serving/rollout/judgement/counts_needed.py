"""How much more must be counted until something holds, if all grows in proportion. Pure."""

from collections.abc import Callable

MOST_DOUBLINGS = 14
"""What needs 16,000 times as much as there is will not come."""
BISECTIONS = 30


def factor_until(holds: Callable[[float], bool]) -> float | None:
    """Return the smallest factor of at least 1 at which it holds, or None where none is near.

    Args:
        holds: factor of all counts so far -> whether it holds then; once true, true beyond.
    """
    low, high = 1.0, 1.0
    for _ in range(MOST_DOUBLINGS):
        if holds(high):
            break
        low, high = high, 2 * high
    else:
        return None
    if high == 1.0:
        return 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
