"""Several workers train as one does; they are looked after, and leave one model."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kanaria.components.shared.engines.machine_limits import Machine
from kanaria.components.shared.errors import NotReadyError, ParameterError, UserCodeError
from kanaria.components.train import worker_supervisor
from kanaria.components.train.request import TrainRequest, check
from kanaria.components.train.train import train

MODULE = Path(__file__).with_name("workers_module.py")


@pytest.fixture
def order_of(raw: Path):
    """Make a request for 30 steps of workers_module.py in so many workers."""

    def make(workers: int = 2, module_file: Path = MODULE, **custom: object) -> TrainRequest:
        return TrainRequest(
            examples=raw / "examples",
            transformed_examples=raw / "not_materialized",
            schema=raw / "schema",
            transform_graph=raw / "graph",
            module_file=str(module_file),
            train_steps=30,
            seed=3,
            custom_config=custom,
            compute={"training_workers": workers},
        )

    return make


def written_by(folder: Path) -> dict:
    return json.loads((folder / "losses.json").read_text())


@pytest.fixture(scope="module")
def alone(raw: Path, tmp_path_factory) -> list[float]:
    """The losses of one worker."""
    folder = tmp_path_factory.mktemp("alone")
    one = TrainRequest(
        examples=raw / "examples",
        transformed_examples=raw / "not_materialized",
        schema=raw / "schema",
        transform_graph=raw / "graph",
        module_file=str(MODULE),
        train_steps=30,
        seed=3,
    )
    train(one, folder / "model", folder / "logs")
    return written_by(folder / "model")["losses"]


@pytest.fixture(scope="module")
def of_one_worker(alone: list[float]) -> list[object]:
    """The losses to compare with; sums of 16 rows in two parts round otherwise."""
    return [pytest.approx(loss, rel=1e-5) for loss in alone]


def test_two_workers_come_to_the_losses_of_one(order_of, of_one_worker, tmp_path: Path, capfd):
    trained = train(order_of(), tmp_path / "model", tmp_path / "logs")
    assert written_by(tmp_path / "model") == {"began": 0, "losses": of_one_worker}
    assert [path.name for path in tmp_path.rglob("saved_model.pb")] == ["saved_model.pb"]
    assert len(trained.samples.rows) == 50
    log = capfd.readouterr().err
    for worker in (0, 1):
        assert re.search(rf"^worker {worker}: Epoch 6/6$", log, re.MULTILINE)


def test_a_worker_killed_once_resumes_and_ends_as_if_undisturbed(
    order_of, of_one_worker, tmp_path: Path, capfd, caplog
):
    request = order_of(worker=1, how="once", step=17)
    train(request, tmp_path / "model", tmp_path / "logs")
    assert written_by(tmp_path / "model") == {"began": 3, "losses": of_one_worker[3:]}
    assert "worker 1 of 2 was killed by SIGKILL; all begin again (1 of 3)." in caplog.messages
    assert len(re.findall("Resumed after epoch 3", capfd.readouterr().err)) == 2
    assert [path.name for path in (tmp_path / "logs").rglob("epoch-*")] == []


def test_a_worker_that_is_always_killed_ends_the_step_with_its_last_lines(
    order_of, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("kanaria.components.train.worker_supervisor.RESTARTS", 1)
    with pytest.raises(NotReadyError) as raised:
        train(order_of(worker=0, how="always", step=1), tmp_path / "model", tmp_path / "logs")
    message = str(raised.value)
    assert message.startswith(
        "train_model: worker 0 of 2 was killed by SIGKILL, also after 1 restarts; most often for "
        "want of memory: give the step more, or lower compute.training_workers; its last lines: "
    )
    assert "about to die" in message
    assert not (tmp_path / "model").exists()


def test_a_worker_that_raises_ends_the_step_with_its_error_at_once(
    order_of, tmp_path: Path, caplog
):
    with pytest.raises(UserCodeError) as raised:
        train(order_of(worker=1, how="raises", step=7), tmp_path / "model", tmp_path / "logs")
    assert re.fullmatch(
        rf"{MODULE}:\d+: run_fn failed with ValueError: 'no such thing'", str(raised.value)
    )
    assert not [message for message in caplog.messages if "begin again" in message]
    assert list(tmp_path.iterdir()) == []


def test_a_module_that_trains_alone_in_each_worker_is_refused(order_of, tmp_path: Path):
    with pytest.raises(UserCodeError, match="Checkpoints: run_fn trains alone in each of several"):
        train(order_of(alone=True), tmp_path / "model", tmp_path / "logs")


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        ("tf.saved_model.save(tf.Module(), fn_args.serving_model_dir)", "run_fn trains alone in"),
        ("open('/no/such/folder/x')", "No such file.* it had not joined the other workers"),
    ],
)
def test_without_checkpoints_too(order_of, tmp_path: Path, ending: str, message: str):
    module = tmp_path / "alone.py"
    module.write_text(f"import tensorflow as tf\n\n\ndef run_fn(fn_args):\n    {ending}\n")
    with pytest.raises(UserCodeError, match=message):
        train(order_of(module_file=module), tmp_path / "model", tmp_path / "logs")


def test_an_exit_before_run_fn_returns_is_told(order_of, tmp_path: Path):
    module = tmp_path / "leaving.py"
    module.write_text("import os\n\n\ndef run_fn(fn_args):\n    print('bye')\n    os._exit(7)\n")
    with pytest.raises(UserCodeError, match=r"ended with exit status 7 before .* bye$"):
        train(order_of(module_file=module), tmp_path / "model", tmp_path / "logs")


STEP = """
import sys
from pathlib import Path
from kanaria.components.train.run_fn_call import Places
from kanaria.components.train.request import TrainRequest
from kanaria.components.train.worker_supervisor import prepared
raw, folder = map(Path, sys.argv[1:])
request = TrainRequest(
    examples=raw / "examples",
    transformed_examples=raw / "not_materialized",
    schema=raw / "schema",
    transform_graph=raw / "graph",
    module_file=str(folder / "module.py"),
)
prepared(request, 2)(Places(saved=folder / "1", logs=folder, base=None))
"""
WAITING = """
import os
import time
from pathlib import Path


