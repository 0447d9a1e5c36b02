"""Schedules, against a server that answers as KFP 2.17.0 does."""

from typing import Any

import pytest
from kfp_contract import Contract
from kfp_state import Frame

from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.pipelines.submit import schedule, server_runs
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.schedule_times import trigger

Values = dict[str, Any]


@pytest.fixture
def create(server: Server, pipeline: str, arguments: Values, root: str) -> Any:
    def call(name: str = "nightly", cron: str = "0 6 * * *", **options: Any) -> str:
        when = options.pop("trigger", None) or trigger(cron=cron)
        options = {"arguments": arguments, "pipeline_root": root, **options}
        values = options.pop("arguments")
        return schedule.create(name, pipeline, values, server=server, trigger=when, **options)

    return call


def test_five_fields_reach_the_server_as_six(contract: Contract, create: Any):
    body = contract.state.schedules[create()]
    assert body["trigger"] == {"cron_schedule": {"cron": "0 0 6 * * *"}}
    assert body["mode"] == "ENABLE"
    assert body["no_catchup"] is True
    assert body["max_concurrency"] == "1"
    assert body["runtime_config"]["parameters"]["module_file"].startswith("file://")


def test_an_interval_with_times_catch_up_and_concurrency(contract: Contract, create: Any):
    start, end = "2026-01-31T06:00:00Z", "2026-12-31T06:00:00Z"
    when = trigger(every="6h", start=start, end=end)
    body = contract.state.schedules[create(trigger=when, catch_up=True, max_concurrency=3)]
    expected = {"interval_second": 21600, "start_time": start, "end_time": end}
    assert body["trigger"] == {"periodic_schedule": expected}
    assert "no_catchup" not in body
    assert body["max_concurrency"] == "3"


def test_the_list_goes_over_all_pages_and_shows_what_was_set(server: Server, create: Any):
    for number in range(5):
        create(f"s{number}")
    create("hourly", trigger=trigger(every="1h", start="2026-01-31T06:00:00Z"), catch_up=True)
    entries = {entry.name: entry for entry in schedule.all_schedules(server)}
    assert list(entries) == ["s0", "s1", "s2", "s3", "s4", "hourly"]
    assert str(entries["s0"].trigger) == "0 0 6 * * *"
    assert str(entries["hourly"].trigger) == "every 1h from 2026-01-31T06:00:00Z"
    assert (entries["s0"].catch_up, entries["hourly"].catch_up) == (False, True)
    assert all(entry.enabled and entry.max_concurrency == 1 for entry in entries.values())


def test_pause_resume_and_delete_by_name(server: Server, create: Any):
    create("a")
    create("b")
    schedule.pause(server, "a")
    assert [entry.enabled for entry in schedule.all_schedules(server)] == [False, True]
    schedule.resume(server, "a")
    assert [entry.enabled for entry in schedule.all_schedules(server)] == [True, True]
    schedule.delete(server, "a")
    assert [entry.name for entry in schedule.all_schedules(server)] == ["b"]


@pytest.fixture
def going(contract: Contract, create: Any) -> str:
    """The id of a run of the schedule `nightly` that goes on."""
    return contract.state.start_of_schedule(create(), "nightly-1")


def test_a_schedule_is_not_deleted_under_its_running_runs(
    contract: Contract, server: Server, going: str
):
    said = f"1 of its runs go on.*{going} .nightly-1, running.*--running wait or --running"
    with pytest.raises(ParameterError, match=said):
        schedule.delete(server, "nightly")
    assert [entry.enabled for entry in schedule.all_schedules(server)] == [True]
    assert contract.state.runs[going]["state"] == "RUNNING"


def test_runs_are_terminated_before_their_schedule_is_deleted(
    contract: Contract, server: Server, going: str
):
    lines: list[str] = []
    schedule.delete(server, "nightly", "terminate", tell=lines.append, poll_seconds=0)
    assert contract.state.runs[going]["state"] == "FAILED"
    assert contract.state.ends.gone == set()
    assert [line.split(" (")[0] for line in lines] == [f"terminating {going}"]
    changes = [one.partition(" ")[2] for one in contract.requests if "GET" not in one][-3:]
    assert [change.rpartition(":")[2] for change in changes[:2]] == ["disable", "terminate"]
    assert schedule.all_schedules(server) == []


def test_runs_are_waited_for_before_their_schedule_is_deleted(
    contract: Contract, server: Server, going: str
):
    contract.state.frames = (Frame("RUNNING"), Frame("RUNNING"), Frame("SUCCEEDED"))
    schedule.delete(server, "nightly", schedule.Running.WAIT, poll_seconds=0)
    assert contract.state.runs[going]["state"] == "SUCCEEDED"
    assert not contract.requests_like(f"POST runs/{going}")
    assert contract.state.schedules == {}


def test_runs_of_other_schedules_are_left_alone(contract: Contract, server: Server, create: Any):
    other = contract.state.start_of_schedule(create("weekly"), "weekly-1")
    create("nightly")
    schedule.delete(server, "nightly", "terminate", poll_seconds=0)
    assert contract.state.runs[other]["state"] == "RUNNING"


def test_a_run_that_does_not_end_leaves_the_schedule_paused_and_says_so(
    contract: Contract, server: Server, going: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(server_runs, "CANCEL_SECONDS", 0.0)
    contract.state.ends.orphan(contract.state.runs[going], Frame)
    contract.state.runs[going]["state"] = "CANCELING"
    with pytest.raises(NotReadyError, match="the schedule is paused, and not deleted"):
        schedule.delete(server, "nightly", "terminate", poll_seconds=0)
    assert [entry.enabled for entry in schedule.all_schedules(server)] == [False]


def test_an_unknown_choice_is_refused_with_those_there_are(server: Server, create: Any):
    create()
    with pytest.raises(ParameterError, match="there are refuse, wait, terminate"):
        schedule.delete(server, "nightly", "kill")


def test_a_name_that_several_have_is_answered_with_their_ids(
    contract: Contract, server: Server, create: Any
):
    first, second = create("a"), create("b")
    contract.state.schedules[second]["display_name"] = "a"
    with pytest.raises(ParameterError, match=f"name one by id: {first}, {second}"):
        schedule.pause(server, "a")
    schedule.delete(server, second)
    assert list(contract.state.schedules) == [first]


def test_an_unknown_name_is_answered_with_the_nearest(server: Server, create: Any):
    create("nightly")
    with pytest.raises(ParameterError, match="there is none; did you mean nightly"):
        schedule.pause(server, "nightli")


def test_a_name_that_is_taken_is_refused_before_anything_is_uploaded(
    contract: Contract, create: Any
):
    create("nightly")
    with pytest.raises(ParameterError, match="'nightly': there is one already"):
        create("nightly", image_prefix="registry.example.com")
    assert len(contract.state.schedules) == len(contract.state.versions) == 1


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"name": " "}, "give the schedule a name"),
        ({"max_concurrency": 0}, "max_concurrency=0: use 1 to 10"),
        ({"max_concurrency": 11}, "max_concurrency=11: use 1 to 10"),
        ({"arguments": {}}, "data is missing.*module_file is missing"),
    ],
)
def test_what_is_wrong_is_named_before_the_server_is_asked(
    contract: Contract, create: Any, options: Values, fault: str
):
    with pytest.raises(ParameterError, match=fault):
        create(**options)
    assert contract.requests == []
