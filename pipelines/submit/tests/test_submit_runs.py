"""Runs of a server that answers as KFP 2.17.0 does: found, watched, cancelled, retried."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp_contract import Contract
from kfp_state import Frame

from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.pipelines.submit import pipeline_package, run_listing, server_runs
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.run_snapshot import Outcome, Snapshot
from kanaria.pipelines.submit.submit_pipeline import Submitted, submit

Values = dict[str, Any]
Start = Callable[..., Submitted]


@pytest.fixture
def start(server: Server, pipeline: str, arguments: Values, root: str) -> Start:
    def call(name: str = "", **options: Any) -> Submitted:
        settings = {"pipeline_root": root, "run_name": name, **options}
        return submit(settings.pop("pipeline", pipeline), arguments, server=server, **settings)

    return call


def log(run: server_runs.Run, task: str, text: str) -> Path:
    folder = Path(run.pipeline_root.removeprefix("file://")) / "taste" / run.run_id / task
    path = folder / "e1" / "executor-logs-0"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def shown_looks(
    contract: Contract, run: server_runs.Run, server: Server, *frames: Frame
) -> list[list[str]]:
    """Return what each look at a run says of its tasks."""
    contract.state.frames, contract.state.looks = frames, 0
    shown: list[Snapshot] = []
    server_runs.wait(run, server, show=shown.append, poll_seconds=0)
    return [[f"{task.name} {task.said}" for task in now.tasks] for now in shown]


def test_a_step_that_took_an_earlier_result_is_cached(
    contract: Contract, server: Server, start: Start
):
    tasks = {"cook": "CACHED", "serve-dish": "SUCCEEDED"}
    frames = shown_looks(contract, start(), server, Frame("SUCCEEDED", tasks))
    assert frames == [["cook cached", "serve-dish succeeded"]]


def test_what_a_cancellation_ended_is_stopped_and_not_failed(
    contract: Contract, server: Server, start: Start
):
    run = start()
    frames = (Frame("CANCELING", {"cook": "RUNNING"}), Frame("FAILED", {"cook": "FAILED"}))
    assert shown_looks(contract, run, server, *frames) == [["cook running"], ["cook stopped"]]
    _, finished = server_runs.look_at(run, server)  # Somebody who looks later.
    assert finished
    assert (finished.outcome, finished.failed) == (Outcome.CANCELED, ())
    assert [one.said for one in run_listing.newest(server, 9)] == ["cancelled"]


def test_a_failed_task_has_the_cause_from_its_log(contract: Contract, server: Server, start: Start):
    run = start()
    path = log(run, "cook", "Traceback (most recent call last):\n  File x\nValueError: too salty\n")
    contract.state.frames = (Frame("FAILED", {"cook": "FAILED"}),)
    for followed in (run, server_runs.find(server, run.run_id)):  # Whoever did not submit it too.
        finished = server_runs.wait(followed, server, show=lambda _: None, poll_seconds=0)
        assert [(t.name, t.cause, t.log) for t in finished.failed] == [
            ("cook", "ValueError: too salty", str(path))
        ]
        assert finished.never_ran == ("serve-dish",)


def judging(run: server_runs.Run, text: str) -> server_runs.Run:
    """Return the run as if `cook` judged, and did not let pass what `text` says."""
    folder = log(run, "cook", "error: another\n").parent
    reason = outcome.Reason(severity="ERROR", subject="x", kind="drift", text=text)
    outcome.write(outcome.Outcome(step="cook", passed=False, reasons=(reason,)), folder / "outcome")
    return replace(run, names=replace(run.names, judges=("cook",)))


@pytest.mark.parametrize("outcome_name", ["SUCCEEDED", "FAILED"])
def test_what_a_judging_step_did_not_let_pass_is_told(
    contract: Contract, server: Server, start: Start, outcome_name: str
):
    run = judging(start(), "x drifted")
    contract.state.frames = (Frame(outcome_name, {"cook": "SUCCEEDED"}),)
    _, finished = server_runs.look_at(run, server)
    assert finished
    assert finished.verdicts == ("cook did not pass: x drifted",)


def test_a_verdict_that_a_failed_step_says_itself_is_told_once(
    contract: Contract, server: Server, start: Start
):
    run = judging(start(), "x drifted")
    log(run, "serve-dish", "error: cook did not pass: x drifted; mend the data\n")
    contract.state.frames = (Frame("FAILED", {"cook": "SUCCEEDED", "serve-dish": "FAILED"}),)
    _, finished = server_runs.look_at(run, server)
    assert finished
    assert finished.verdicts == ()
    assert finished.failed[0].cause == "cook did not pass: x drifted; mend the data"


def test_a_failed_driver_is_a_failure_of_its_step(contract: Contract, server: Server, start: Start):
    contract.state.frames = (Frame("FAILED", {"cook": "UNDRIVEN"}),)
    finished = server_runs.wait(start(), server, show=lambda _: None, poll_seconds=0)
    (task,) = finished.failed
    assert task.name == "cook"
    assert "before the step began" in task.cause


@pytest.mark.parametrize(
    ("tasks", "names"),
    [
        ({"cook": "WAITING"}, {("cook",)}),
        ({"cook": "UNPREPARED"}, {("cook",)}),
        ({"cook": "RUNNING"}, set()),
        ({"cook": "SUCCEEDED", "serve-dish": "WAITING"}, {("serve-dish",)}),
        ({}, set()),
    ],
)
def test_a_step_whose_pod_is_pending_waits(
    contract: Contract, server: Server, start: Start, tasks: dict[str, str], names: set[Any]
):
    contract.state.frames = (Frame("RUNNING", tasks),)
    now, _ = server_runs.look_at(start(), server)
    assert {one.names for one in now.waiting} == names
    assert all(one.since == datetime(2026, 1, 31, 6, tzinfo=UTC) for one in now.waiting)


def test_a_run_that_nobody_takes_up_waits_as_a_whole(
    contract: Contract, server: Server, start: Start
):
    contract.state.frames = (Frame(""),)
    now, _ = server_runs.look_at(start(), server)
    assert [one.names for one in now.waiting] == [()]


def test_a_run_is_found_by_id_name_or_the_beginning_of_one(server: Server, start: Start):
    taste, other = start("nightly 1"), start("weekly")
    for name, run in (
        (taste.run_id, taste),
        ("nightly 1", taste),
        ("night", taste),
        ("weekly", other),
        (other.run_id, other),
        ("", other),
    ):
        assert server_runs.find(server, name).run_id == run.run_id, name
    assert server_runs.find(server, "weekly").names == other.names
    assert server_runs.find(server, "weekly").link == other.link


def test_the_whole_name_goes_before_those_that_begin_so(server: Server, start: Start):
    short, _ = start("nightly"), start("nightly 2")
    assert server_runs.find(server, "nightly").run_id == short.run_id


def test_a_run_with_the_servers_kind_of_id_is_asked_for_directly(
    contract: Contract, server: Server, start: Start
):
    identity = "123e4567-e89b-12d3-a456-426655440000"
    contract.state.runs[identity] = {**contract.state.runs[start().run_id], "run_id": identity}
    contract.requests.clear()
    assert server_runs.find(server, identity).run_id == identity
    assert not contract.requests_like("GET runs ")
    with pytest.raises(ParameterError, match=r"404 Run .* not found"):
        server_runs.find(server, identity.replace("1", "2"))


def test_several_that_are_meant_are_listed_with_their_ids(server: Server, start: Start):
    submitted = [start("nightly") for _ in range(12)]
    with pytest.raises(ParameterError) as raised:
        server_runs.find(server, "night")
    said = str(raised.value)
    assert said.startswith("run='night': 12 runs are called or begin so; name one by its id: ")
    assert said.endswith(" and 2 more")
    assert f"{submitted[-1].run_id} (nightly, pending, 2026-01-31 06:00 UTC)" in said


def test_a_name_that_none_has_is_answered_with_the_nearest(server: Server, start: Start):
    with pytest.raises(ParameterError, match="there is no run yet"):
        server_runs.find(server)
    start("nightly")
    with pytest.raises(ParameterError, match=r"there is none on .*; did you mean 'nightly'"):
        server_runs.find(server, "nigthly")
    with pytest.raises(ParameterError, match="there is none"):
        server_runs.find(server, "ightly")  # Only the beginning of a name means it.
    with pytest.raises(ParameterError, match="see `kanaria runs list`"):
        server_runs.find(server, "%_")  # Not what a database's LIKE takes it for.


def test_the_newest_are_listed_last_over_all_pages_without_those_archived(
    contract: Contract, server: Server, start: Start
):
    for number in range(5):
        start(f"r{number}")
    contract.state.runs[start("old").run_id]["storage_state"] = "ARCHIVED"
    assert [one.run_name for one in run_listing.newest(server, 3)] == ["r2", "r3", "r4"]
    assert len(run_listing.newest(server, 99)) == 5


@pytest.mark.usefixtures("contract")
def test_a_hostile_name_is_shown_as_text(server: Server, start: Start):
    start("x\x1b[2J\ny\u202e")
    assert [one.run_name for one in run_listing.newest(server, 9)] == ["x y"]


def test_without_its_pipeline_a_runs_tasks_are_told_from_the_engines(
    contract: Contract, server: Server, start: Start
):
    run = start("orphan")
    contract.state.versions.clear()
    contract.state.frames = (Frame("RUNNING", {"cook": "RUNNING"}),)
    now, _ = server_runs.look_at(server_runs.find(server, "orphan"), server)
    assert [task.name for task in now.tasks] == ["cook"]
    assert server_runs.find(server, "orphan").pipeline_root == run.pipeline_root


def test_a_pipeline_with_settings_of_a_platform_is_read_too(
    server: Server, start: Start, pipeline: str, tmp_path: Path
):
    both = tmp_path / "both.yaml"
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {}}}}}
    both.write_text(f"{Path(pipeline).read_text()}\n---\n{yaml.safe_dump(platform)}")
    run = start("both", pipeline=str(both))
    assert server_runs.find(server, "both").names == run.names
    assert server_runs.find(server, "both").pipeline == "taste"


def test_cancelling_ends_a_run_and_waits_for_its_end(
    contract: Contract, server: Server, start: Start
):
    run = start()
    contract.state.frames = (Frame("RUNNING", {"cook": "RUNNING"}),)
    finished = server_runs.cancel(run, server, poll_seconds=0)
    assert (finished.outcome, finished.failed) == (Outcome.CANCELED, ())
    assert len(contract.requests_like(f"POST runs/{run.run_id}:terminate")) == 1
    with pytest.raises(ParameterError, match=r"has ended already \(failed\)"):
        server_runs.cancel(run, server)


def test_a_run_without_a_workflow_does_not_end_and_that_is_said(
    contract: Contract, server: Server, start: Start, monkeypatch: pytest.MonkeyPatch
):
    run = start()
    contract.state.ends.orphan(contract.state.runs[run.run_id], Frame)
    with pytest.raises(NotReadyError, match="error terminating its workflow"):
        server_runs.cancel(run, server, poll_seconds=0)
    monkeypatch.setattr(server_runs, "CANCEL_SECONDS", 0.0)
    with pytest.raises(NotReadyError, match=r"still says CANCELING .* may be gone"):
        server_runs.cancel(run, server, poll_seconds=0)
    assert len(contract.requests_like("POST runs/")) == 1


def test_a_failed_run_goes_on_when_it_is_retried(contract: Contract, server: Server, start: Start):
    run = start()
    contract.state.frames = (Frame("FAILED", {"cook": "FAILED"}),)
    assert server_runs.wait(run, server, show=lambda _: None).outcome is Outcome.FAILED
    server_runs.retry(run, server)
    assert (
        server_runs.wait(run, server, show=lambda _: None, poll_seconds=0).outcome
        is Outcome.SUCCEEDED
    )


@pytest.mark.parametrize(
    ("state", "remedy"), [("RUNNING", "cancel it first, or wait"), ("SUCCEEDED", "submit it again")]
)
def test_only_a_failed_run_is_retried(
    contract: Contract, server: Server, start: Start, state: str, remedy: str
):
    run = start()
    contract.state.frames = (Frame(state),)
    with pytest.raises(ParameterError, match=f"is {state.lower()}; only a run .*; {remedy}"):
        server_runs.retry(run, server)
    assert not contract.requests_like(f"POST runs/{run.run_id}")


def test_a_failure_after_a_retry_is_none_of_the_cancellation_before(
    contract: Contract, server: Server, start: Start
):
    run = start()
    server_runs.cancel(run, server, poll_seconds=0)
    server_runs.retry(run, server)
    contract.state.ends.frames[run.run_id] = [Frame("RUNNING"), Frame("FAILED", {"cook": "FAILED"})]
    finished = server_runs.wait(run, server, show=lambda _: None, poll_seconds=0)
    assert finished.outcome is Outcome.FAILED
    assert [task.name for task in finished.failed] == ["cook"]


def test_a_notebook_shows_a_found_run_as_a_link(server: Server, start: Start):
    run = start("a <b>")
    shown = server_runs.find(server, run.run_id)._repr_html_()
    assert re.fullmatch(rf'<a href="{run.link}" target="_blank">a &lt;b&gt;</a>', shown)


def graph(**tasks: Any) -> dict[str, Any]:
    """A compiled pipeline of tasks, given as component or (component, what it waits for)."""
    root = {}
    for key, needs in tasks.items():
        component, *needed = needs if isinstance(needs, tuple) else (needs,)
        root[key] = {"componentRef": {"name": component}, "dependentTasks": needed}
    return {"root": {"dag": {"tasks": root}}, "components": {"step": {}}}


def test_steps_are_named_in_their_order_whatever_the_order_of_the_file():
    flow = graph(b=("step", "a"), c=("step", "inner"), inner=("inner", "b"), a="step")
    inside = {"d": {"componentRef": {"name": "step"}}, "e": {"componentRef": {"name": "inner"}}}
    flow["components"]["inner"] = {"dag": {"tasks": inside}}  # It holds itself, too.
    names = pipeline_package.names(flow)
    assert list(names.steps) == ["a", "b", "d", "c"]
    assert list(names.branches) == ["inner", "e"]
    assert names.never_ran(["a"]) == ["b", "d", "c"]


def test_steps_that_wait_for_each_other_are_named_as_they_stand():
    assert list(pipeline_package.names(graph(b=("step", "a"), a=("step", "b"))).steps) == ["b", "a"]
