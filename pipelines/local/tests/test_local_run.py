import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import toy
import yaml
from kfp import local
from toy_runner import Runner, compiled

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.local import plan, summary
from kanaria.pipelines.local.record import RunRecord, State, all_runs


def states(record: RunRecord) -> dict[str, str]:
    return {task.name: task.state.value for task in record.tasks}


def is_running(process: str) -> bool:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] != "Z"  # A machine's first process may be slow to collect the dead.


def eventually(look: Callable[[], Any]) -> Any:
    """Return what `look` finds, as soon as that is true; ten minutes are a bound, not a measure."""
    deadline = time.monotonic() + 600
    while not (result := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result


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
        outputs = [
            next(root.rglob(name)).read_text() for root in (runner.root.runs, tmp_path / "kfp")
        ]
        assert outputs[0] == outputs[1]
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


@pytest.mark.parametrize(
    ("why", "policy", "ended"),
    [
        ("", "", {"refuse": "succeeded", "use": "skipped"}),
        ("", "p", {"refuse": "succeeded", "use": "succeeded"}),
        ("too salty", "p", {"refuse": "failed", "use": "pending"}),
    ],
)
def test_a_step_that_refuses_ends_a_run_as_it_does_in_kfp_local(
    runner: Runner, tmp_path: Path, why: str, policy: str, ended: dict[str, str]
):
    record = runner.run(compiled(toy.refusing, tmp_path), why=why, policy=policy)
    assert {name.rpartition("/")[2]: state for name, state in states(record).items()} == ended
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "kfp"))
    with pytest.raises(RuntimeError) if why else nullcontext():
        toy.refusing(why=why, policy=policy)
    theirs = {path.parent.name for path in (tmp_path / "kfp").glob("*/*/executor_output.json")}
    assert theirs == {name for name, state in ended.items() if state == "succeeded"}


def test_a_step_that_raises_shows_what_it_has_written(runner: Runner, tmp_path: Path):
    record = runner.run(compiled(toy.refusing, tmp_path), why="too salty")
    refused = task(record, "refuse")
    assert list(refused.artifacts) == ["report"]
    assert Path(refused.artifacts["report"]).read_text() == "<p>too salty</p>"
    page = (runner.root.runs / record.run_id / "index.html").read_text()
    assert 'href="refuse/report.html"' in page
    assert f"report: {refused.artifacts['report']}" in summary.lines(record)


def test_a_step_killed_with_9_says_so_and_its_output_is_not_reused(runner: Runner, tmp_path: Path):
    document = compiled(toy.dying, tmp_path)
    for _ in range(2):
        record = runner.run(document)
        assert task(record, "die").state is State.FAILED
        assert task(record, "die").cause.startswith("killed by signal 9")
        assert not task(record, "die").artifacts
    assert not list(runner.root.cache.glob("*"))


def test_a_finished_step_leaves_no_process_and_no_temporary_file(runner: Runner, tmp_path: Path):
    record = runner.run(compiled(toy.leaving, tmp_path))
    process, folder = task(record, "leave-behind").parameters["Output"].split()
    assert not Path(folder).exists()
    assert eventually(lambda: not is_running(process))  # The kernel takes its time to kill.


def test_a_report_has_the_name_a_browser_shows_it_by(runner: Runner, tmp_path: Path):
    document = compiled(toy.leaving, tmp_path)
    for state in (State.SUCCEEDED, State.REUSED):
        left = task(runner.run(document), "leave-behind")
        assert left.state is state
        path = Path(left.artifacts["out"])
        assert path.suffix == ".html"
        assert path.read_text() == "<p>done</p>"


def test_a_reused_task_still_names_its_log(
    runner: Runner, toy_document: dict[str, Any], text_file: Path
):
    first = runner.run(toy_document, text_file=str(text_file))
    again = runner.run(toy_document, text_file=str(text_file))
    assert task(again, "announce").log == task(first, "announce").log


def test_a_changed_importable_module_runs_what_takes_it(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "bakery.py").write_text("A = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    document = compiled(toy.module, tmp_path)
    states = []
    for text in ("A = 1\n", "A = 1\n", "A = 2\n"):
        (tmp_path / "bakery.py").write_text(text)
        states.append(task(runner.run(document, module_file="bakery"), "use-module").state.value)
    assert states == ["succeeded", "reused", "succeeded"]


def test_runs_at_the_same_time_share_a_root(
    runner: Runner, toy_document: dict[str, Any], text_file: Path
):
    with ThreadPoolExecutor() as pool:
        pending = [
            pool.submit(runner.run, toy_document, text_file=str(text_file), times=times)
            for times in (2, 2, 3)
        ]
    assert {future.result().state for future in pending} == {State.SUCCEEDED}
    again = runner.run(toy_document, text_file=str(text_file), times=3)
    assert set(states(again).values()) == {"reused", "skipped"}


def test_a_pipeline_that_returns_a_value_runs(runner: Runner, tmp_path: Path):
    record = runner.run(compiled(toy.returning, tmp_path))
    assert task(record, "apologise").parameters == {"Output": "sorry"}


def test_an_artifact_as_an_input_of_the_pipeline_is_refused(tmp_path: Path):
    with pytest.raises(ParameterError, match="artifact data as an input of the pipeline"):
        plan.read(compiled(toy.with_input, tmp_path))


def test_what_the_runner_does_not_support_is_refused_before_anything_runs(tmp_path: Path):
    with pytest.raises(ParameterError, match=r"does not support: task .*: a loop"):
        plan.read(compiled(toy.looping, tmp_path))


def started(runner: Runner, tmp_path: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start a run whose step sleeps; return it and the process id of its step."""
    compiled(toy.sleeping, tmp_path)
    kanaria = Path(sys.executable).with_name("kanaria")
    command = [kanaria, "run", tmp_path / "sleeping.yaml", "--root", runner.root.path]
    with (tmp_path / "stderr").open("wb") as stderr:
        process = subprocess.Popen(command, stderr=stderr)

    def children() -> list[str]:
        threads = Path(f"/proc/{process.pid}/task").glob("*/children")
        return [child for thread in threads for child in thread.read_text().split()]

    # The step comes first, then the shell that guards it.
    both = eventually(lambda: len(processes := children()) == 2 and processes)
    return process, min(both, key=int)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)]
)
def test_a_stopped_runner_stops_its_step_and_the_next_run_is_whole(
    runner: Runner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    code: int,
):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    process, step = started(runner, tmp_path)
    process.send_signal(number)
    assert process.wait() == code
    said = {143: "stopped by SIGTERM", 130: "stopped by Ctrl-C"}.get(code)
    again = "; run it again: finished steps are reused\n"
    assert (tmp_path / "stderr").read_text() == (f"{said}{again}" if said else "")
    eventually(lambda: not is_running(step) and not list(scratch.iterdir()))
    assert not list(runner.root.cache.glob("*"))
    assert [run.state for run in all_runs(runner.root.runs)] == [State.INTERRUPTED]
    document = yaml.safe_load((tmp_path / "sleeping.yaml").read_text())
    assert runner.run(document, seconds=0).state is State.SUCCEEDED


def test_a_constant_that_asks_for_the_run_gets_its_id(runner: Runner, tmp_path: Path):
    # A parameter stays the text it is, as under KFP.
    record = runner.run(compiled(toy.placeholders, tmp_path), text="{{$.pipeline_job_uuid}}")
    said = [task.parameters["Output"] for task in record.tasks]
    assert sorted(said) == sorted(
        [record.run_id, f"run {record.run_id}", "{{$.pipeline_job_uuid}}"]
    )
