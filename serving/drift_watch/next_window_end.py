"""Where a watch's next window ends. Pure.

Windows follow each other in the order of arrival, each exchange in exactly one, so what comes late
or reordered counts in the window in which it comes. A window ends with the exchange that fills its
rows, or with the last one that arrived before the clock's next full span, whichever is first. The
ends depend on what is kept alone: every process and every restart finds the same windows.
"""

from collections.abc import Iterable
from typing import Protocol

from kanaria.serving.payload_log.window_ends import is_closed, span_by_time


class Arrived(Protocol):
    """What a window's end depends on."""

    @property
    def number(self) -> int:
        """Of the exchange."""

    @property
    def received(self) -> float:
        """Arrival of its first event, in seconds since 1970."""


def end_by_clock(
    arrived: Iterable[Arrived], seconds: float, grace: float, now: float
) -> int | None:
    """Return the number of the last exchange that arrived in the span of the first one.

    Args:
        arrived: the stream from the end of the window before, in order; read no further than
            needed.
        seconds: length of a span; spans begin at its multiples since 1970.
        grace: seconds that an exchange has to become whole.
        now: seconds since 1970.

    Returns:
        None while the span lasts, and for grace seconds afterwards.
    """
    last, end = None, float("inf")
    for head in arrived:
        if last is None:
            _, end = span_by_time(head.received, seconds)
            if not is_closed(end, grace, now):
                return None
        elif head.received >= end:
            break
        last = head.number
    return last
