"""Warm processes that are kept: real ones, which import nothing where no test needs TensorFlow."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import toy_training
from toy_host import exit_code, serving
from toy_runner import compiled

from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.step_images import TRAINING_IMAGE
from kanaria.pipelines.local import runtime_python
from kanaria.pipelines.local.warm_process import messages, process_identity, process_reuse
from kanaria.pipelines.local.warm_process.hang_detector import has_died
from kanaria.pipelines.local.warm_process.socket_folder import ENDING

PYTHON = Path(sys.executable)
KANARIA = PYTHON.with_name("kanaria")


def eventually(look: Callable[[], Any]) -> Any:
    """Return what `look` finds, as soon as that is true; ten minutes are a bound, not a measure."""
    deadline = time.monotonic() + 600
    while not (result := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result


def answering() -> list[process_reuse.Waiting]:
    """Return the kept processes that have imported all."""
    return [each for each in process_reuse.waiting() if each.state == "answers"]


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place of short name for sockets; what is kept there ends with the test."""
    folder = Path(tempfile.mkdtemp(prefix="kept-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder / f"kanaria-{os.geteuid()}"
    process_reuse.stop()
    shutil.rmtree(folder)


def test_a_second_run_forks_from_the_process_that_the_first_has_kept(tmp_path: Path, place: Path):
    compiled(toy_training.describing, tmp_path)
    hosts = []
    for _ in range(2):
        command = [KANARIA, "run", tmp_path / "describing.yaml", "--root", tmp_path / "root"]
        subprocess.run([*command, "--keep-warm", "5"], check=True)
        (warm_process,) = eventually(answering)
        assert warm_process.seconds == 300
        hosts.append(warm_process.pid)
    assert hosts[0] == hosts[1]
    assert Path(f"/proc/{hosts[0]}/cwd").readlink() == Path("/")
    newest = max((tmp_path / "root" / "runs").glob("*/train-model-parent/log.txt"))
    assert "fresh process" not in newest.read_text()
    said = subprocess.run([KANARIA, "runs", "stop-warm"], check=True, capture_output=True)
    assert said.stdout == b"ended: 1, each at once or with the run that uses it\n"
    eventually(lambda: not Path(f"/proc/{hosts[0]}").exists() or is_dead(hosts[0]))
    assert process_reuse.waiting() == []
    assert not list(place.glob("*.socket"))


def is_dead(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def bound(place: Path) -> Iterator[socket.socket]:
    place.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / f"name{ENDING}"))
        listener.listen()
        yield listener


def test_a_kept_process_ends_when_its_time_is_over(bound: socket.socket, place: Path):
    pid = serving(bound, 0)
    assert exit_code(pid) == 0
    pid = serving(bound, 1)
    assert exit_code(pid) == 0
    assert not list(place.glob("*.socket"))


def test_a_kept_process_tells_and_ends_when_it_is_told_to(bound: socket.socket):
    pid = serving(bound, 3600)
    assert process_reuse.waiting() == [process_reuse.Waiting(pid=pid, runs=0, seconds=3600)]
    assert process_reuse.stop() == 1
    assert exit_code(pid) == 0
    assert process_reuse.waiting() == []


def test_another_user_gets_no_answer(bound: socket.socket, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(messages, "is_own", lambda _: False)
        pid = serving(bound, 3600)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(bound.getsockname())
        assert stranger.recv(1) == b""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_peer_is_known_by_its_user(monkeypatch: pytest.MonkeyPatch):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert messages.is_own(ours)
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        assert not messages.is_own(ours)


def test_where_another_process_comes_to_be_kept_the_older_one_ends(
    bound: socket.socket, tmp_path: Path
):
    pid = serving(bound, 3600)
    python = runtime_python.python_of(TRAINING_IMAGE)
    variables = {**os.environ, "PYTHONSAFEPATH": "1"}
    variables["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    newer = process_reuse.reused_or_started(python, variables, tmp_path / "log.txt", 60)
    assert newer is not None
    newer.end()
    assert exit_code(pid) == 0
    assert [each.seconds for each in eventually(answering)] == [60]


def test_what_a_killed_process_left_is_removed(bound: socket.socket, place: Path):
    bound.close()
    assert process_reuse.waiting() == []
    assert not list(place.glob("*.socket"))


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_folder_that_others_may_enter_is_refused_and_stops_no_run_without_keep_warm(
    place: Path, tmp_path: Path, mode: int
):
    place.mkdir()
    place.chmod(mode)
    (place / f"name{ENDING}").touch()
    with pytest.raises(ParameterError, match="another user's, or open to others"):
        process_reuse.reused_or_started(PYTHON, {}, tmp_path / "log.txt", 60)
    assert process_reuse.reused_or_started(PYTHON, {}, tmp_path / "log.txt", 0) is None
    assert process_reuse.waiting() == []


@pytest.mark.parametrize(
    ("name", "is_same"),
    [
        ("PWD", True),
        ("SSH_TTY", True),
        ("KANARIA_SERVING_ROOT", True),
        ("TF_DETERMINISTIC_OPS", False),
        ("PYTHONPATH", False),
    ],
)
def test_a_process_is_found_by_what_its_imports_have_read(name: str, is_same: bool):
    python = runtime_python.python_of(TRAINING_IMAGE)
    before, after = (process_identity.key(python, {name: value}) for value in ("/a", "/b"))
    assert (before == after) is is_same
    assert before != process_identity.key(PYTHON, {name: "/a"})


def test_a_later_run_has_its_own_environment_and_nothing_of_the_first_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    compiled(toy_training.looking, tmp_path)
    command = [KANARIA, "run", tmp_path / "environment.yaml", "--root", tmp_path / "root"]
    for value in ("first", "second"):
        monkeypatch.setenv(f"SSH_{value.upper()}", f"the-{value}-secret")
        monkeypatch.setenv("KANARIA_TOKEN", f"the-{value}-secret")
        subprocess.run([*command, "--keep-warm", "5"], check=True)
        monkeypatch.delenv(f"SSH_{value.upper()}")
        eventually(answering)
    newest = max((tmp_path / "root" / "runs").glob("*/train-model-environment"))
    assert "fresh process" not in (newest / "log.txt").read_text()
    variables = json.loads((newest / "executor_output.json").read_text())["parameterValues"][
        "Output"
    ]
    assert variables["variables"]["KANARIA_TOKEN"] == variables["variables"]["SSH_SECOND"]
    assert "SSH_FIRST" not in variables["variables"]
    assert "secret" not in variables["first"]
    assert not [name for name in variables["files"] if name.startswith(str(tmp_path))]


def test_no_step_outlives_its_runner_when_the_kept_process_is_stopped(tmp_path: Path):
    compiled(toy_training.training, tmp_path)
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        root = tmp_path / number.name
        command = [KANARIA, "run", tmp_path / "training.yaml", "--root", root, "--keep-warm", "5"]
        runner = subprocess.Popen(command)
        paths = eventually(
            lambda root=root: [p for p in root.glob("runs/*/*/out") if p.read_text()]
        )
        step, host, child = map(int, paths[0].read_text().split())
        os.kill(host, signal.SIGSTOP)
        os.kill(runner.pid, number)
        if number == signal.SIGINT:
            runner.send_signal(number)
        runner.wait()
        eventually(lambda step=step, child=child: has_died(step) and has_died(child))
        os.kill(host, signal.SIGCONT)
        eventually(answering)
