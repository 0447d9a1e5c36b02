"""Why a step failed, in one line, from its exit code and its log."""

import signal
from pathlib import Path

TAIL_BYTES = 1 << 18
HEADER = "Traceback (most recent call last):"
SIDE_NOTES = ("Exception ignored", "Error in atexit", "Exception in thread")
"""First words of the line before a traceback that did not end the process."""
SHELL_SIGNALS = 128
"""A shell adds this to the number of the signal that ended its command."""


def _killed(code: int) -> str:
    """Return which signal ended the process, or "" if none did."""
    number = -code if code < 0 else code - SHELL_SIGNALS
    if number not in {each.value for each in signal.Signals}:
        return ""
    hint = "; memory may have run out" if number == signal.SIGKILL else ""
    return f"killed by signal {number} ({signal.Signals(number).name}{hint})"


def _tail(log: Path) -> list[str]:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()


def raised(lines: list[str]) -> str:
    """Return the first line of the exception that ended the process.

    It is the line after the frames of the last traceback; what a library prints while the
    interpreter goes down is passed over. Without a traceback it is the last line.
    """
    headers = [
        number
        for number, line in enumerate(lines)
        if line == HEADER and not (number and lines[number - 1].startswith(SIDE_NOTES))
    ]
    after = lines[headers[-1] + 1 :] if headers else []
    exceptions = [line for line in after if line and not line[0].isspace()]
    written = [line.strip() for line in lines if line.strip()]
    found = (exceptions or written[-1:] or ["the step wrote nothing"])[0]
    return found.removeprefix("kanaria.components.shared.errors.")


def cause(code: int, log: Path) -> str:
    """Return why a process failed.

    Args:
        code: its exit code, not 0; negative for a signal.
        log: what it wrote.
    """
    return _killed(code) or raised(_tail(log))
