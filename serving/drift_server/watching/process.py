"""Keeps the watching process running beside the server."""

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path

logger = logging.getLogger(__name__)
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
STEADY_SECONDS = 60.0
"""A process that lasted as long is started again at once."""


class Process:
    """The watching process, started again whenever it ends; lives in one event loop."""

    def __init__(self, location: str, watch: Path) -> None:
        """Watch the store at `location` as the file `watch` says, once `run` runs."""
        module = "kanaria.serving.drift_server.watching"
        given = ["--store", location, "--watch", str(watch), "--parent", str(os.getpid())]
        # The server's own work comes first on a machine that is busy.
        self._command = ["nice", "-n", "10", sys.executable, "-I", "-m", module, *given]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    async def run(self) -> None:
        """Keep it running until cancelled; then end it."""
        wait, loop = FIRST_WAIT, asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    start_new_session=True,  # Ctrl-C is the server's to handle.
                )
                code = await self._process.wait()
                lasted = loop.time() - began
                wait = FIRST_WAIT if lasted > STEADY_SECONDS else min(2 * wait, LONGEST_WAIT)
                logger.error("the watching process ended with %d; again in %.0f s", code, wait)
                await asyncio.sleep(wait)
        finally:
            await self._end()

    async def _end(self) -> None:
        if self._process is not None and self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            await self._process.wait()
