import pytest
from kfp_user import Kfp

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.submit import cron


def test_a_schedule_is_created_listed_paused_resumed_and_deleted(kfp: Kfp):
    made = kfp.schedule("nightly", "--cron", "0 6 * * MON-FRI", span="schedule-time")
    assert (made.code, made.output) == (0, "schedule nightly created\n")
    [found] = kfp.state.schedules.values()
    assert found["trigger"]["cron_schedule"]["cron"] == "0 0 6 * * 1-5"
    assert found["runtime_config"]["parameters"]["span"] == "schedule-time"
    assert (found["no_catchup"], found["max_concurrency"]) == (True, 1)
    assert kfp.verb("list").output.split() == [
        "nightly",
        "active",
        "cron",
        "0",
        "0",
        "6",
        "*",
        "*",
        "1-5",
    ]
    assert kfp.verb("pause", "nightly").output == "schedule nightly: paused\n"
    assert "paused" in kfp.verb("list").output
    assert kfp.verb("resume", "nightly").code == 0
    assert "active" in kfp.verb("list").output
    assert kfp.verb("delete", "nightly").code == 0
    assert kfp.verb("list").output == ""


def test_an_interval_with_catch_up_and_concurrency(kfp: Kfp):
    options = ["--every", "6h", "--catch-up", "--max-concurrency", "3"]
    options += ["--start", "2026-03-01T06:00:00Z"]
    assert kfp.schedule("often", *options).code == 0
    [found] = kfp.state.schedules.values()
    assert found["trigger"]["periodic_schedule"]["interval_second"] == 21600
    assert found["trigger"]["periodic_schedule"]["start_time"] == "2026-03-01T06:00:00Z"
    assert (found["no_catchup"], found["max_concurrency"]) == (False, 3)


def test_a_name_is_taken_once(kfp: Kfp):
    for name in ("a", "b", "c"):
        assert kfp.schedule(name, "--every", "1d").code == 0
    again = kfp.schedule("c", "--every", "1d")
    assert again.code == 1
    assert "schedule 'c': there is one" in again.errors
    assert len(kfp.state.schedules) == 3


def test_an_unknown_schedule_names_the_known_ones(kfp: Kfp):
    kfp.schedule("nightly", "--every", "1d")
    ended = kfp.verb("pause", "daily")
    assert ended.code == 1
    assert "there are: nightly" in ended.errors


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ([], "give cron or every, one of them"),
        (["--cron", "0 6 * * *", "--every", "1d"], "give cron or every, one of them"),
        (["--every", "6 hours"], "every='6 hours'"),
        (["--every", "1d", "--max-concurrency", "11"], "max_concurrency=11: use 1 to 10"),
        (["--every", "1d", "--start", "tomorrow"], "start='tomorrow'"),
        (["--every", "1d", "--end", "2026-03-01T06:00:00"], "end='2026-03-01T06:00:00'"),
        (["--cron", "0 6 * *"], "has 4 fields"),
        (["--cron", "60 24 * * 8"], "the minute is 0 to 59"),
    ],
)
def test_a_timetable_that_makes_no_sense_is_refused(kfp: Kfp, options: list[str], fault: str):
    ended = kfp.schedule("nightly", *options)
    assert ended.code == 1
    assert fault in ended.errors
    assert not kfp.state.uploads


@pytest.mark.parametrize(
    ("written", "kfp_has"),
    [
        ("0 6 * * 1-5", "0 0 6 * * 1-5"),
        ("*/10 * * * *", "0 */10 * * * *"),
        ("5,35 0-12/2 1 jan,JUL 7", "0 5,35 0-12/2 1 1,7 0"),
        ("@daily", "0 0 0 * * *"),
    ],
)
def test_five_fields_become_six(written: str, kfp_has: str):
    assert cron.to_kfp(written) == kfp_has


@pytest.mark.parametrize(
    "written",
    [
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
        "a * * * *",
        ", * * * *",
        "1- * * * *",
        "* * * *",
        "* * * * * *",
        "@often",
        "-1 * * * *",
    ],
)
def test_a_malformed_field_is_refused(written: str):
    with pytest.raises(ParameterError, match="cron="):
        cron.to_kfp(written)


def test_all_malformed_fields_are_named():
    with pytest.raises(ParameterError, match=r"minute is.*hour is.*day of week is"):
        cron.to_kfp("60 24 * * 8")
