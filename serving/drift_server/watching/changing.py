"""Where the mean of a stream changed, by ADWIN (Bifet and Gavaldà 2007). Pure."""

from collections.abc import Sequence
from typing import Any

from river.drift import ADWIN


def change_points(values: Sequence[float], delta: float) -> list[int]:
    """Return the places at which a change of the mean is seen, in order.

    Args:
        values: in the order of time, 0 or more; they are put on a scale from 0 to 1.
        delta: chance of a false alarm at each look.
    """
    most = max(values, default=0.0) or 1.0
    # river's functions have no types.
    adaptive: Any = ADWIN
    detector, found = adaptive(delta=delta), []
    for place, value in enumerate(values):
        detector.update(value / most)
        if detector.drift_detected:
            found.append(place)
    return found
