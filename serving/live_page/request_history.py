"""The newest half hour of requests, in bins: from counters that may begin anew at any time.

A counter that fell, or whose process has another start, began at zero again: what it shows is what
has come since, never a negative rate. Over a gap in which nobody could look, nothing is counted:
what came then came at no time that one could name.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kanaria.serving.live_page.request_counts import NONE, Counts, Revision

BIN_SECONDS, BINS = 10.0, 180
"""Half an hour."""
LONGEST_GAP_SECONDS = 30.0
"""Between two scrapes whose difference is taken for what came between them."""

SLACK_SECONDS = 1.0
"""Of the moment at which a process says that it began."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scrape:
    """What a router showed once.

    Attributes:
        at: seconds of a clock that never goes back.
        process: start of its process, seconds since 1970; None where it does not tell.
        age: of its process in seconds, None where it does not tell.
        counts: of each revision.
    """

    at: float
    process: float | None
    age: float | None
    counts: Mapping[Revision, Counts]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """What came in a stretch of time.

    Attributes:
        end: seconds of the scrapes' clock.
        seconds: that were looked at, 0 or more.
        counts: of the revisions that were asked.
    """

    end: float
    seconds: float
    counts: Mapping[Revision, Counts]


def together(end: float, stretches: Iterator[Stretch]) -> Stretch:
    """Return several stretches as one.

    Args:
        end: of the whole, on the scrapes' clock, in seconds.
        stretches: any number, in any order.
    """
    seconds, counts = 0.0, dict[Revision, Counts]()
    for stretch in stretches:
        seconds += stretch.seconds
        for revision, more in stretch.counts.items():
            counts[revision] = counts.get(revision, NONE) + more
    return Stretch(end=end, seconds=seconds, counts=counts)


def between(before: Scrape, now: Scrape) -> Stretch | None:
    """Return what came between two scrapes; None where that cannot be said.

    Args:
        before: the earlier scrape.
        now: a later one, of the same process or another.
    """
    seconds, earlier = now.at - before.at, before.counts
    if now.process != before.process:
        if now.age is None or now.age > seconds + SLACK_SECONDS:
            return None  # It began before it was looked at.
        seconds, earlier = min(seconds, now.age), {}
    if not 0 < seconds <= LONGEST_GAP_SECONDS:
        return None
    counts = {}
    for revision, count in now.counts.items():
        more = count - earlier.get(revision, NONE)
        more = more if more.is_possible else count
        if more.requests:
            counts[revision] = more
    return Stretch(end=now.at, seconds=seconds, counts=counts)


class RequestHistory:
    """A ring of bins; lives in one thread."""

    def __init__(self, began: float) -> None:
        """Begin without any at a moment of the scrapes' clock, at which no process was seen."""
        self._bins: deque[Stretch] = deque(maxlen=BINS)
        self._last = Scrape(at=began, process=math.nan, age=None, counts={})

    def add(self, scrape: Scrape) -> None:
        """Take a scrape; the first one of a process that was there before only begins to count."""
        more = between(self._last, scrape)
        self._last = scrape
        if more is None:
            return
        end = (scrape.at // BIN_SECONDS + 1) * BIN_SECONDS
        if self._bins and self._bins[-1].end == end:
            more = together(end, iter((self._bins.pop(), more)))
        self._bins.append(replace(more, end=end))

    def newest(self, seconds: float, now: float) -> Stretch:
        """Return what came in the newest `seconds`, in whole bins.

        Args:
            seconds: length of the stretch, above 0; at most half an hour is there.
            now: the moment of its end, on the scrapes' clock.
        """
        return together(now, (one for one in self._bins if one.end > now - seconds))

    def by(self, seconds: float, now: float) -> list[Stretch]:
        """Return the newest half hour in stretches of `seconds`, oldest first; empty ones too.

        Args:
            seconds: length of each stretch, a whole number of bins.
            now: the moment of the end, on the scrapes' clock.
        """
        ends = [now - seconds * place for place in range(int(BINS * BIN_SECONDS / seconds))]
        return [
            together(
                end, (one for one in self._bins if end - seconds < one.end - BIN_SECONDS <= end)
            )
            for end in reversed(ends)
        ]
