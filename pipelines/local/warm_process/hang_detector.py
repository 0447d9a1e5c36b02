"""Tells a process that hangs from one that works: it does nothing at all for a while."""

import os
import time
from pathlib import Path

from kanaria.components.shared.errors import KanariaError

STEP_SECONDS = 60.0
HOST_SECONDS = 5.0
"""A warm process answers an order at once, or it imports, which is work."""
CPU_SECONDS = 0.1
"""Threads that sleep wake up now and then; less than this in the time is no work."""
TICKS = os.sysconf("SC_CLK_TCK")
MOVED = ("rchar", "wchar", "read_bytes")
PROC = Path("/proc")


class HungError(KanariaError):
    """A process did nothing for too long."""


class Silence:
    """Watches processes for signs of life.

    They hang when for so many seconds in a row they have used less than `CPU_SECONDS` of CPU
    together, have read and written nothing, and their log has not grown.
    """

    def __init__(self, log: Path, seconds: float) -> None:
        """Name the file that they write to."""
        self._log, self._seconds = log, seconds
        self._cpu, self._moved = 0.0, (-1, -1)
        self._since = self._looked = time.monotonic()

    def look(self, processes: list[Path]) -> None:
        """Look for signs of life, at most once a second.

        Args:
            processes: /proc folders of all processes.

        Raises:
            HungError: there were none for too long.
        """
        now = time.monotonic()
        if now - self._looked < 1:
            return
        self._looked = now
        cpu = sum(_cpu_seconds(each) for each in processes)
        moved = (sum(_bytes_moved(each) for each in processes), self._log.stat().st_size)
        if moved != self._moved or abs(cpu - self._cpu) >= CPU_SECONDS:
            self._cpu, self._moved, self._since = cpu, moved, now
        elif now - self._since >= self._seconds:
            raise HungError(f"it did nothing for {self._seconds:.0f} s")


def work(pid: int) -> tuple[int, int]:
    """Return what tells of a process's work: tenths of seconds of CPU, bytes read and written."""
    process = PROC / str(pid)
    return int(_cpu_seconds(process) / CPU_SECONDS), _bytes_moved(process)


def children(pid: int) -> list[int]:
    """Return the ids of the processes that a process has started and that have not ended."""
    processes = ((each, _fields(each)) for each in PROC.iterdir() if each.name.isdigit())
    return [
        int(p.name) for p, fields in processes if fields[1:2] == [str(pid)] and fields[0] != "Z"
    ]


def has_died(pid: int) -> bool:
    """Tell whether a process has ended, although its parent may not know."""
    return _fields(PROC / str(pid))[:1] in ([], ["Z"])


def _fields(process: Path) -> list[str]:
    """Return what /proc/PID/stat says after the name: state, parent, group, ...; [] for no more."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_seconds(process: Path) -> float:
    fields = _fields(process)
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0


def _bytes_moved(process: Path) -> int:
    try:
        lines = (process / "io").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(MOVED))
