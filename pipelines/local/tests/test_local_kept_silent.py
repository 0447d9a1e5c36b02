"""Kept processes that do not answer, or whose files are gone; real ones, which import nothing."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from toy_host import exit_code, serving

from kanaria.components.shared.step_images import TRAINING_IMAGE
from kanaria.pipelines.local import runtime_python
from kanaria.pipelines.local.warm_process import (
    client,
    hang_detector,
    listener,
    process_identity,
    process_reuse,
    socket_folder,
)
from kanaria.pipelines.local.warm_process.client import Forked, LostError, Warm


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place of short name for sockets."""
    above = Path(tempfile.mkdtemp(prefix="kept-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(above))
    (above / f"kanaria-{os.geteuid()}").mkdir(mode=0o700)
    yield above / f"kanaria-{os.geteuid()}"
    shutil.rmtree(above)


@pytest.fixture
def python() -> Path:
    return runtime_python.python_of(TRAINING_IMAGE)


@pytest.fixture
def bound(folder: Path, python: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(
            str(folder / f"{process_identity.key(python, {})[:32]}{socket_folder.ENDING}")
        )
        listener.listen(1)
        yield listener


@pytest.fixture
def host(bound: socket.socket) -> Iterator[int]:
    pid = serving(bound, 3600)
    yield pid
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    os.waitpid(pid, 0)


@pytest.fixture
def stopped(host: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Stops the process; from then on nobody waits long for its answer, which cannot come."""

    def stop() -> None:
        os.kill(host, signal.SIGSTOP)
        os.waitid(os.P_PID, host, os.WSTOPPED | os.WNOWAIT)
        monkeypatch.setattr(socket_folder, "ANSWER_SECONDS", 0.5)
        monkeypatch.setattr(client, "ANSWER_SECONDS", 0.5)

    return stop


@pytest.fixture
def use(host: int, python: Path, tmp_path: Path) -> Warm:
    warm = process_reuse.reused_or_started(python, {}, tmp_path / "log.txt", 0)
    assert warm is not None and warm.pid == host
    return warm


def ordered(warm: Warm, folder: Path) -> Forked:
    with (folder / "log.txt").open("ab") as log:
        return warm.start(["true"], 1, lambda: None, log, {})


def crowded(bound: socket.socket) -> list[socket.socket]:
    """Fill the queue of those who want to be served; return who stands in it."""
    queue: list[socket.socket] = []
    while True:
        queue.append(socket.socket(socket.AF_UNIX))
        queue[-1].setblocking(False)
        try:
            queue[-1].connect(bound.getsockname())
        except BlockingIOError:
            return queue


@pytest.mark.parametrize("is_crowded", [False, True])
def test_a_kept_process_that_does_not_answer_is_ended_and_the_user_told(
    host: int,
    stopped: Callable[[], None],
    bound: socket.socket,
    python: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    is_crowded: bool,
):
    stopped()
    queue = crowded(bound) if is_crowded else []
    assert process_reuse.reused_or_started(python, {}, tmp_path / "log.txt", 0) is None
    assert exit_code(host) == -signal.SIGKILL
    said = capsys.readouterr().err
    assert said.startswith(f"note: the warm process {host} of an earlier run is not used: it ")
    assert said.endswith("; it was ended\n")
    assert said.removeprefix("note: ") == (tmp_path / "log.txt").read_text()
    assert process_reuse.waiting() == []
    for each in queue:
        each.close()


def test_stop_warm_ends_one_that_does_not_answer(
    host: int, stopped: Callable[[], None], folder: Path
):
    stopped()
    assert process_reuse.waiting() == [process_reuse.Waiting(pid=host, state="is silent")]
    assert process_reuse.stop() == 1
    assert exit_code(host) == -signal.SIGKILL
    assert [each.name for each in folder.iterdir()] == [socket_folder.LOCK]


def test_one_that_does_not_answer_while_its_step_runs_is_left_and_not_used(
    host: int,
    stopped: Callable[[], None],
    use: Warm,
    python: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    step = ordered(use, tmp_path)
    step.begin()
    stopped()
    for seconds in (0, 60):
        assert process_reuse.reused_or_started(python, {}, tmp_path / "log.txt", seconds) is None
    assert f"it runs a step and was left, `kill -9 {host}` ends both\n" in capsys.readouterr().err
    assert hang_detector.children(host) == [step.pid]
    assert not hang_detector.has_died(step.pid)


def test_a_run_goes_on_when_the_kept_process_stops_answering(
    host: int,
    stopped: Callable[[], None],
    use: Warm,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    step = ordered(use, tmp_path)
    step.begin()
    stopped()
    os.kill(step.pid, signal.SIGKILL)
    with pytest.raises(LostError, match=f"^the warm process {host} does not answer$"):
        while not step.has_ended(0.1):
            pass
    assert step.collect() == -9
    why = "^the warm process does not answer: it did nothing for 1 s$"
    for seconds in (1.0, 2.0):  # Nobody waits for it a second time.
        monkeypatch.setattr(client, "HOST_SECONDS", seconds)
        with pytest.raises(LostError, match=why):
            ordered(use, tmp_path)


@pytest.mark.usefixtures("host")
def test_a_fork_whose_runner_ends_before_it_watches_over_it_does_nothing(
    use: Warm, tmp_path: Path, folder: Path
):
    step = ordered(use, tmp_path)
    step.gate.close()
    assert step.collect() == 1
    assert not (folder / f"begun-{step.pid}").exists()


def test_forks_of_one_process_hold_no_descriptors_of_each_other(
    use: Warm, tmp_path: Path, folder: Path
):
    steps = [ordered(use, tmp_path) for _ in range(3)]
    for step in steps:
        step.begin()
        while not (folder / f"begun-{step.pid}").exists():
            assert not step.has_ended(0.05)
    held = [len(list(Path(f"/proc/{step.pid}/fd").iterdir())) for step in steps]
    assert held[0] == held[1] == held[2]


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of Kanaria's code, for those that start after this."""
    (tmp_path / "code" / "components").mkdir(parents=True)
    (tmp_path / "code" / "components" / "step.py").touch()
    monkeypatch.setattr(process_identity, "ROOT", tmp_path / "code")
    return tmp_path / "code"


@pytest.mark.parametrize("change", ["gone", "edited"])
@pytest.mark.parametrize("is_asked", [True, False])
def test_a_kept_process_ends_when_its_code_is_another_or_gone(
    code: Path,
    bound: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    is_asked: bool,
):
    monkeypatch.setattr(listener, "LOOK_SECONDS", 3600.0 if is_asked else 0.2)
    pid = serving(bound, 3600)
    assert [each.pid for each in process_reuse.waiting()] == [pid]
    if change == "gone":
        shutil.rmtree(code)
    else:
        (code / "components" / "step.py").write_text("LOAVES = 2\n")
    if is_asked:
        assert process_reuse.waiting() == []
    assert exit_code(pid) == 0
    assert socket_folder.sockets() == []


def test_packages_that_are_installed_again_are_others(tmp_path: Path):
    python = tmp_path / "bin" / "python"
    package = tmp_path / "lib" / "python3.11" / "site-packages" / "bread-1.0.dist-info"
    for path in (python.parent, package):
        path.mkdir(parents=True)
    python.touch()
    before = process_identity.key(python, {})
    assert process_identity.key(python, {}) == before
    os.utime(package, (1, 1))  # As after a removal and an installation.
    assert process_identity.key(python, {}) != before


@pytest.mark.usefixtures("host")
def test_a_run_with_other_limits_finds_no_process(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "getpriority", lambda *_: 19)
    assert process_reuse.reused_or_started(python, {}, tmp_path / "log.txt", 0) is None
