"""The local server as a process that lives as long as a block."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kanaria.components.shared import private
from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.local import store

START_SECONDS = 60
POLL_SECONDS = 0.1


@contextmanager
def served(state: Path) -> Iterator[str]:
    """Serve what is applied in a state folder; yield the URL, and stop with the block.

    Raises:
        NotReadyError: a server is live on the folder, or this one does not start.
    """
    if store.live_url(state):
        raise NotReadyError(f"{state}: a server is live on it; stop it, or use its address")
    private.folder(state)
    command = [sys.executable, "-m", "kanaria.serving.local", "--state", str(state)]
    command += ["--port", "0", "--parent", str(os.getpid())]
    with private.opened(state / store.SERVER_LOG, "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not store.live_url(state):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotReadyError(
                    f"the local server did not start; see {state / store.SERVER_LOG}"
                )
            time.sleep(POLL_SECONDS)
        yield store.live_url(state)
    finally:
        process.terminate()
        process.wait()
