import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import toy_training
from kfp import dsl
from toy_runner import Runner, compiled

from kanaria.components.shared.step_images import TRAINING_IMAGE
from kanaria.pipelines.local import plan, runtime_python, step
from kanaria.pipelines.local.step import StepFailedError, StepInputs, StepOutputs
from kanaria.pipelines.local.warm_process import hang_detector
from kanaria.pipelines.local.warm_process.client import Warm


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


def fresh_warm(folder: Path) -> Warm:
    python = runtime_python.python_of(TRAINING_IMAGE)
    return Warm.started(step.environment_of(python, {}, {}), folder / "warm" / "log.txt")


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    started = fresh_warm(tmp_path_factory.mktemp("warm"))
    yield started
    started.end()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., StepOutputs]:
    """Runs one of the toys as a step, in a fork or in a fresh process."""

    def run_step(component: Any, name: str, warm: Warm | None, **values: Any) -> StepOutputs:
        @dsl.pipeline(name=name)
        def alone() -> None:
            component(**values)

        (task,) = plan.read(compiled(alone, tmp_path)).tasks
        inputs = {key: source.value for key, source in task.parameters.items()}
        folder = tmp_path / name
        folder.mkdir()
        step_inputs = StepInputs(parameters=inputs, artifacts={})
        return step.run(task, step_inputs, folder, {}, lambda: None, warm)

    return run_step


def log(outputs: StepOutputs) -> str:
    return Path(outputs.log).read_text()


def test_a_fork_sees_what_a_fresh_process_sees(run: Any, warm: Warm):
    forked, fresh = (
        run(toy_training.train_model_describe, name, each)
        for name, each in (("forked", warm), ("fresh", None))
    )
    ours, theirs = (outputs.parameters["Output"] for outputs in (forked, fresh))
    # What imports add, a step that imports TensorFlow has in any process.
    added = ours["variables"].keys() - theirs["variables"].keys()
    assert {name.partition("_")[0] for name in added} <= {"TF", "TF2", "TPU"}
    for kind in ("variables", "warnings", "path"):
        for each in [each for each in ours[kind] if each not in theirs[kind]]:
            ours[kind].pop(each if kind == "variables" else ours[kind].index(each))
    assert ours == theirs
    # Both wrote the same lines to their logs, but for the times.
    lines = [
        [line.partition("]: ")[2] for line in log(each).splitlines() if "component" not in line]
        for each in (forked, fresh)
    ]
    assert [line.replace("/forked/", "/fresh/") for line in lines[0]] == lines[1]


def test_each_fork_draws_random_numbers_of_its_own(run: Any, warm: Warm):
    first, second = (
        run(toy_training.train_model_draw, name, warm).parameters["Output"]
        for name in ("first", "second")
    )
    assert not set(first) & set(second)


def test_tensorflow_computes_in_a_fork(run: Any, warm: Warm):
    done = run(toy_training.train_model_compute, "computing", warm)
    assert done.parameters["Output"] == sum(x * x for x in range(1000))
    assert "fresh process" not in log(done)
    # What it shares with the warm process is its own memory too.
    assert done.peak_mb > 230


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("die", "a fork of the warm process was ended by SIGSEGV"),
        ("hang", "in a fork of the warm process it did nothing for 2 s"),
    ],
)
def test_a_step_that_dies_or_hangs_in_a_fork_runs_again_afresh(
    run: Any, warm: Warm, monkeypatch: pytest.MonkeyPatch, how: str, why: str
):
    monkeypatch.setattr(hang_detector, "STEP_SECONDS", 2.0)
    done = run(toy_training.train_model_once, "once", warm, how=how)
    assert f"kanaria: the step runs again in a fresh process: {why}\n" in log(done)
    # The second attempt found nothing of the first but the log.
    assert done.parameters["Output"] == "log.txt, parameters"


def test_a_step_that_raises_in_a_fork_has_failed(run: Any, warm: Warm, tmp_path: Path):
    with pytest.raises(StepFailedError, match=r"^ValueError: the oven is cold$") as failed:
        run(toy_training.train_model_once, "once", warm, how="raise")
    assert "fresh process" not in (tmp_path / "once" / "log.txt").read_text()
    assert list(failed.value.left) == ["out"]


def test_when_the_warm_process_dies_steps_go_on_afresh(run: Any, tmp_path: Path):
    mortal = fresh_warm(tmp_path)
    try:
        for name in ("killing", "after"):
            done = run(toy_training.train_model_once, name, mortal, how="kill the host")
            assert "the step runs again in a fresh process" in log(done)
    finally:
        mortal.end()


def test_a_finished_fork_leaves_no_process_and_no_temporary_file(run: Any, warm: Warm):
    done = run(toy_training.train_model_leave, "leaving", warm)
    process, folder = done.parameters["Output"].split()
    assert not Path(folder).exists()
    assert eventually(lambda: not is_running(process))  # The kernel takes its time to kill.


def test_forks_at_the_same_time_load_code_of_their_own(run: Any, warm: Warm, tmp_path: Path):
    for count in (1, 2):
        (tmp_path / str(count)).mkdir()
        (tmp_path / str(count) / "bakery.py").write_text(f"LOAVES = {count}\n")
    with ThreadPoolExecutor() as pool:
        pending = [
            pool.submit(
                run,
                toy_training.train_model_import,
                f"import-{count}",
                warm,
                module_file=str(tmp_path / str(count)),
            )
            for count in (1, 2)
        ]
    assert [each.result().parameters["value"] for each in pending] == [1, 2]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_runner_leaves_neither_fork_nor_warm_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    compiled(toy_training.training, tmp_path)
    kanaria = Path(sys.executable).with_name("kanaria")
    command = [kanaria, "run", tmp_path / "training.yaml", "--root", tmp_path / "root"]
    process = subprocess.Popen(command)
    outputs = eventually(lambda: [p for p in tmp_path.glob("root/runs/*/*/out") if p.read_text()])
    processes = outputs[0].read_text().split()
    assert all(is_running(each) for each in processes)
    os.kill(process.pid, number)
    process.wait()
    eventually(lambda: not any(is_running(each) for each in processes))
    eventually(lambda: not list(scratch.iterdir()))


def test_a_run_that_reuses_everything_starts_no_warm_process(runner: Runner, tmp_path: Path):
    document = compiled(toy_training.answering, tmp_path)
    first, again = runner.run(document), runner.run(document)
    assert [each.tasks[0].state.value for each in (first, again)] == ["succeeded", "reused"]
    logs = [(runner.root.runs / each.run_id / "warm" / "log.txt") for each in (first, again)]
    assert [each.exists() for each in logs] == [True, False]
