"""Runs a command and measures it with all it started, those included that outlive it.

What belongs to a command is found by a variable in its environment, which every process it starts
inherits, so a server in the background counts as a child does.
"""

import os
import resource
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "KANARIA_BENCHMARK"
POLL_SECONDS = 0.05
MEMORY_SECONDS = 0.5  # Reading the memory of a large process takes milliseconds of the kernel.
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What one command took.

    Attributes:
        seconds: wall time, from its start to its end.
        cpu_seconds: of all its processes; what had ended unseen by any parent is not in it.
        peak_mb: highest sum of proportional memory over all its processes at one moment, MiB.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: int


def _is_ours(process: Path, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in (process / "environ").read_bytes()
    except OSError:
        return False  # It ended, or is another user's.


class _Processes:
    """The processes with a mark; each process is asked for its mark once."""

    def __init__(self, mark: str) -> None:
        self.mark, self.own = mark, dict[str, bool]()

    def now(self) -> list[Path]:
        folders = {folder.name: folder for folder in Path("/proc").glob("[0-9]*")}
        self.own = {
            pid: self.own.get(pid) or _is_ours(folder, self.mark) for pid, folder in folders.items()
        }
        return [folder for pid, folder in folders.items() if self.own[pid]]

    def memory_mb(self) -> int:
        total = 0
        for folder in self.now():
            try:
                lines = (folder / "smaps_rollup").read_text().splitlines()
            except OSError:
                continue  # It ended while we looked.
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total // 1024

    def cpu_seconds(self) -> float:
        """Return the seconds of those alive and of the children that they waited for."""
        ticks = 0
        for folder in self.now():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += sum(map(int, fields[11:15]))
        return ticks / TICKS

    def end(self) -> None:
        for folder in self.now():
            try:
                os.kill(int(folder.name), signal.SIGKILL)
            except ProcessLookupError:
                continue


def _waited() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(
    command: Sequence[str | Path], environment: Mapping[str, str], log: Path, *, mark: str = ""
) -> Measured:
    """Run `command` and return what it took.

    Args:
        command: program and arguments.
        environment: added to this process's own.
        log: file for what it prints.
        mark: of processes that an earlier command left running and this one may use: they count,
            and go on; "" for a command of its own, which leaves nothing running.

    Raises:
        CalledProcessError: it ended with another code than 0.
    """
    ours = _Processes(mark or uuid.uuid4().hex)
    before = _waited() + ours.cpu_seconds()
    started, peak, looked = time.monotonic(), 0, 0.0
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **environment, MARK: ours.mark},
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        while process.poll() is None:
            if time.monotonic() - looked >= MEMORY_SECONDS:
                looked = time.monotonic()
                peak = max(peak, ours.memory_mb())
            time.sleep(POLL_SECONDS)
    seconds = time.monotonic() - started
    cpu_seconds = _waited() - before + ours.cpu_seconds()
    if not mark:
        ours.end()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, log.read_text()[-4000:])
    return Measured(seconds=round(seconds, 2), cpu_seconds=round(cpu_seconds, 2), peak_mb=peak)
