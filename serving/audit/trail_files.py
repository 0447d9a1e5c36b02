"""Audit trails in the state folder of local serving: <state>/<namespace>/<service>/audit.chain.

The file is opened for appending only and locked for one change, so `chattr +a` may forbid anything
else. A writer that died in the middle of a line has not written its entry: the next one takes the
piece away and writes the entry anew, from the same decision.
"""

import errno
import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kanaria.components.shared.errors import DataError, NotReadyError, shown
from kanaria.components.shared.storage import owner_only_files
from kanaria.serving.audit.chain import Chain, extended, is_whole, read
from kanaria.serving.audit.trail_store import Due, require_sound

LOGGER = logging.getLogger(__name__)
FILE = "audit.chain"


class FileTrails:
    """The TrailStore of one state folder, `folder`."""

    def __init__(self, state: Path) -> None:
        """Name the folder; nothing is made before something is written."""
        self.folder = state

    def read(self, namespace: str, service: str) -> Chain:
        """Return the trail of a service, without entries where there is none."""
        path = self._path(namespace, service)
        with _named(path):
            if not path.exists():
                return Chain()
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                return read(file.read())

    def append(self, namespace: str, service: str, due: Due) -> Chain:
        """Add what is due to the trail as it stands, with no other writer in between."""
        path = self._path(namespace, service)
        owner_only_files.folder(path.parent)
        with _named(path), owner_only_files.opened(path, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            data = _mended(path, file.fileno())
            chain = read(data)
            require_sound(chain, str(path))
            text = extended(chain.head, due(chain)).encode("ascii")
            if text:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                _sync_folder(path.parent)
            return read(data + text)

    def _path(self, namespace: str, service: str) -> Path:
        return self.folder / namespace / service / FILE


def _mended(path: Path, descriptor: int) -> bytes:
    """Return the trail with whole lines only, after a writer that died in one."""
    data = path.read_bytes()
    chain = read(data)
    if not chain.tail:
        return data
    if is_whole(chain.head, chain.tail):
        os.write(descriptor, b"\n")
        return data + b"\n"
    if _is_closed(chain.tail):
        raise DataError(
            f"{path}: the audit trail is damaged: its last line has a changed end; keep it as "
            "evidence: move it aside, and the next writer begins another"
        )
    LOGGER.warning("%s: a writer died in %s; it is written anew", path, shown(chain.tail))
    whole = data.removesuffix(chain.tail)
    os.ftruncate(descriptor, len(whole))
    return whole


def _is_closed(tail: bytes) -> bool:
    """Tell whether a line holds a whole entry: then its writer did not die in it."""
    try:
        json.JSONDecoder().raw_decode(tail.partition(b" ")[2].decode("latin-1"))
    except (ValueError, RecursionError):
        return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the trail in what the disk says."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or errno.errorcode.get(error.errno or 0, str(error))
        raise NotReadyError(
            f"{path}: {reason}; the audit trail must be readable and writable"
        ) from error
