"""The table of the decision, and the life of a trigger."""

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from kanaria.serving.triggers.decision import Limits, Past, Reason, day_begin, decide
from kanaria.serving.triggers.trigger_states import NEXT, TriggerState, may_follow

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
LIMITS = Limits(
    cool_down=3600, runs_a_day=2, quiet=(time(22), time(6)), zone=UTC, labelled_rows=100
)
GOOD = Past(last_start=NOON - 3600, runs_today=1, labelled_rows=100)


def test_a_run_begins_where_nothing_holds_it_back():
    assert decide(LIMITS, GOOD, NOON).starts
    assert decide(Limits(), Past(), NOON).starts


@pytest.mark.parametrize(
    ("changes", "now", "reason", "said"),
    [
        ({"under_way": "run-7"}, NOON, Reason.RUNNING, "run-7"),
        ({"last_start": NOON - 3599}, NOON, Reason.COOL_DOWN, "59 min 59 s ago, of 1 h to wait"),
        ({"runs_today": 2}, NOON, Reason.BUDGET, "2 of 2 runs began on 2026-03-01"),
        ({}, NOON + 10 * 3600, Reason.QUIET_HOURS, "it is 22:00 UTC, quiet from 22:00 to 06:00"),
        ({"labelled_rows": 99}, NOON, Reason.TOO_FEW_ROWS, "99 rows got a label"),
        ({"labelled_rows": None}, NOON, Reason.TOO_FEW_ROWS, "0 rows got a label"),
    ],
)
def test_each_line_of_the_table_refuses_with_its_numbers(changes, now, reason, said):
    decision = decide(LIMITS, replace(GOOD, **changes), now)
    assert decision.reason is reason
    assert said in decision.why


def test_the_first_line_that_holds_decides():
    all_wrong = Past(under_way="run-7", last_start=NOON - 1, runs_today=9, labelled_rows=0)
    night = NOON + 11 * 3600
    assert decide(LIMITS, all_wrong, night).reason is Reason.RUNNING
    assert decide(LIMITS, replace(all_wrong, under_way=""), NOON).reason is Reason.COOL_DOWN
    late = replace(all_wrong, under_way="", last_start=None)
    assert decide(LIMITS, late, night).reason is Reason.BUDGET


@pytest.mark.parametrize(
    ("hour", "quiet"), [("21:59", False), ("22:00", True), ("00:00", True), ("05:59", True)]
)
def test_quiet_hours_go_across_midnight_in_their_zone(hour: str, quiet: bool):
    seoul = ZoneInfo("Asia/Seoul")
    limits = Limits(quiet=(time(22), time(6)), zone=seoul)
    now = datetime.fromisoformat(f"2026-03-01T{hour}:00").replace(tzinfo=seoul).timestamp()
    assert decide(limits, Past(), now).starts is not quiet
    end = datetime(2026, 3, 1, 6, tzinfo=seoul).timestamp()
    assert decide(limits, Past(), end).starts


def test_quiet_hours_within_a_day():
    limits = Limits(quiet=(time(9), time(17)))
    assert not decide(limits, Past(), NOON).starts
    assert decide(limits, Past(), NOON + 5 * 3600).starts


def test_quiet_hours_hold_on_the_night_the_clocks_change():
    berlin = ZoneInfo("Europe/Berlin")
    limits = Limits(quiet=(time(2), time(4)), zone=berlin)
    # 2026-03-29: 02:00 becomes 03:00; 2026-10-25: 03:00 becomes 02:00.
    at = {
        "2026-03-29T00:59:59+00:00": True,
        "2026-03-29T01:00:00+00:00": False,
        "2026-03-29T02:00:00+00:00": True,
        "2026-10-25T00:30:00+00:00": False,
        "2026-10-25T01:30:00+00:00": False,
        "2026-10-25T03:00:00+00:00": True,
    }
    decisions = {
        text: decide(limits, Past(), datetime.fromisoformat(text).timestamp()).starts for text in at
    }
    assert decisions == at


def test_a_day_begins_at_midnight_of_the_zone_however_long_it_is():
    berlin = ZoneInfo("Europe/Berlin")
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)):
        end = datetime.fromisoformat(f"{day}T23:59:59").replace(tzinfo=berlin).timestamp()
        assert end + 1 - day_begin(end, berlin) == hours * 3600


def test_what_has_ended_never_goes_on_and_what_was_refused_may_be_asked_again():
    assert not NEXT[TriggerState.SUCCEEDED] | NEXT[TriggerState.FAILED]
    assert may_follow(TriggerState.REFUSED, TriggerState.ACCEPTED)
    assert not may_follow(TriggerState.ACCEPTED, TriggerState.RUNNING)
    assert set(NEXT) == set(TriggerState)
