"""How long a kept process is there for runs that may come, and where they find it."""

import os
import select
import socket
import time
from pathlib import Path

from kanaria.components.shared.storage import owner_only_files
from kanaria.pipelines.local.warm_process import socket_folder
from kanaria.pipelines.local.warm_process.process_identity import Installed

LOOK_SECONDS = 10.0
"""So often a kept process looks whether its own files are there as it imported them."""


class Listening:
    """The socket of a kept process, and the time for which it is kept after its last run.

    Attributes:
        listener: the socket.
        seconds: the time.
    """

    def __init__(self, listener: socket.socket, seconds: int) -> None:
        """Note what the files are from which this process will import."""
        self.listener, self.seconds = listener, seconds
        self._path = Path(listener.getsockname())
        self._installed = Installed.now()
        self._rests_since = self._looked = time.monotonic()

    def rest(self) -> None:
        """Note that a run has ended."""
        self._rests_since = time.monotonic()

    def let_go(self) -> None:
        """Hold neither folder nor log of the run that started this process; others see it so."""
        os.chdir("/")
        with owner_only_files.opened(self._path.with_suffix(socket_folder.LOG), "ab") as log:
            for descriptor in (1, 2):
                os.dup2(log.fileno(), descriptor)

    def has_changed(self) -> bool:
        """Tell whether the interpreter, its packages or Kanaria's code are others, or gone."""
        self._looked = time.monotonic()
        return Installed.now() != self._installed

    def patience(self) -> float:
        """Return for how many seconds it may wait before it asks `is_over` again."""
        left = self._rests_since + self.seconds - time.monotonic()
        return min(max(left, 0.1), LOOK_SECONDS)

    def is_over(self, has_leases: bool) -> bool:
        """Tell whether no run may come any more; its files are removed then."""
        now = time.monotonic()
        is_due = not has_leases and now >= self._rests_since + self.seconds
        if not is_due and now - self._looked < LOOK_SECONDS:
            return False
        return (is_due or self.has_changed()) and self._is_removed()

    def _is_removed(self) -> bool:
        """Remove the files, unless a run is coming just now."""
        with socket_folder.alone_at_once(self._path.parent) as is_alone:
            is_free = is_alone and not select.select([self.listener], [], [], 0)[0]
            if is_free:
                socket_folder.remove(self._path)
        return is_free
