import mmap
from pathlib import Path

import numpy as np

from kanaria.components.shared.imports import file_pages

SMAPS = """\
7f00-8f00 r-xp 00000000 08:01 42                         /lib/a library.so
Rss:                  16 kB
Anonymous:             0 kB
8f00-9f00 r--p 00001000 08:01 42                         /lib/relocated.so
Anonymous:             4 kB
9f00-af00 rw-p 00001000 08:01 42                         /lib/data.so
Anonymous:             0 kB
af00-bf00 r--s 00000000 08:01 43                         /shared.file
Anonymous:             0 kB
bf00-cf00 r--p 00000000 00:00 0
Anonymous:             0 kB
cf00-df00 r--p 00000000 08:01 44                         /lib/constants.so
Anonymous:             0 kB
"""


def mapped_kb() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss_File"))


def test_only_private_pages_that_nobody_wrote_are_given_back():
    pages = list(file_pages.unwritten(SMAPS.splitlines()))
    assert pages == [(0x7F00, 0x1000), (0xCF00, 0x1000)]


def test_the_lines_are_those_of_this_kernel():
    smaps = Path("/proc/self/smaps").read_text().splitlines()
    assert sum(length for _, length in file_pages.unwritten(smaps)) > 1 << 20


def test_memory_is_given_back_and_everything_goes_on(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * (1 << 20))
    with path.open("rb") as file:
        private = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    assert private[-1:] == b"x"
    assert np.allclose(np.linalg.inv(np.eye(50)), np.eye(50))
    before = mapped_kb()
    file_pages.release()
    assert mapped_kb() < before / 2
    assert private[-1:] == b"x"
    assert np.allclose(np.linalg.inv(np.eye(50) * 2), np.eye(50) / 2)
