"""Why a step failed, in one line, from what it wrote to its log. Pure."""

import re
from collections.abc import Sequence

from kanaria.components.shared.one_line import ESCAPES, one_line

HEADER = "Traceback (most recent call last):"
SIDE_NOTES = ("Exception ignored", "Error in atexit", "Exception in thread")
"""First words of the line before a traceback that did not end the process."""
ERROR = "error: "
"""How a command of ours begins the line that says why it ends."""
LAST_WORDS = (ERROR, "Fatal Python error: ")
GROUP = "Exception Group Traceback (most recent call last):"
FRAME = re.compile(r"^ *[|+] ")
"""What Python draws around each exception of a group."""
OWN = "kanaria.components.shared.errors."


def exception(lines: list[str]) -> str:
    """Return the first line of the exception that ended the process, "" where none did.

    It is the line after the frames of the last traceback; what a library prints while the
    interpreter goes down is passed over.
    """
    headers = [
        number
        for number, line in enumerate(lines)
        if line == HEADER and not (number and lines[number - 1].startswith(SIDE_NOTES))
    ]
    after = lines[headers[-1] + 1 :] if headers else []
    found = next((line for line in after if line and not line[0].isspace()), "")
    return found.removeprefix(OWN)


def last_line(lines: list[str]) -> str:
    """Return the last line with something in it."""
    written = [line.strip() for line in lines if line.strip()]
    return (written or ["the step wrote nothing"])[-1].removeprefix(OWN)


def raised(lines: list[str]) -> str:
    """Return the exception that ended the process, or the last line where there was none."""
    return exception(lines) or last_line(lines)


def said(lines: Sequence[str]) -> str:
    """Return the line of a log that says why its step failed, "" when none does."""
    plain = [ESCAPES.sub("", line).rstrip() for line in lines]
    if any(line.endswith(GROUP) for line in plain):
        plain = [FRAME.sub("", line) for line in plain]
    tracebacks = [n for n, line in enumerate(plain) if line == HEADER]
    errors = [n for n, line in enumerate(plain) if line.startswith(LAST_WORDS)]
    if errors and errors[-1] > max(tracebacks, default=-1):
        return one_line(plain[errors[-1]].removeprefix(ERROR))
    return one_line(raised(plain)) if tracebacks else ""
