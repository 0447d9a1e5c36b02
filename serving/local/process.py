"""One predictor process: start, readiness, restart with back-off."""

import asyncio
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from kanaria.serving.local.store import Revision

MAX_BACKOFF_SECONDS = 30.0
LOAD_ATTEMPTS = 2
"""How often a model may fail to load before its revision is given up."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """What a predictor is started with."""

    service: str
    revision: Revision
    log: Path


class Predictor:
    """Keeps one revision's predictor running.

    `ready` tells whether it answers now; `failure` is set, and no more starts are made, when a
    model that was never ready failed to load `LOAD_ATTEMPTS` times.
    """

    def __init__(self, launch: Launch, was_ready: bool) -> None:
        """Prepare; `tick` starts the process."""
        self._launch, self._was_ready = launch, was_ready
        self._process: asyncio.subprocess.Process | None = None
        self._deaths, self._next_start = 0, 0.0
        self.port, self.ready, self.failure = 0, False, ""

    @property
    def url(self) -> str:
        """Where the process answers."""
        return f"http://127.0.0.1:{self.port}"

    async def tick(self, client: httpx.AsyncClient) -> None:
        """Start, restart or probe the process, whichever is due."""
        if self.failure:
            return
        if self._process is not None and self._process.returncode is not None:
            self._bury()
        if self._process is None:
            if not self.failure and time.monotonic() >= self._next_start:
                await self._start()
        elif not self.ready:
            self.ready = await self._answers(client)
            self._was_ready = self._was_ready or self.ready

    async def _start(self) -> None:
        self.port = _free_port()
        revision = self._launch.revision
        module = "kanaria.serving.local.predictor"
        arguments = ["--name", self._launch.service, "--model-dir", revision.storage_uri]
        arguments += ["--port", str(self.port), "--protocol", revision.protocol]
        with self._launch.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, *arguments, stdout=log, stderr=log
            )

    def _bury(self) -> None:
        """Note a death: plan the next start, or give the revision up."""
        self._process, self.ready = None, False
        self._deaths += 1
        if not self._was_ready and self._deaths >= LOAD_ATTEMPTS:
            self.failure = self._last_line()
            return
        delay = min(2.0 ** (self._deaths - 1), MAX_BACKOFF_SECONDS)
        self._next_start = time.monotonic() + delay

    def _last_line(self) -> str:
        text = self._launch.log.read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        return lines[-1].strip() if lines else "the predictor ended without a word"

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            answer = await client.get(f"{self.url}/v2/health/ready", timeout=1.0)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def lost(self) -> None:
        """Tell that a request found nobody listening; the next tick looks why."""
        self.ready = False

    async def stop(self) -> None:
        """End the process and wait for it."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process, self.ready = None, False
