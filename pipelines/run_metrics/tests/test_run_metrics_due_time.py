"""When schedules were due, against moments written out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from kanaria.pipelines.run_metrics.due_time import last_cron, last_period


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "now", "due"),
    [
        ("0 2 * * *", "2026-03-01T01:59:59", "2026-02-28T02:00:00"),
        ("0 2 * * *", "2026-03-01T02:00:00", "2026-03-01T02:00:00"),
        ("30 */6 * * *", "2026-03-01T05:00:00", "2026-03-01T00:30:00"),
        ("0 9 * * mon", "2026-11-30T08:00:00", "2026-11-23T09:00:00"),
        ("0 9 * * 0", "2026-11-30T08:00:00", "2026-11-29T09:00:00"),
        ("0 0 29 2 *", "2027-11-30T08:00:00", "2024-02-29T00:00:00"),
        ("0 0 31 * *", "2026-11-30T08:00:00", "2026-10-31T00:00:00"),
        # Either field is enough where both are named: the 1st was a Sunday.
        ("0 0 1 * mon", "2026-11-05T00:00:00", "2026-11-02T00:00:00"),
        ("0 0 1 * mon", "2026-11-01T12:00:00", "2026-11-01T00:00:00"),
        ("15,45 10 * * * *", "2026-11-30T08:10:30", "2026-11-30T08:10:15"),
        ("@hourly", "2026-11-30T08:10:30.5", "2026-11-30T08:00:00"),
    ],
)
def test_the_last_moment_that_an_expression_names(expression: str, now: str, due: str):
    assert last_cron(expression, at(now)) == at(due)


def test_another_time_zone_is_the_same_moment():
    from datetime import timezone

    now = datetime(2026, 3, 1, 3, 30, tzinfo=timezone(timedelta(hours=2)))
    assert last_cron("0 2 * * *", now) == at("2026-02-28T02:00:00")


@pytest.mark.parametrize(
    ("seconds", "is_first", "now", "due"),
    [
        (3600, True, "2026-01-01T00:00:00", "2026-01-01T00:00:00"),
        (3600, False, "2026-01-01T00:59:59", None),
        (3600, False, "2026-01-01T01:00:00", "2026-01-01T01:00:00"),
        (90, False, "2026-01-01T00:05:00", "2026-01-01T00:04:30"),
        (3600, True, "2025-12-31T23:59:59", None),
    ],
)
def test_the_last_of_what_comes_every_so_often(
    seconds: int, is_first: bool, now: str, due: str | None
):
    begin = at("2026-01-01T00:00:00")
    assert last_period(seconds, begin, is_first, at(now)) == (at(due) if due else None)
