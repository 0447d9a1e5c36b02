"""Why a step failed, in one line, from what it wrote to its log. Pure."""

import re
from collections.abc import Sequence

from kanaria.components.shared.one_line import ESCAPES, one_line

HEADER = "Traceback (most recent call last):"
SIDE_NOTES = ("Exception ignored", "Error in atexit", "Exception in thread")
"""First words of the line before a traceback that did not end the process."""
CRASH = "Fatal Python error: "
ERROR = "error: "
"""How a command of ours begins the line that says why it ends."""
GROUP = "Exception Group Traceback (most recent call last):"
FRAME = re.compile(r"^ *[|+] ")
"""What Python draws around each exception of a group."""
OWN = "kanaria.components.shared.errors."


def exception(lines: list[str]) -> str:
    """Return the first line of the exception that ended the process, "" where none did.

    It is the line after the frames of the last traceback, in a group that of its last exception;
    what a library prints while the interpreter goes down is passed over. A crash of the interpreter
    itself is told by the line that it writes.
    """
    if any(line.endswith(GROUP) for line in lines):
        lines = [FRAME.sub("", line) for line in lines]
    headers = [
        number
        for number, line in enumerate(lines)
        if line == HEADER and not (number and lines[number - 1].startswith(SIDE_NOTES))
    ]
    crashes = [number for number, line in enumerate(lines) if line.startswith(CRASH)]
    if crashes and crashes[-1] > max(headers, default=-1):
        return lines[crashes[-1]]
    after = lines[headers[-1] + 1 :] if headers else []
    first = next((line for line in after if line and not line[0].isspace()), "")
    return first.removeprefix(OWN)


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
    errors = [number for number, line in enumerate(plain) if line.startswith(ERROR)]
    after = plain[errors[-1] + 1 :] if errors else plain
    cause = exception(after)
    return one_line(cause or (plain[errors[-1]].removeprefix(ERROR) if errors else ""))
