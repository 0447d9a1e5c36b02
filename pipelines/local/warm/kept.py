"""Warm processes that are kept for later runs: found by what they imported, by their user alone.

Each listens at a socket in a folder that nobody else may enter. The socket's name is a hash of the
interpreter, the packages it has, Kanaria's code, and the environment but for what changes from
shell to shell and no import reads; so a run finds only a process that imported what it would.
"""

import fcntl
import json
import os
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kanaria import components
from kanaria.components.shared import fingerprint, private
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.pipelines.local import environment
from kanaria.pipelines.local.warm import orders
from kanaria.pipelines.local.warm.client import Kept, Warm

ENDING = ".socket"
LOCK = ".lock"
ANSWER_SECONDS = 1.0
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A warm process that is kept.

    Attributes:
        pid: its id; 0 while it imports and cannot answer.
        runs: how many runs use it now.
        seconds: for how long it is kept after the last of them.
    """

    pid: int
    runs: int
    seconds: int


def _folder() -> Path:
    place = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    return place / f"kanaria-{os.geteuid()}"


def _is_own(path: Path) -> bool:
    """Tell whether a folder is there, and this user's alone."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    is_private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
    return is_private and found.st_uid == os.geteuid()


def _sockets() -> list[Path]:
    """Return the sockets of the kept processes; what others put in our place does not count."""
    path = _folder()
    return sorted(path.glob(f"*{ENDING}")) if _is_own(path) else []


def identity(python: Path, variables: Mapping[str, str]) -> str:
    """Return the name of what a process has that imports with this Python and environment."""
    root = Path(components.__file__).parents[1]
    parts = [root / name for name in ("components", "pipelines", "serving")]
    files = [file for part in parts for file in part.rglob("*.py") if "tests" not in file.parts]
    code = {file.relative_to(root).as_posix(): fingerprint.of_file(file) for file in files}
    read = {
        name: value
        for name, value in variables.items()
        if name not in READ_LATE and not name.startswith(READ_LATE_PREFIXES)
    }
    return fingerprint.of_text(
        str(python),
        environment.packages(python),
        fingerprint.of_files(code),
        json.dumps(read, sort_keys=True),
    )


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    with private.opened(place / LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _connected(path: Path) -> socket.socket | None:
    """Connect to the process that listens at `path`; remove what a killed one has left."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except FileNotFoundError:
        connection.close()
        return None
    except ConnectionRefusedError:
        connection.close()
        path.unlink(missing_ok=True)
        return None
    if not orders.is_own(connection):
        connection.close()
        raise ParameterError(f"{shown(str(path))}: another user's process listens there; remove it")
    return connection


def found(python: Path, variables: Mapping[str, str], log: Path, seconds: int) -> Warm | None:
    """Return a use of a kept process; with `seconds` above 0 one is started where there is none.

    Args:
        python: the interpreter of the steps.
        variables: the environment of the steps.
        log: file for what a process that is started here writes.
        seconds: for how long it is kept after its last run; 0 leaves a process that is there as
            it is.
    """
    place = _folder()
    if not seconds and not _sockets():
        return None
    place.mkdir(mode=private.FOLDER, exist_ok=True)
    if not _is_own(place):
        raise ParameterError(
            f"{place}: warm processes are kept in this folder, which is another user's, or open "
            "to others; remove it, or name another place in XDG_RUNTIME_DIR"
        )
    path = place / f"{identity(python, variables)[:32]}{ENDING}"
    with _alone(place):
        lease = _connected(path)
        if lease:
            if seconds:
                lease.sendall(orders.WORD.pack(orders.KEEP, seconds))
            private.folder(log.parent)
            private.write_text(log, "this run uses the warm process of an earlier one\n")
            return Warm(lease, log)
        if not seconds:
            return None
        _stop_at(_sockets())  # Memory for one is enough, and what is older serves other code.
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            return Warm.started(variables, log, Kept(listener=listener, seconds=seconds))


def _asked(connection: socket.socket) -> Waiting:
    connection.settimeout(ANSWER_SECONDS)
    try:
        connection.sendall(orders.WORD.pack(orders.TELL, 0))
        said = connection.recv(orders.LINE)
    except OSError:
        said = b""
    return Waiting(**json.loads(said)) if said else Waiting(pid=0, runs=1, seconds=0)


def waiting() -> list[Waiting]:
    """Return the warm processes of this user that are kept."""
    told = []
    for path in _sockets():
        with _alone(path.parent):
            connection = _connected(path)
        if connection:
            with connection:
                told.append(_asked(connection))
    return told


def stop() -> int:
    """Let every kept process end, now or with the run that uses it; return how many there are."""
    paths = _sockets()
    if not paths:
        return 0
    with _alone(paths[0].parent):
        return _stop_at(paths)


def _stop_at(paths: list[Path]) -> int:
    """Do so with the processes that listen at these sockets; nobody else changes the folder."""
    count = 0
    for path in paths:
        connection = _connected(path)
        if connection:
            with connection:
                connection.sendall(orders.WORD.pack(orders.KEEP, 0))
            path.unlink(missing_ok=True)
            count += 1
    return count
