import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import toy
from kfp import local
from toy_runner import Runner, compiled

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.local import plan
from kanaria.pipelines.local.record import RunRecord, State


def states(record: RunRecord) -> dict[str, str]:
    return {task.name: task.state.value for task in record.tasks}


def task(record: RunRecord, name: str) -> Any:
    return next(task for task in record.tasks if task.name.endswith(name))


def test_a_pipeline_gives_the_same_outputs_as_kfp_local(
    runner: Runner, toy_document: dict[str, Any], text_file: Path, tmp_path: Path
):
    record = runner.run(toy_document, text_file=str(text_file))
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "kfp"))
    toy.toy(text_file=str(text_file))
    theirs = {
        path.parent.name: path for path in (tmp_path / "kfp").glob("*/*/executor_output.json")
    }
    ours = {path.parent.name: path for path in runner.root.runs.glob("*/**/executor_output.json")}
    assert set(theirs) == set(ours) == {"write-words", "count-letters", "announce"}
    for name in ("out", "upper/text.txt"):
        found = [
            next(root.rglob(name)).read_text() for root in (runner.root.runs, tmp_path / "kfp")
        ]
        assert found[0] == found[1]
    assert task(record, "announce").parameters == {"Output": "A\nBA\nB"}


def test_a_condition_that_does_not_hold_skips_its_tasks(
    runner: Runner, toy_document: dict[str, Any], text_file: Path
):
    record = runner.run(toy_document, text_file=str(text_file))
    assert task(record, "announce").state is State.SUCCEEDED
    assert task(record, "apologise").state is State.SKIPPED


def test_nothing_changed_means_everything_is_reused(
    runner: Runner, toy_document: dict[str, Any], text_file: Path
):
    runner.run(toy_document, text_file=str(text_file))
    again = runner.run(toy_document, text_file=str(text_file))
    assert set(states(again).values()) == {"reused", "skipped"}


def test_a_changed_parameter_runs_only_what_takes_it(
    runner: Runner, toy_document: dict[str, Any], text_file: Path
):
    runner.run(toy_document, text_file=str(text_file))
    again = runner.run(toy_document, text_file=str(text_file), times=3)
    assert task(again, "write-words").state is State.REUSED
    assert task(again, "count-letters").state is State.REUSED
    assert task(again, "announce").state is State.SUCCEEDED


def test_a_changed_file_runs_what_takes_it_and_what_follows(
    runner: Runner, toy_document: dict[str, Any], text_file: Path
):
    runner.run(toy_document, text_file=str(text_file))
    text_file.write_text("hullo")
    again = runner.run(toy_document, text_file=str(text_file))
    assert {task.state for task in again.tasks} == {State.SUCCEEDED, State.SKIPPED}


def test_changed_code_runs_the_step(runner: Runner, toy_document: dict[str, Any], text_file: Path):
    runner.run(toy_document, text_file=str(text_file))
    command = toy_document["deploymentSpec"]["executors"]["exec-announce"]["container"]["command"]
    changed = [part.replace("[:3]", "[:4]") for part in command]
    executors = toy_document["deploymentSpec"]["executors"]
    announce = {**executors["exec-announce"]["container"], "command": changed}
    document = {
        **toy_document,
        "deploymentSpec": {"executors": {**executors, "exec-announce": {"container": announce}}},
    }
    again = runner.run(document, text_file=str(text_file))
    assert task(again, "count-letters").state is State.REUSED
    assert task(again, "announce").state is State.SUCCEEDED


def test_a_reused_output_that_somebody_changed_is_not_reused(
    runner: Runner, toy_document: dict[str, Any], text_file: Path
):
    first = runner.run(toy_document, text_file=str(text_file))
    Path(task(first, "write-words").artifacts["out"]).write_text("tampered")
    again = runner.run(toy_document, text_file=str(text_file))
    assert task(again, "write-words").state is State.SUCCEEDED
    assert task(again, "count-letters").state is State.REUSED


def test_a_failure_names_the_cause_and_the_rest_is_not_run(runner: Runner, tmp_path: Path):
    record = runner.run(compiled(toy.failing, tmp_path))
    assert record.state is State.FAILED
    assert task(record, "fail").cause == "ValueError: the oven is cold"
    assert task(record, "apologise").state is State.PENDING


@pytest.mark.parametrize("pipeline", [toy.looping, toy.guarded])
def test_what_the_runner_does_not_support_is_refused_before_anything_runs(
    pipeline: Any, tmp_path: Path
):
    with pytest.raises(
        ParameterError, match=r"does not support: task .*: (a loop|an exit handler)"
    ):
        plan.read(compiled(pipeline, tmp_path))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_runner_stops_its_step_and_the_next_run_is_whole(
    runner: Runner, tmp_path: Path, number: signal.Signals
):
    document = compiled(toy.sleeping, tmp_path)
    kanaria = Path(sys.executable).with_name("kanaria")
    command = [kanaria, "run", tmp_path / "sleeping.yaml", "--root", runner.root.path]
    process = subprocess.Popen(command)
    while not list(runner.root.runs.glob("*/sleep/log.txt")):
        time.sleep(0.05)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    step = next(iter(children.read_text().split()))
    process.send_signal(number)
    assert process.wait() == 130
    assert not Path(f"/proc/{step}").exists()
    assert not list(runner.root.cache.glob("*"))
    assert runner.run(document, seconds=0).state is State.SUCCEEDED
