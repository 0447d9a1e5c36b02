"""The memory of a session's processes: proportional set sizes, measured for little CPU.

The kernel walks all pages of a process to tell its proportional set size: 18 ms for 700 MiB. So
it is asked when the resident set, which is free to read, has grown by a fiftieth since it was
asked last, and for at most a twentieth of the time.
"""

import time
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
GROWN = 1.02
MOST_OF_TIME = 20


class Meter:
    """Keeps the highest memory of the processes of some sessions."""

    def __init__(self, *sessions: int) -> None:
        """Name the sessions by their ids; what never was in them is looked at once."""
        self.sessions = frozenset(sessions)
        self.peak_kb = 0
        self._others: set[str] = set()
        self._seen_pages = 0
        self._rests_until = 0.0

    def members(self) -> list[Path]:
        """Return the /proc folders of the processes of the sessions.

        A process is born into the session of its parent, so one of others stays with them.
        """
        there = {each.name for each in PROC.iterdir() if each.name.isdigit()}
        self._others &= there
        folders = list(self._new(there - self._others))
        self._others |= there - {folder.name for folder in folders}
        return folders

    def _new(self, names: set[str]) -> Iterator[Path]:
        for name in names:
            try:
                fields = (PROC / name / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # It ended while we looked.
            if int(fields[3]) in self.sessions:
                yield PROC / name

    def look(self) -> list[Path]:
        """Note the memory used now; return the processes looked at."""
        folders = self.members()
        pages = sum(_resident(folder) for folder in folders)
        began = time.monotonic()
        if pages > self._seen_pages * GROWN and began >= self._rests_until:
            self.peak_kb = max(self.peak_kb, sum(_proportional_kb(folder) for folder in folders))
            self._seen_pages = pages
            ended = time.monotonic()
            self._rests_until = ended + MOST_OF_TIME * (ended - began)
        return folders


def _resident(folder: Path) -> int:
    try:
        return int((folder / "statm").read_text().split()[1])
    except OSError:
        return 0


def _proportional_kb(folder: Path) -> int:
    try:
        lines = (folder / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
