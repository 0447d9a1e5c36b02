"""The server's side of the predictor host: order a predictor, learn when it ends."""

import asyncio
import itertools
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kanaria.components.shared.storage import owner_only_files

logger = logging.getLogger(__name__)
HOST = "kanaria.serving.local.predictor.predictor_host"
GRACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A predictor process: `pid` when it is forked, then its exit code (negative: a signal)."""

    pid: asyncio.Future[int] = field(default_factory=asyncio.Future)
    ended: asyncio.Future[int] = field(default_factory=asyncio.Future)

    async def stop(self) -> None:
        """End the process: politely, so that running requests finish, then by force."""
        await asyncio.wait([self.pid, self.ended], return_when=asyncio.FIRST_COMPLETED)
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            if self.ended.done():
                return
            with suppress(ProcessLookupError):
                os.kill(self.pid.result(), signal_number)
            await asyncio.wait([self.ended], timeout=GRACE_SECONDS)

    async def kill(self) -> None:
        """End the process at once: it answers nothing that it could finish."""
        with suppress(ProcessLookupError):
            os.kill(self.pid.result(), signal.SIGKILL)
        await asyncio.wait([self.ended])


class Spawner:
    """Keeps one predictor host alive and passes orders to it."""

    def __init__(self, log: Path, *, spare: bool = False) -> None:
        """Name the file for the host's own output.

        Args:
            log: the file.
            spare: whether the first host imports on processor time that others leave.
        """
        self._log, self._spare = log, spare
        self._host: Process | None = None
        self._children: dict[str, Child] = {}
        self._reader: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._keys = itertools.count(1)

    async def start(self) -> Process:
        """Start the host unless it lives, and return it. It takes seconds to be of use."""
        async with self._lock:
            if self._host is None or self._host.returncode is not None:
                owner_only_files.folder(self._log.parent)
                options = ["--spare"] * self._spare
                self._spare = False  # One that takes the place of another is waited for.
                with owner_only_files.opened(self._log, "ab") as log:
                    self._host = await asyncio.create_subprocess_exec(
                        *(sys.executable, "-m", HOST, str(os.getpid()), *options),
                        stdin=PIPE,
                        stdout=PIPE,
                        stderr=log,
                        start_new_session=True,  # Ctrl-C is the server's to handle.
                    )
                self._reader = asyncio.create_task(self._read(self._host))
            return self._host

    async def launch(self, *, log: Path, **predictor: str | int) -> Child:
        """Order a predictor; it may still have to wait for the host's imports.

        Args:
            log: file of its output.
            predictor: the fields of `predictor_process.Predictor`.
        """
        host = await self.start()
        key, child = str(next(self._keys)), Child()
        self._children[key] = child
        order = {"key": key, "log": str(log), **predictor}
        if host.stdin is not None:
            with suppress(ConnectionError):  # A host that ended is noticed by its reader.
                host.stdin.write(json.dumps(order).encode() + b"\n")
                await host.stdin.drain()
        if host.returncode is not None and not child.ended.done():
            child.ended.set_result(host.returncode)
        return child

    async def stop(self) -> None:
        """End the host; the kernel ends the predictors that are left with it."""
        host, self._host = self._host, None
        if host is not None and host.returncode is None:
            host.kill()
            await host.wait()
        if self._reader is not None:
            await self._reader

    async def _read(self, host: Process) -> None:
        while host.stdout is not None and (line := await host.stdout.readline()):
            answer = json.loads(line)
            child = self._children[answer["key"]]
            if "pid" in answer:
                child.pid.set_result(answer["pid"])
            else:
                del self._children[answer["key"]]
                child.ended.set_result(answer["code"])
        code = await host.wait()
        # Ctrl-C reaches a host that has no session of its own yet; the server ends then, too.
        if host is self._host and code != -signal.SIGINT:  # Nobody ended it here.
            logger.info("the predictor host ended with %s", code)
        for child in self._children.values():
            child.ended.set_result(code)
        self._children.clear()
