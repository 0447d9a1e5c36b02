import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.submit.schedule_times import duration_text, seconds, trigger


@given(st.integers(1, 10**8))
def test_a_duration_is_read_as_it_is_shown(total: int):
    assert seconds(duration_text(total)) == total


@pytest.mark.parametrize("text", ["6", "h", "6H", "-6h", "1m2h", "6 h", "0s", "1.5h", "six"])
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(ParameterError, match="write a duration as 6h, 1d, 1h30m or 90s"):
        seconds(text)


def test_times_are_kept_in_utc():
    times = trigger(every="6h", start="2026-01-31T07:00:00+01:00", end="2027-01-31T00:00:00Z")
    assert (times.start, times.end) == ("2026-01-31T06:00:00Z", "2027-01-31T00:00:00Z")
    assert str(times) == "every 6h from 2026-01-31T06:00:00Z until 2027-01-31T00:00:00Z"


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({}, "give either cron or every"),
        ({"cron": "@daily", "every": "6h"}, "give either cron or every"),
        ({"every": "6h", "start": "soon"}, "start='soon': write a time as 2026-01-31T06:00:00Z"),
        ({"every": "6h", "end": "2026-01-31"}, "end='2026-01-31': add the time zone"),
        (
            {"every": "6h", "start": "2026-02-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"},
            "it is not after the start",
        ),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, str], fault: str):
    with pytest.raises(ParameterError, match=fault):
        trigger(**options)


def test_all_faults_are_named_at_once():
    with pytest.raises(ParameterError) as raised:
        trigger(cron="0 25 * * *", start="soon", end="never")
    assert all(fault in str(raised.value) for fault in ("hour: 25", "start='soon'", "end='never'"))
