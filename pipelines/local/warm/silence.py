"""Tells a process that hangs from one that works: it does nothing at all for a minute."""

import os
import time
from pathlib import Path

from kanaria.components.shared.errors import KanariaError

SECONDS = 60.0
CPU_SECONDS = 0.1
"""Threads that sleep wake up now and then; less than this in a minute is no work."""
TICKS = os.sysconf("SC_CLK_TCK")


class HungError(KanariaError):
    """A process did nothing for `SECONDS`."""


class Silence:
    """Watches the processes of a step for signs of life.

    They hang when for `SECONDS` in a row they have used less than `CPU_SECONDS` of CPU together,
    have read and written nothing, and their log has not grown.
    """

    def __init__(self, log: Path) -> None:
        """Name the file that they write to."""
        self._log = log
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
        elif now - self._since >= SECONDS:
            raise HungError(f"it did nothing for {SECONDS:.0f} s")


def _cpu_seconds(process: Path) -> float:
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _bytes_moved(process: Path) -> int:
    try:
        lines = (process / "io").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(("rchar", "wchar")))
