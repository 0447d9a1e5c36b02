"""Exit tasks run after the tasks that they stand around, whatever became of those."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import toy_exits
import yaml
from kfp import local
from test_local_run import eventually, states, task
from toy_runner import Runner, compiled

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.local import plan, summary
from kanaria.pipelines.local.record import RunRecord, State, all_runs
from kanaria.pipelines.local.run_page import markdown_page
from kanaria.pipelines.local.run_page import page as run_page


def run(runner: Runner, pipeline: Any, folder: Path, **values: Any) -> RunRecord:
    return runner.run(compiled(pipeline, folder), **values)


def test_an_exit_task_is_told_that_all_went_well(runner: Runner, tmp_path: Path):
    record = run(runner, toy_exits.going_well, tmp_path, note="x")
    assert record.state is State.SUCCEEDED
    assert states(record) == {
        "apologise": "succeeded",
        "condition-2/fail": "skipped",
        "farewell": "succeeded",
    }
    assert task(record, "farewell").parameters["Output"] == "x: exit-handler-1 SUCCEEDED"


def test_an_exit_task_runs_after_a_failure_and_the_run_stays_failed(runner: Runner, tmp_path: Path):
    record = run(runner, toy_exits.going_wrong, tmp_path)
    assert record.state is State.FAILED
    assert states(record) == {"fail": "failed", "apologise": "pending", "farewell": "succeeded"}
    assert task(record, "farewell").parameters["Output"] == "bye: exit-handler-1 FAILED"


@pytest.mark.parametrize("name", ["going_well", "going_wrong"])
def test_the_status_is_that_of_kfp_local(runner: Runner, tmp_path: Path, name: str):
    pipeline = getattr(toy_exits, name)
    ours = task(run(runner, pipeline, tmp_path), "farewell").parameters["Output"]
    local.init(
        local.SubprocessRunner(use_venv=False),
        pipeline_root=str(tmp_path / "kfp"),
        raise_on_error=False,
    )
    pipeline()
    (written,) = (tmp_path / "kfp").rglob("farewell/executor_output.json")
    assert json.loads(written.read_text())["parameterValues"]["Output"] == ours


def test_an_exit_task_is_told_the_cause(runner: Runner, tmp_path: Path):
    record = run(runner, toy_exits.reasons, tmp_path)
    assert task(record, "why").parameters["Output"] == "2 fail: ValueError: no flour"


def test_an_exit_task_need_not_ask_for_the_status(runner: Runner, tmp_path: Path):
    record = run(runner, toy_exits.guarded, tmp_path)
    assert record.state is State.FAILED
    assert states(record) == {"fail": "failed", "apologise": "succeeded"}


def test_an_exit_task_that_fails_is_told_and_leaves_the_run_its_state(
    runner: Runner, tmp_path: Path
):
    record = run(runner, toy_exits.bad_exit, tmp_path)
    assert record.state is State.SUCCEEDED
    lines = list(summary.failures(record))
    assert lines[0] == "error: broken: ValueError: no stamps for SUCCEEDED"


def test_of_two_handlers_the_one_that_was_not_entered_has_no_exit(runner: Runner, tmp_path: Path):
    record = run(runner, toy_exits.two_handlers, tmp_path)
    assert states(record) == {
        "fail": "failed",
        "farewell": "succeeded",
        "apologise": "pending",
        "clean-up": "pending",
        "apologise-2": "pending",
    }


def test_who_waits_for_a_handler_does_so_whatever_was_skipped_in_it(runner: Runner, tmp_path: Path):
    record = run(runner, toy_exits.waiting, tmp_path)
    assert states(record) == {
        "apologise": "succeeded",
        "condition-2/apologise-2": "skipped",
        "apologise-3": "succeeded",
        "clean-up": "succeeded",
    }


def test_an_exit_task_of_the_same_status_runs_again(runner: Runner, tmp_path: Path):
    run(runner, toy_exits.going_well, tmp_path)
    again = run(runner, toy_exits.going_well, tmp_path)
    assert states(again)["apologise"] == "reused"
    assert states(again)["farewell"] == "succeeded"


def test_after_ctrl_c_an_exit_task_is_told_that_the_run_was_cancelled(
    runner: Runner, tmp_path: Path
):
    document = compiled(toy_exits.sleepy, tmp_path)
    path = tmp_path / "sleepy.yaml"
    path.write_text(yaml.safe_dump(document))
    command = [Path(sys.executable).with_name("kanaria"), "run", path, "--root", runner.root.path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def is_asleep() -> bool:
        runs = all_runs(runner.root.runs)
        return bool(runs) and runs[0].tasks[0].state is State.RUNNING

    eventually(is_asleep)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    (record,) = all_runs(runner.root.runs)
    assert record.state is State.INTERRUPTED
    assert task(record, "sleep").cause == "the runner was stopped"
    assert task(record, "why").parameters["Output"] == "1 sleep: the runner was stopped"


def test_markdown_is_a_page_without_raw_html(runner: Runner, tmp_path: Path):
    record = run(runner, toy_exits.going_well, tmp_path)
    card = Path(task(record, "farewell").artifacts["card"])
    page = card.with_suffix(".html")
    text = page.read_text()
    assert "<h1>bye: exit-handler-1 SUCCEEDED</h1>" in text
    assert "<td>&lt;b&gt;1&lt;/b&gt;</td>" in text
    assert f"report: {page}" in list(summary.lines(record))
    folder = runner.root.runs / record.run_id
    assert '<a href="farewell/card.html">card</a>' in run_page.render(record, folder)


@pytest.mark.parametrize(
    ("path", "page"),
    [("/r/a.md", "/r/a.html"), ("/r/a.html", "/r/a.html"), ("/r/a.mdx", ""), ("/r/md", "")],
)
def test_what_is_opened_for_an_artifact(path: str, page: str):
    assert markdown_page.to_open(path) == page


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (toy_exits.of_outputs, "task clean-up: outputs of tasks that may have failed"),
        (toy_exits.graph_exit, "task leave: a pipeline as an exit task"),
        (toy_exits.shell_exit, "task shell: not a lightweight Python component"),
    ],
)
def test_an_exit_task_that_cannot_be_run_here_is_refused(
    pipeline: Any, message: str, tmp_path: Path
):
    with pytest.raises(ParameterError, match=message):
        plan.read(compiled(pipeline, tmp_path))


def test_a_task_that_waits_for_an_exit_task_is_refused(tmp_path: Path):
    document = compiled(toy_exits.two_handlers, tmp_path)
    document["root"]["dag"]["tasks"]["apologise-2"]["dependentTasks"] = ["farewell"]
    with pytest.raises(
        ParameterError, match="task apologise-2: it waits for the exit task farewell"
    ):
        plan.read(document)


def test_equal_names_inside_and_outside_a_handler_stay_apart(tmp_path: Path):
    document = compiled(toy_exits.two_handlers, tmp_path)
    inner = document["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    inner["apologise-2"] = inner.pop("fail")
    names = [one.name for one in plan.read(document).tasks]
    assert len(names) == len(set(names)) == 5
    assert "exit-handler-1/apologise-2" in names
