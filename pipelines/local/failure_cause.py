"""Why a step failed, in one line, from its exit code and its log."""

import signal
from pathlib import Path

from kanaria.components.shared.log_cause import raised

TAIL_BYTES = 1 << 18
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


def cause(code: int, log: Path) -> str:
    """Return why a process failed.

    Args:
        code: its exit code, not 0; negative for a signal.
        log: what it wrote.
    """
    return _killed(code) or raised(_tail(log))
