"""The local server as a process beside others, which lives as long as somebody uses it."""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from kanaria.components.shared.errors import NotReadyError
from kanaria.components.shared.storage import owner_only_files
from kanaria.serving.local.state import server_users, state_folder

logger = logging.getLogger(__name__)
SERVER = "kanaria.serving.local"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.02


def command(state: Path, *options: str) -> list[str]:
    """Return the command line of a server on a free port, for whoever starts one as a process."""
    return [sys.executable, "-m", SERVER, "--state", str(state), "--port", "0", *options]


class BackgroundServer:
    """One use of the server of a state folder, which is started unless one is live.

    A server that was started here ends when this use and those of all others have ended, even if
    their processes are killed; one that a person started is left as it is.
    """

    def __init__(self, state: Path, *, spare: bool = False) -> None:
        """Name the folder; nothing is started.

        Args:
            state: the folder.
            spare: whether it is to be started on processor time that others leave.
        """
        self._state, self._spare = state, spare
        self._use: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Begin to use the server and return its URL, or "" while it starts or another one ends.

        Raises:
            NotReadyError: the one that was started here has ended.
        """
        self._use = self._use or server_users.begin(self._state)
        if self._use is None:
            return ""
        url = state_folder.live_url(self._state)
        if not url and self._process is None:
            self._process = self._started()
        elif not url and self._process and self._process.poll() is not None:
            cause = state_folder.last_line(self._state / state_folder.SERVER_LOG)
            self._process = None
            raise NotReadyError(f"{self._state}: local serving did not start: {cause}")
        return url

    def url(self) -> str:
        """Return the URL of the live server, once there is one.

        Raises:
            NotReadyError: it does not start, or not in time.
        """
        deadline = time.monotonic() + START_SECONDS
        while not (url := self.start()):
            if time.monotonic() > deadline:
                raise NotReadyError(f"{self._state}: local serving did not start in time")
            time.sleep(POLL_SECONDS)
        return url

    def close(self) -> None:
        """End this use, and the server if it was started here and nobody else uses it."""
        if self._use is not None:
            self._use.close()
            self._use = None
        if self._process is None:
            return
        # Nobody begins to use it while it ends.
        if unused := server_users.none_left(self._state):
            with unused:
                self._end(self._process)
        self._process = None

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _started(self) -> subprocess.Popen[bytes] | None:
        """Start a server, unless one is live or about to be."""
        with state_folder.claimed(self._state) as lock:
            if lock is None:
                return None
            options = ["--lock", str(lock.fileno()), *["--spare"] * self._spare]
            with owner_only_files.opened(self._state / state_folder.SERVER_LOG, "ab") as log:
                return subprocess.Popen(
                    command(self._state, *options),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[lock.fileno()],
                    start_new_session=True,  # Ctrl-C is the user's to handle, who then ends it.
                )


@contextmanager
def served(state: Path) -> Iterator[str]:
    """Serve what is applied in a state folder; yield the URL, and stop with the block.

    Raises:
        NotReadyError: a server is live on the folder, or this one does not start.
    """
    if state_folder.live_url(state):
        raise NotReadyError(f"{state}: a server is live on it; stop it, or use its address")
    with closing(BackgroundServer(state.resolve())) as server:
        yield server.url()


@contextmanager
def prestarted(state: Path) -> Iterator[None]:
    """Let a server start beside the block, for those in it who will need one.

    It takes processor time that others leave, and no time here: the block begins at once. Where a
    server is live already, the block is one of its users. When it does not start, whoever needs it
    starts one and is told why not.
    """
    with closing(BackgroundServer(state.resolve(), spare=True)) as server:
        try:
            server.start()
        except OSError as error:
            logger.warning("%s: no server starts beforehand: %s", state, error)
        yield
