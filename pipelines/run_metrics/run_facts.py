"""What is known of a run and of a schedule, wherever it was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Protocol

from kanaria.components.resolve import span_choice

PUSH = "push-model"
"""The step that makes a release, which it does of a blessed model alone."""
SPAN, SCHEDULE_TIME = "span", span_choice.SCHEDULE_TIME
"""The parameter of which days a run reads, and its value for that of the schedule."""
SEVERAL = ".."
"""Between the first and the last span of several."""


class Ending(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    """A person ended it, which is neither."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFact:
    """One run.

    Attributes:
        pipeline: its name, "" where the server has it no longer.
        schedule: name of the schedule that began it, "" for none.
        started: seconds since 1970.
        ended: seconds since 1970, None while it goes on.
        ending: None while it goes on.
        blessed: when it released a blessed model, seconds since 1970; None where it did not.
        data_day: 00:00 UTC of the newest day of its data, seconds since 1970; None where its spans
            are no days, or where nobody says which.
    """

    pipeline: str
    schedule: str
    started: float
    ended: float | None = None
    ending: Ending | None = None
    blessed: float | None = None
    data_day: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleFact:
    """One schedule.

    Attributes:
        pipeline: whose runs it begins.
        name: its own.
        enabled: whether it begins runs now.
        due: when it should have begun one last, seconds since 1970; None for never so far.
    """

    pipeline: str
    name: str
    enabled: bool
    due: float | None


class Facts(Protocol):
    """A place that knows of runs."""

    def look(self, now: float, /) -> tuple[Sequence[RunFact], Sequence[ScheduleFact]]:
        """Return all runs that are known at `now`, and the schedules that there are.

        Raises:
            KanariaError: they cannot be read now.
        """


def last_day(span: str) -> float | None:
    """Return 00:00 UTC of the newest day of a span, in seconds since 1970; None for other spans.

    Args:
        span: as resolve_span tells it, `2013-03-01` or `2013-03-01..2013-03-07`; or as a user asks
            for it, a day or an RFC 3339 time.
    """
    day = span_choice.named_day(span.rpartition(SEVERAL)[2])
    return datetime.combine(day, time.min, UTC).timestamp() if day else None
