"""Where a byte of a text file stands, for messages; files are read piece by piece."""

import re
from pathlib import Path
from typing import IO

LINE_END = re.compile(rb"\r\n|\r|\n")
PIECE_BYTES = 1 << 20


def bytes_at(path: Path, place: int, size: int) -> bytes:
    """Return at most `size` bytes of a file from `place` on."""
    with path.open("rb") as opened:
        opened.seek(place)
        return opened.read(size)


def whole_ends(opened: IO[bytes], size: int) -> bytes:
    """Return the next bytes of a file, `size` or more: no line end of two characters is cut."""
    data = opened.read(size)
    while data.endswith(b"\r") and (more := opened.read(1)):
        data += more
    return data


def line_at(path: Path, place: int) -> tuple[int, int]:
    """Return the number of the line on which a byte stands, from 1, and where that line begins."""
    line, start, position = 1, 0, 0
    with path.open("rb") as opened:
        while position < place:
            data = whole_ends(opened, min(PIECE_BYTES, place - position))
            for match in LINE_END.finditer(data):
                if position + match.end() <= place:
                    line, start = line + 1, position + match.end()
            position += len(data)
    return line, start
