"""What starts when: the pure rules, then a run of real processes that wait for each other."""

from pathlib import Path
from typing import Any

import toy_beside
from toy_runner import Runner, compiled

from kanaria.pipelines.local import plan, task_order
from kanaria.pipelines.local.record import State


def names(pipeline: Any, folder: Path, cores: int, *ended: str, has_failed: bool = False) -> set:
    """Return the tasks that run when `ended` have ended, on so many cores."""
    toy_plan = plan.read(compiled(pipeline, folder))
    running: list[plan.Task] = []
    while True:
        now = task_order.Now(ended=ended, running=running, has_failed=has_failed)
        task = task_order.next_task(toy_plan, now, cores)
        if task is None:
            return {each.name for each in running}
        running.append(task)


def test_tasks_that_wait_for_nothing_start_together_as_cores_allow(tmp_path: Path):
    assert names(toy_beside.beside, tmp_path, 4) == {"meet", "meet-2"}
    assert names(toy_beside.beside, tmp_path, 1) == {"meet"}
    assert names(toy_beside.beside, tmp_path, 4, "meet", "meet-2") == {"meet-3"}


def test_of_the_tasks_that_use_all_cores_one_runs_at_a_time(tmp_path: Path):
    assert names(toy_beside.heavy, tmp_path, 4) == {"meet", "train-model-toy"}
    assert names(toy_beside.heavy, tmp_path, 4, "train-model-toy") == {"meet", "train-model-toy-2"}


def test_an_exit_task_waits_for_all_it_stands_around_or_for_those_that_run_at_a_failure(
    tmp_path: Path,
):
    assert names(toy_beside.closing, tmp_path, 4, "meet") == {"meet-2"}
    assert names(toy_beside.closing, tmp_path, 4, "meet", "meet-2") == {"say", "say-2"}
    assert names(toy_beside.closing, tmp_path, 4, "meet", has_failed=True) == {"say"}
    assert names(toy_beside.closing, tmp_path, 4, has_failed=True) == set()


def test_independent_tasks_run_at_the_same_time(runner: Runner, tmp_path: Path):
    """Each ends only when it has seen the other."""
    runner_of_two = runner.run(compiled(toy_beside.beside, tmp_path), folder=str(tmp_path))
    assert runner_of_two.state is State.SUCCEEDED


def test_what_runs_beside_a_task_that_fails_ends_and_nothing_else_starts(
    runner: Runner, tmp_path: Path
):
    record = runner.run(compiled(toy_beside.failing, tmp_path), folder=str(tmp_path))
    states = {task.name: task.state for task in record.tasks}
    assert record.state is State.FAILED
    assert states == {
        "fail-when-met": State.FAILED,
        "outlive": State.SUCCEEDED,
        "meet": State.PENDING,
        "say": State.PENDING,
    }
    again = runner.run(compiled(toy_beside.failing, tmp_path), folder=str(tmp_path))
    assert {task.name: task.state for task in again.tasks}["outlive"] is State.REUSED
