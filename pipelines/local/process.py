"""Runs one command as a group of processes that ends with the runner, and measures it."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kanaria.components.shared import private

POLL_SECONDS = 0.1
GUARD = 'read _; kill -9 "-$1"; rm -rf "$2"'
"""Shell code that kills the group $1 and removes the folder $2 when its input ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """How a command ended.

    Attributes:
        code: exit code; negative for a signal that ended the command's first process.
        peak_mb: highest sum over its processes of proportional memory, in MiB.
    """

    code: int
    peak_mb: int


def _members(session: int) -> Iterator[Path]:
    """Yield the /proc folders of the processes of a session."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It ended while we looked.
        if int(fields[3]) == session:
            yield folder


def _memory_kb(session: int) -> int:
    """Sum the proportional set sizes of a session's processes, in KiB."""
    total = 0
    for folder in _members(session):
        try:
            lines = (folder / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


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


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether the process ended, without freeing its id: its group keeps that name."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _watch(process: subprocess.Popen[bytes], scratch: str, tick: Callable[[float], None]) -> int:
    """Wait for the process, end what it left running, and return the peak memory in MiB."""
    peak, started = 0, time.monotonic()
    try:
        with _guarded(process.pid, scratch):
            while not _has_ended(process):
                peak = max(peak, _memory_kb(process.pid))
                tick(time.monotonic() - started)
                time.sleep(POLL_SECONDS)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # The runner is told to stop: so is the step.
        process.wait()
    return peak // 1024


def run(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    tick: Callable[[float], None],
) -> Finished:
    """Run `command`, its output in `log`, its temporary files removed afterwards.

    Args:
        command: program and arguments.
        log: file for standard output and standard error together.
        environment: all environment variables but TMPDIR.
        tick: called several times a second with the seconds since the start.
    """
    with (
        tempfile.TemporaryDirectory(prefix="kanaria-", ignore_cleanup_errors=True) as scratch,
        private.opened(log, "wb") as output,
    ):
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**environment, "TMPDIR": scratch},
            start_new_session=True,
        )
        peak = _watch(process, scratch, tick)
    return Finished(code=process.returncode, peak_mb=peak)
