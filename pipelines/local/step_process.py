"""Runs a step as a group of processes that ends with the runner, and measures it."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from kanaria.components.shared.storage import owner_only_files
from kanaria.pipelines.local.process_memory import Meter

POLL_SECONDS = 0.1
GUARD = 'read _; kill -9 "-$1"; rm -rf "$2"'
"""Shell code that kills the group $1 and removes the folder $2 when its input ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """How a step's process ended.

    Attributes:
        code: exit code; negative for a signal that ended the step's first process.
        peak_mb: highest sum over its processes of proportional memory, in MiB.
    """

    code: int
    peak_mb: int


class Started(Protocol):
    """A step's first process, which leads a session and a group of its own.

    Attributes:
        pid: its id, which nobody else gets before `collect`.
        beside: sessions whose memory counts as the step's too.
    """

    pid: int
    beside: tuple[int, ...]

    def begin(self) -> None:
        """Let it run, if it waits for that: from now on it ends with the runner."""

    def has_ended(self, seconds: float) -> bool:
        """Wait so long, or until it has ended; tell whether it has."""

    def collect(self) -> int:
        """Wait until it has ended, free its id, and return its exit code."""


Start = Callable[[IO[Any], Mapping[str, str]], Started]
"""Starts a process from the log for its output and its environment."""


class Own:
    """A process of its own: a command, started by this one."""

    beside: tuple[int, ...] = ()

    def __init__(self, command: Sequence[str], log: IO[Any], environment: Mapping[str, str]):
        """Start the command, its output in `log`, nothing in its input."""
        self._process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._ended = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)  # Its group keeps that name.
        self._ended.set()

    def begin(self) -> None:
        """Do nothing: it runs since it was started."""

    def has_ended(self, seconds: float) -> bool:
        """Wait so long, or until it has ended; tell whether it has."""
        return self._ended.wait(seconds)

    def collect(self) -> int:
        """Wait until it has ended, free its id, and return its exit code."""
        self._ended.wait()
        return self._process.wait()


@contextmanager
def _guarded(group: int, scratch: str) -> Iterator[None]:
    """Let the group of processes end with this process, even if that is killed with 9.

    Its folder of temporary files goes with it.

    The kernel's death signal reaches a child but not its children, so a shell waits at the
    end of a pipe instead: the pipe closes when this process ends, however that happens.
    """
    command = ["/bin/sh", "-c", GUARD, "sh", str(group), scratch]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        guard.kill()
        guard.communicate()


def _watch(
    process: Started, scratch: str, tick: Callable[[], None], look: Callable[[list[Path]], None]
) -> Finished:
    """Wait for the process, end what it left running, and tell how it ended."""
    meter = Meter(process.pid, *process.beside)
    try:
        with _guarded(process.pid, scratch):
            process.begin()
            while not process.has_ended(POLL_SECONDS):
                look(meter.look())
                tick()
    finally:
        with suppress(ProcessLookupError):  # The runner is told to stop: so is the step.
            os.killpg(process.pid, signal.SIGKILL)
        code = process.collect()
    return Finished(code=code, peak_mb=meter.peak_kb // 1024)


def run(
    start: Start,
    log: Path,
    environment: Mapping[str, str],
    tick: Callable[[], None],
    look: Callable[[list[Path]], None] = lambda _: None,
) -> Finished:
    """Run a process, its output added to `log`, its temporary files removed afterwards.

    Args:
        start: starts it.
        log: file for standard output and standard error together.
        environment: all environment variables but TMPDIR.
        tick: called several times a second.
        look: called as often with the /proc folders of its processes; it may raise to end them.
    """
    with (
        tempfile.TemporaryDirectory(prefix="kanaria-", ignore_cleanup_errors=True) as scratch,
        owner_only_files.opened(log, "ab") as output,
    ):
        process = start(output, {**environment, "TMPDIR": scratch})
        return _watch(process, scratch, tick, look)
