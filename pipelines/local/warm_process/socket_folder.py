"""The folder where kept processes are found; nobody else may enter it.

A kept process has three files of one name there: the socket at which it listens, its id, and the
log of what it writes once it has imported all. Who changes the folder holds its lock.
"""

import fcntl
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.storage import owner_only_files
from kanaria.pipelines.local.warm_process import messages

ENDING, PID, LOG = ".socket", ".pid", ".log"
LOCK = ".lock"
ANSWER_SECONDS = 3.0
"""A kept process that has imported all answers within this time, or it is not used."""


def folder() -> Path:
    """Return the folder, which may not be there."""
    place = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    return place / f"kanaria-{os.geteuid()}"


def is_own(path: Path) -> bool:
    """Tell whether a folder is there, and this user's alone."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    is_private = stat.S_ISDIR(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077
    return is_private and status.st_uid == os.geteuid()


def sockets() -> list[Path]:
    """Return the sockets of the kept processes; what others put in our place does not count."""
    path = folder()
    return sorted(path.glob(f"*{ENDING}")) if is_own(path) else []


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Let nobody else change the folder for the block's time."""
    with owner_only_files.opened(place / LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def alone_at_once(place: Path) -> Iterator[bool]:
    """Do the same where nobody else holds the lock; yield whether that is so."""
    with owner_only_files.opened(place / LOCK, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def remove(path: Path) -> None:
    """Remove the files of the process whose socket is, or was, at `path`."""
    for ending in (ENDING, PID, LOG):
        path.with_suffix(ending).unlink(missing_ok=True)


def pid(path: Path) -> int:
    """Return the id of the process whose socket is at `path`, 0 where that is not told."""
    try:
        return int(path.with_suffix(PID).read_text())
    except FileNotFoundError:
        return 0


def is_ready(path: Path) -> bool:
    """Tell whether the process whose socket is at `path` has imported all."""
    return path.with_suffix(LOG).exists()


def connected(path: Path) -> socket.socket | None:
    """Connect to the process that listens at `path`; remove what a killed one has left.

    No operation on the connection takes longer than `ANSWER_SECONDS`.

    Raises:
        BlockingIOError, TimeoutError: it takes nobody any more.
        ParameterError: it is another user's.
    """
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(ANSWER_SECONDS)
    try:
        connection.connect(str(path))
        is_ours = messages.is_own(connection)
    except BaseException as error:
        connection.close()
        if isinstance(error, ConnectionRefusedError):
            remove(path)
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            return None
        raise
    if not is_ours:
        connection.close()
        raise ParameterError(f"{shown(str(path))}: another user's process listens there; remove it")
    return connection
