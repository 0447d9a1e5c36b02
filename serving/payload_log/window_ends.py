"""Where a window of a stream ends. Pure.

    by rows   whole exchanges in the order of their arrival until there are enough instances
    by time   all exchanges of [k * seconds, (k + 1) * seconds) since 1970, by the events' times

A window closes when its end is reached and every exchange in it is whole, or has had `grace`
seconds to become so: requests that a model answered with an error have no response ever. The ends
depend on nothing but what is kept, so every process and every restart finds the same windows.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What a window's end depends on.

    Attributes:
        number: of the exchange.
        rows: instances in it.
        received: of its first event, in seconds since 1970.
        whole: request and response are there.
    """

    number: int
    rows: int
    received: float
    whole: bool


def end_by_rows(heads: Iterable[Head], rows: int, grace: float, now: float) -> int | None:
    """Return the number of the exchange that ends a window of at least `rows` instances.

    Args:
        heads: the stream from the end of the window before, in order; read no further than needed.
        rows: at least 1.
        grace: seconds that an exchange has to become whole.
        now: seconds since 1970.

    Returns:
        None while the window is open.
    """
    count = 0
    for head in heads:
        if not head.whole and head.received > now - grace:
            return None
        count += head.rows
        if count >= rows:
            return head.number
    return None


def span_by_time(time: float, seconds: float) -> tuple[float, float]:
    """Return the begin (included) and the end (excluded) of the window that holds `time`."""
    index = math.floor(time / seconds)
    return index * seconds, (index + 1) * seconds


def is_closed(end: float, grace: float, now: float) -> bool:
    """Tell whether a window by time that ends at `end` waits for nothing more."""
    return now >= end + grace
