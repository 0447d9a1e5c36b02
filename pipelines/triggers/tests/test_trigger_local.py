"""Runs of this machine that a trigger starts: their names, their ends, and what is told of them."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from kanaria.components.shared.errors import ParameterError, UserCodeError
from kanaria.pipelines.local import record
from kanaria.pipelines.local.launch import launch
from kanaria.pipelines.triggers.local_starter import LocalStarter
from kanaria.serving.triggers.starter import Order, RunEnd
from kanaria.serving.triggers.trigger_file import Runs, Start

KANARIA = Path(sys.executable).with_name("kanaria")


def test_a_name_is_one_runs_alone(tmp_path: Path, pipeline: Path):
    command = [KANARIA, "run", pipeline, "--root", tmp_path, "--run-name", "june"]
    first, second = (subprocess.run(command, capture_output=True, text=True) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 1)
    assert "run_name='june': there is a run of this name" in second.stderr
    assert [run.run_id for run in record.all_runs(tmp_path / "runs")] == ["june"]
    with pytest.raises(ParameterError, match="use up to 100 letters"):
        launch(str(pipeline), run_name="../june")


def test_a_run_that_fails_is_told_with_its_cause_and_one_that_cannot_begin_too(
    tmp_path: Path, pipeline: Path
):
    starter = LocalStarter(Runs(root=str(tmp_path)))
    start = Start(pipeline=str(pipeline), set={"fails": True})
    starter.check(start)
    begun = starter.start(Order(run_name="june", start=start))
    while (end := starter.ended(begun.run_id)) is None:
        assert starter.under_way(start) in ("june", "")
    assert end[0] is RunEnd.FAILED
    assert "the data is gone" in end[1]
    wrong = Start(pipeline=str(pipeline), set={"fails": "perhaps"})
    with pytest.raises(ParameterError, match="fails='perhaps'"):
        starter.check(wrong)
    with pytest.raises(UserCodeError, match=r"run july: .*fails='perhaps'"):
        starter.start(Order(run_name="july", start=wrong))


def processes_of(folder: Path) -> list[str]:
    """Return the numbers of the processes that are told of a folder."""
    numbers = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # It has ended since.
            if str(folder).encode() in (process / "cmdline").read_bytes():
                numbers.append(process.name)
    return numbers


def test_a_run_that_a_trigger_started_is_ended_with_its_task(tmp_path: Path, pipeline: Path):
    starter = LocalStarter(Runs(root=str(tmp_path)))
    start = Start(pipeline=str(pipeline), set={"seconds": 3600.0})
    begun = starter.start(Order(run_name="june", start=start))
    folder = tmp_path / "runs" / begun.run_id
    while not (run := record.read(folder)) or run.tasks[0].state is not record.State.RUNNING:
        assert starter.ended(begun.run_id) is None
    while not processes_of(folder):
        assert starter.ended(begun.run_id) is None
    assert record.stop(folder)
    assert record.read(folder).state is record.State.INTERRUPTED
    assert starter.ended(begun.run_id)[0] is RunEnd.FAILED
    assert starter.under_way(start) == ""
    assert not record.stop(folder)
    assert processes_of(folder) == []
