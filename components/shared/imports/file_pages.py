"""Gives back the memory of library code that a process has loaded and does not use now.

A process that only imports, and forks others, keeps hundreds of MB of TensorFlow's libraries.
Pages of a file that nobody has written are the file's own: the kernel brings them back from its
cache when they are used again.
"""

import ctypes
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+) +(/.*)")
UNWRITTEN = "Anonymous:             0 kB"
DONTNEED = 4
"""MADV_DONTNEED of Linux."""


def unwritten(smaps: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield start and length of each private mapping of a file that is as the file is.

    Not those that may be written, nor those that the loader had written before it made them
    read-only: their pages are the process's own.

    Args:
        smaps: lines of /proc/PID/smaps.
    """
    file_mapping = None
    for line in smaps:
        mapping = MAPPING.match(line)
        if mapping or line[:1] in "0123456789abcdef":
            file_mapping = mapping
        elif file_mapping and line.rstrip() == UNWRITTEN and re.fullmatch(r"r-.p", file_mapping[3]):
            start = int(file_mapping[1], 16)
            yield start, int(file_mapping[2], 16) - start


def release() -> None:
    """Unmap the unwritten file pages of this process; they come back as they are used."""
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for start, length in unwritten(Path("/proc/self/smaps").read_text().splitlines()):
        advise(start, length, DONTNEED)
