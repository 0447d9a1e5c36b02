"""Keeps one revision's predictor running: start, wait for readiness, restart with back-off."""

import asyncio
import logging
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp

from kanaria.components.shared import json_log
from kanaria.serving.local.predictor import model_copy
from kanaria.serving.local.predictor.host_client import Child, Spawner
from kanaria.serving.local.state.state_folder import Revision, last_line

logger = logging.getLogger(__name__)
LOAD_ATTEMPTS = 2
LOAD_SECONDS = 600.0  # Knative's progress deadline.
PROBE_SECONDS = 0.03
PROBE_TIMEOUT = aiohttp.ClientTimeout(total=5.0)
WATCH_SECONDS = 1.0
MISSED_PROBES = 3
"""In a row, before a predictor counts as frozen; the failure threshold of Kubernetes' probes."""
MAX_BACK_OFF_SECONDS = 30.0
STEADY_SECONDS = 30.0


class Watcher(Protocol):
    """Whoever wants to know how a revision fares."""

    def on_ready(self, revision: str) -> None:
        """The revision's predictor answers."""

    def on_failed(self, revision: str, why: str) -> None:
        """The revision's model does not load."""


def back_off(deaths: int) -> float:
    """Return the seconds to wait after `deaths` deaths in a row: 1, 2, 4 ... at most 30."""
    return min(2.0 ** min(deaths - 1, 10), MAX_BACK_OFF_SECONDS)


def free_port() -> int:
    """Return a port of the loopback address that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """Where a revision's predictor writes.

    Attributes:
        namespace: of the service.
        service: its name, under which the model is served.
        log: the file of its output.
        copies: the folder of models that were copied from an object store.
    """

    namespace: str
    service: str
    log: Path
    copies: Path


class Runner:
    """The life of one revision's predictor.

    Attributes:
        port: of the predictor while it answers, else None.
        revision: that it serves.
        restarts: starts after the first.
    """

    def __init__(  # noqa: D107
        self,
        revision: Revision,
        files: Files,
        *,
        spawner: Spawner,
        watcher: Watcher,
        was_ready: bool,
    ) -> None:
        self.port: int | None = None
        self.revision = revision
        self.restarts = 0
        self._namespace, self._name = files.namespace, files.service
        self._log, self._copies, self._spawner = files.log, files.copies, spawner
        self._watcher, self._was_ready = watcher, was_ready
        self._child: Child | None = None
        self._first_start_over = asyncio.Event()
        with json_log.fields(
            namespace=files.namespace, service=files.service, revision=revision.name
        ):
            self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the predictor when its running requests are answered."""
        self.cancel()
        if self._child is not None:
            await self._child.stop()

    def cancel(self) -> None:
        """Start and watch it no more."""
        self.port = None
        self._first_start_over.set()
        self._task.cancel()

    async def awake(self, seconds: float) -> int | None:
        """Return the port, after the first start of a revision that was ready before.

        Args:
            seconds: to wait at most; a predictor that has died since is not waited for.
        """
        if self._was_ready and not self._first_start_over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._first_start_over.wait(), seconds)
        return self.port

    @property
    def forked(self) -> bool:
        """Whether a process exists that can be told to stop."""
        return self._child is not None and self._child.pid.done()

    async def _keep(self) -> None:
        deaths, clock = 0, asyncio.get_running_loop().time
        while True:
            began = clock()
            answered = await self._live_once()
            self._first_start_over.set()
            if answered:
                deaths = 0 if clock() - began > STEADY_SECONDS else deaths
            elif not self._was_ready and deaths + 1 >= LOAD_ATTEMPTS:
                return
            deaths += 1
            await asyncio.sleep(back_off(deaths))
            self.restarts += 1

    async def _live_once(self) -> bool:
        """Run the predictor until it ends; return whether it ever answered."""
        start = self._log.stat().st_size if self._log.exists() else 0
        uri = self.revision.storage_uri
        if not await model_copy.made(uri, self._copies, self._log):
            self._tell(last_line(self._log, start) or "its model could not be copied")
            return False
        port = free_port()
        self._child = child = await self._spawner.launch(
            log=self._log,
            model_dir=str(model_copy.folder(uri, self._copies)),
            namespace=self._namespace,
            name=self._name,
            revision=self.revision.name,
            port=port,
            protocol=self.revision.protocol,
            model_format=self.revision.model_format,
            probabilities=self.revision.probabilities,
        )
        async with aiohttp.ClientSession(timeout=PROBE_TIMEOUT) as client:
            answered = await self._answers(client, child, port)
            if answered:
                self.port, self._was_ready = port, True
                self._first_start_over.set()
                self._watcher.on_ready(self.revision.name)
                await self._watch(client, child, port)
            else:
                await child.stop()
        self._tell(self._cause(child, start))
        return answered

    def _tell(self, why: str) -> None:
        logger.warning("%s: its predictor ended: %s", self.revision.name, why)
        if not self._was_ready:
            self._watcher.on_failed(self.revision.name, why)

    async def _answers(self, client: aiohttp.ClientSession, child: Child, port: int) -> bool:
        await asyncio.wait([child.pid, child.ended], return_when=asyncio.FIRST_COMPLETED)
        clock = asyncio.get_running_loop().time
        deadline = clock() + LOAD_SECONDS
        while not child.ended.done() and clock() < deadline:
            if await self._is_ready(client, port):
                return True
            await asyncio.wait([child.ended], timeout=PROBE_SECONDS)
        return False

    async def _is_ready(self, client: aiohttp.ClientSession, port: int) -> bool:
        try:
            async with client.get(f"http://127.0.0.1:{port}/v1/models/{self._name}") as answer:
                return answer.ok
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _watch(self, client: aiohttp.ClientSession, child: Child, port: int) -> None:
        """Wait until the predictor has ended; end it when it answers its probes no more."""
        missed = 0
        while missed < MISSED_PROBES and not child.ended.done():
            await asyncio.wait([child.ended], timeout=WATCH_SECONDS)
            missed = 0 if await self._is_ready(client, port) else missed + 1
        self.port = None
        if not child.ended.done():
            logger.warning(
                "%s: its predictor answered %d probes in a row not or not in time; it is ended",
                self.revision.name,
                missed,
            )
            await child.kill()

    def _cause(self, child: Child, start: int) -> str:
        if not child.pid.done():
            return "the predictor host ended before it could load the model; see its log"
        code = child.ended.result()
        ending = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        line = last_line(self._log, start)
        return line if line and code > 0 else f"{ending}; last line of its log: {line or 'none'}"
