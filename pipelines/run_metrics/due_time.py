"""When a schedule should have begun a run last. Pure.

Source: github.com/robfig/cron v1, which KFP's controller reads expressions with: where both day of
the month and day of the week are named, either is enough; in UTC, unless its administrator says
otherwise.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from kanaria.pipelines.submit.cron import ANY, FIELDS, six_fields

MOST_DAYS = 4 * 366 + 1
"""Days to look back: a 29th of February is never further away in this century."""


def last_cron(expression: str, now: datetime) -> datetime | None:
    """Return the latest moment up to `now` that an expression names; None within four years."""
    parts = six_fields(expression).split()
    values = [place.values(part) for place, part in zip(FIELDS, parts, strict=True)]
    now = now.astimezone(UTC)
    for days in range(MOST_DAYS):
        day = (now - timedelta(days=days)).date()
        if _is_named(day, parts, values):
            latest = now.time() if days == 0 else time.max
            for moment in _times(values):
                if moment <= latest:
                    return datetime.combine(day, moment, UTC)
    return None


def last_period(seconds: int, begin: datetime, is_first: bool, now: datetime) -> datetime | None:
    """Return the latest moment up to `now` of those that come every so often.

    Args:
        seconds: between two of them.
        begin: from where they count.
        is_first: whether the first one is at `begin` itself, and not that much later.
        now: the clock.
    """
    count = (now - begin) // timedelta(seconds=seconds)
    return begin + count * timedelta(seconds=seconds) if count >= (0 if is_first else 1) else None


def _is_named(day: date, parts: Sequence[str], values: Sequence[set[int]]) -> bool:
    by_month, by_week = day.day in values[3], day.isoweekday() % 7 in values[5]
    is_any = any(item.startswith(ANY) for part in (parts[3], parts[5]) for item in part.split(","))
    is_day = by_month and by_week if is_any else by_month or by_week
    return day.month in values[4] and is_day


def _times(values: Sequence[set[int]]) -> Iterator[time]:
    """Yield the times of a day, the latest first."""
    seconds, minutes, hours = (sorted(part, reverse=True) for part in values[:3])
    for hour in hours:
        for minute in minutes:
            for second in seconds:
                yield time(hour, minute, second)
