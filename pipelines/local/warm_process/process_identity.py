"""What a warm process has, and what a process started now would have: the same, or it is not used.

`key` names what a run would start: interpreter, packages, Kanaria's code, environment and all else
that a process inherits. `Installed` lets a kept process see that its own files are there as it
imported them.
"""

import json
import os
import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kanaria import components
from kanaria.components.shared.artifacts import fingerprint

ROOT = Path(components.__file__).parents[1]
PARTS = ("components", "pipelines", "serving")
READ_LATE = frozenset(
    [
        "TMPDIR",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "COLUMNS",
        "LINES",
        "WINDOWID",
        "STY",
        "LS_COLORS",
        "PS1",
    ]
)
READ_LATE_PREFIXES = (
    *("KANARIA_", "SSH_", "XDG_SESSION_", "XDG_SEAT", "XDG_VTNR", "XDG_RUNTIME_DIR"),
    *("TERM", "COLORTERM", "VTE_", "TMUX", "WT_", "ITERM_", "VSCODE_"),
    *("DBUS_", "GPG_", "GIT_", "JPY_", "INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_", "MANAGERPID"),
)
"""What differs from shell to shell and no module that is imported here reads when imported."""
INHERITED = ("SigBlk", "SigIgn", "Groups", "Gid", "NoNewPrivs")
"""Lines of /proc/self/status on what a process hands on to those that it starts."""


def lasting(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a kept process is started with: equal for all runs that use it."""
    return {
        name: value
        for name, value in variables.items()
        if name not in READ_LATE and not name.startswith(READ_LATE_PREFIXES)
    }


def inherited() -> list[str]:
    """Return what this process would hand on to one that it starts, beside files and variables."""
    limits = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    lines = Path("/proc/self/status").read_text().splitlines()
    return [
        *(f"{name} {resource.getrlimit(getattr(resource, name))}" for name in limits),
        *(line for line in lines if line.partition(":")[0] in INHERITED),
        *(str(each.readlink()) for each in sorted(Path("/proc/self/ns").iterdir())),
        f"nice {os.getpriority(os.PRIO_PROCESS, 0)}",
        f"cores {sorted(os.sched_getaffinity(0))}",
    ]


def _code() -> list[Path]:
    files = (file for part in PARTS for file in (ROOT / part).rglob("*.py"))
    return [file for file in files if "tests" not in file.relative_to(ROOT).parts]


def _installed(python: Path) -> list[str]:
    """Return interpreter and packages with their times: what is installed again has others."""
    packages = python.parent.parent.glob("lib/python3*/site-packages/*.dist-info")
    return [_state(path) for path in (python.resolve(), python, *sorted(packages))]


def _state(path: Path) -> str:
    try:
        status = path.stat()
    except FileNotFoundError:
        return f"{path} is gone"
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def key(python: Path, variables: Mapping[str, str]) -> str:
    """Return the name of what a process has that imports with this Python and environment."""
    code = {file.relative_to(ROOT).as_posix(): fingerprint.of_file(file) for file in _code()}
    return fingerprint.of_text(
        str(python),
        fingerprint.of_files(code),
        json.dumps(lasting(variables), sort_keys=True),
        *_installed(python),
        *inherited(),
    )


@dataclass(frozen=True, slots=True)
class Installed:
    """The state of the files that this process imports from.

    Attributes:
        states: a line a file.
    """

    states: tuple[str, ...]

    @classmethod
    def now(cls) -> "Installed":
        """Look at the interpreter, its packages, and Kanaria's code."""
        return cls((*_installed(Path(sys.executable)), *map(_state, sorted(_code()))))
