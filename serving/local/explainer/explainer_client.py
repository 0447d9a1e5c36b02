"""The server's side of the process that explains: starts it when asked first, and asks it."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from pathlib import Path

import aiohttp
from starlette.responses import Response

from kanaria.components.shared.storage import owner_only_files
from kanaria.serving.explainer import installed_shap
from kanaria.serving.local.predictor.predictor_runner import free_port
from kanaria.serving.local.router.predictor_client import Call, Predictors, refuse
from kanaria.serving.local.state.state_folder import last_line

logger = logging.getLogger(__name__)
PROCESS = "kanaria.serving.local.explainer.explainer_process"
PREDICTOR_HEADER, MODEL_HEADER = "X-Kanaria-Predictor-Port", "X-Kanaria-Model-Uri"
PROTOCOL_HEADER = "X-Kanaria-Predictor-Protocol"
"""Of a request to the process: where and how the chosen revision answers, and what it serves."""
SECONDS = 600.0
"""For an answer: eight others may be explained first, thirty seconds each."""
START_SECONDS = 300.0
PROBE_SECONDS = 0.1


class Explainer:
    """One process that explains, or none yet."""

    def __init__(self, log: Path) -> None:
        """Start nothing; `log` is the file of the process's output."""
        self._log = log
        self._process: Process | None = None
        self._port = 0
        self._lock = asyncio.Lock()
        self._asks: Predictors | None = None

    async def ask(self, call: Call, *, port: int, protocol: str, storage_uri: str) -> Response:
        """Return the explanations that a request asks for.

        Args:
            call: the request.
            port: of the revision's predictor.
            protocol: that it speaks, "v1" or "v2".
            storage_uri: of its model.
        """
        if why := await self._started():
            return refuse(503, f"no explanations: {why}")
        call = call.with_header(PREDICTOR_HEADER, str(port))
        call = call.with_header(MODEL_HEADER, storage_uri)
        call = call.with_header(PROTOCOL_HEADER, protocol)
        if self._asks is None:
            self._asks = Predictors(SECONDS)
        return await self._asks.ask(call, self._port, "the explainer")

    async def close(self) -> None:
        """End the process."""
        if self._asks is not None:
            await self._asks.close()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _started(self) -> str:
        """Let the process live and answer; return why it does not, or ""."""
        async with self._lock:
            if self._process is not None and self._process.returncode is None:
                return ""
            if lacking := installed_shap.lacking():
                return lacking
            start = self._log.stat().st_size if self._log.exists() else 0
            self._port = free_port()
            owner_only_files.folder(self._log.parent)
            with owner_only_files.opened(self._log, "ab") as output:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", PROCESS, str(self._port), str(os.getpid())),
                    stdin=DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # Ctrl-C is the server's to handle.
                )
            logger.info("explanations: SHAP is loaded and compiles; the first answer takes seconds")
            if await self._answers(self._process):
                return ""
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
            return last_line(self._log, start) or "the process ended without a word; see its log"

    async def _answers(self, process: Process) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_SECONDS
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
            while process.returncode is None and loop.time() < deadline:
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with client.get(f"http://127.0.0.1:{self._port}/healthz") as answer:
                        return answer.ok
                await asyncio.sleep(PROBE_SECONDS)
        return False
