"""Keeps the watching process running beside the server."""

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path

from kanaria.serving.drift_watch import watch_file
from kanaria.serving.drift_watch.watch_states import State, read

logger = logging.getLogger(__name__)
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
END_SECONDS = 8.0
"""For the process to end by itself when its server does."""
STEADY_SECONDS = 60.0
"""A process that lasted as long is started again at once."""
LONGEST_TURN = 900.0
"""Seconds after which a process that tells nothing is taken to hang."""
MOST_TOLD = 16 << 20
"""Bytes of a line of states."""


class Process:
    """The watching process, started again whenever it ends; lives in one event loop."""

    def __init__(self, location: str, watch: Path) -> None:
        """Watch the store at `location` as the file `watch` says, once `run` runs."""
        module = "kanaria.serving.drift_watch"
        options = ["--store", location, "--watch", str(watch), "--parent", str(os.getpid())]
        # The server's own work comes first on a machine that is busy.
        self._command = ["nice", "-n", "10", sys.executable, "-I", "-m", module, *options]
        self._process: asyncio.subprocess.Process | None = None
        self._watches = watch_file.read(watch)
        self._states: tuple[State, ...] = ()
        self._heard = 0.0

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def states(self) -> tuple[State, ...]:
        """Whether each watch works, as far as is known; none works while the process does not."""
        silent = asyncio.get_running_loop().time() - self._heard
        if self.alive and self._states and silent < LONGEST_TURN:
            return self._states
        why = "" if self.alive else "the watching process does not run; see the log"
        if self.alive and silent >= LONGEST_TURN:
            why = f"the watching process has not ended a turn for {silent:.0f} s; see the log"
        return tuple(
            State(namespace=one.namespace, service=one.service, name=one.name, broken=why)
            for one in self._watches
        )

    async def run(self) -> None:
        """Keep it running until cancelled; then end it."""
        wait, loop = FIRST_WAIT, asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    start_new_session=True,  # Ctrl-C is the server's to handle.
                    stdout=asyncio.subprocess.PIPE,
                    limit=MOST_TOLD,
                )
                await self._listen(self._process)
                code = await self._process.wait()
                self._states = ()
                lasted = loop.time() - began
                wait = FIRST_WAIT if lasted > STEADY_SECONDS else min(2 * wait, LONGEST_WAIT)
                logger.error("the watching process ended with %d; again in %.0f s", code, wait)
                await asyncio.sleep(wait)
        finally:
            await self._end()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Read what the process tells of its watches until it ends."""
        loop, text = asyncio.get_running_loop(), b"begins"
        self._heard = loop.time()
        while process.stdout and text:
            try:
                text = await process.stdout.readline()
            except ValueError:  # Longer than any line of states.
                continue
            states = read(text)
            if states is not None:
                self._states, self._heard = states, loop.time()

    async def _end(self) -> None:
        if self._process is not None and self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), END_SECONDS)
            except TimeoutError:  # In the midst of a test; nothing of it is kept.
                self._process.kill()
                await self._process.wait()
