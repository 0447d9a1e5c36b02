"""One process of a machine at a time does a thing: whoever holds the lock of a file."""

import fcntl
from pathlib import Path
from typing import IO

from kanaria.components.shared.storage import owner_only_files


class FileLease:
    """A lease on one machine; it ends with the process that holds it."""

    def __init__(self, path: Path) -> None:
        """Name the file that is locked."""
        self._path = path
        self._file: IO[str] | None = None

    def hold(self) -> bool:
        """Take or renew the lease; False while another process holds it."""
        if self._file is not None:
            return True
        owner_only_files.folder(self._path.parent)
        file = owner_only_files.opened(self._path, "a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Give the lease back, if it is held."""
        if self._file is not None:
            self._file.close()
            self._file = None
