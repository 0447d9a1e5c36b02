"""Who uses a server that was started for them: it ends with the last of them, however they end.

A user holds a shared lock on a file of the state folder. The kernel lets go of it when the user's
process ends, killed or not, so a server that can have the file for itself is used by nobody. A
process that is forked from a user is none: it lets go of the lock that it shares.
"""

import fcntl
import os
from pathlib import Path
from typing import IO
from weakref import WeakSet

from kanaria.components.shared.storage import owner_only_files

USERS = "users.lock"
_held: WeakSet[IO[str]] = WeakSet()


def _let_go() -> None:
    for file in list(_held):
        file.close()


os.register_at_fork(after_in_child=_let_go)


def begin(state: Path) -> IO[str] | None:
    """Return what marks a user until it is closed, or None while a server ends."""
    return _locked(state, fcntl.LOCK_SH)


def none_left(state: Path) -> IO[str] | None:
    """Return what keeps new users off until it is closed, or None while there is a user."""
    return _locked(state, fcntl.LOCK_EX)


def _locked(state: Path, kind: int) -> IO[str] | None:
    file: IO[str] = owner_only_files.opened(owner_only_files.folder(state) / USERS, "a")
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    _held.add(file)
    return file