def run_fn(fn_args):
    Path(fn_args.model_run_dir, f"pid-{os.getpid()}").touch()
    time.sleep(600)
"""


def is_running(process: int) -> bool:
    """Tell whether there is such a process that is no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_step(raw: Path, tmp_path: Path, number: int):
    (tmp_path / "module.py").write_text(WAITING)
    step = subprocess.Popen([sys.executable, "-I", "-c", STEP, raw, tmp_path])
    while len(marks := list(tmp_path.glob("pid-*"))) < 2:
        assert step.poll() is None
        time.sleep(0.1)
    processes = [int(path.name.removeprefix("pid-")) for path in marks]
    assert all(map(is_running, processes))
    step.send_signal(number)
    step.wait()
    deadline = time.monotonic() + 60  # They sleep ten minutes unless something ends them.
    while any(map(is_running, processes)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True])
def test_numbers_of_workers_that_are_none_are_named(order_of, count: object):
    with pytest.raises(ParameterError, match=rf"compute\.training_workers={count!r}: "):
        check(order_of(count))


@pytest.mark.parametrize(
    ("count", "gpus", "expected"),
    [
        (4, 0, r"=4: the 3,072 MiB of memory here hold 3; use at most so many"),
        (2, 1, r"=2: workers of one machine train on CPUs; for its GPUs leave it at 1"),
    ],
)
def test_workers_that_the_machine_cannot_hold_are_refused(count: int, gpus: int, expected: str):
    with pytest.raises(ParameterError, match=expected):
        worker_supervisor.check(count, Machine(memory=3 * 2**30, cores=8), gpus)


def test_as_many_workers_as_the_memory_holds_may_train():
    worker_supervisor.check(3, Machine(memory=3 * 2**30, cores=8), 0)
