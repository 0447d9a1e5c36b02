"""The runner's side of the warm process: start it, order forks, learn how they end."""

import json
import os
import select
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.storage import owner_only_files
from kanaria.pipelines.local.process_memory import Meter
from kanaria.pipelines.local.step_process import POLL_SECONDS
from kanaria.pipelines.local.warm_process import messages
from kanaria.pipelines.local.warm_process.hang_detector import (
    HOST_SECONDS,
    HungError,
    Silence,
    has_died,
)

HOST = "kanaria.pipelines.local.warm_process.fork_server"
KILLED = -9
ANSWER_SECONDS = 5.0
"""A warm process tells within this time that a fork of it has ended, or it is given up."""


class LostError(KanariaError):
    """The warm process ended, or does not answer."""


class Channel:
    """What a fork is told of: its id, then its exit code."""

    def __init__(self, channel: socket.socket) -> None:
        """Listen at a channel."""
        self._channel = channel
        self._pending = b""
        self._said: dict[str, int] = {}
        self._is_open = True

    def said(self, name: str, seconds: float) -> int | None:
        """Wait so long, or until a number or the end was told; return the number."""
        if name not in self._said and self._is_open and self._is_readable(seconds):
            arrived = self._channel.recv(messages.LINE)
            self._is_open = bool(arrived)
            *lines, self._pending = (self._pending + arrived).split(b"\n")
            for line in lines:
                self._said |= json.loads(line)
        return self._said.get(name)

    def has_ended(self, name: str) -> bool:
        """Tell whether nothing is to come: the number was told, or the other end is closed."""
        return name in self._said or not self._is_open

    def close(self) -> None:
        """Let the warm process end the fork, and free its id."""
        self._channel.close()

    def _is_readable(self, seconds: float) -> bool:
        return bool(select.select([self._channel], [], [], seconds)[0])


class Forked:
    """A fork of the warm process, which waits for `begin`."""

    def __init__(self, pid: int, host: int, channel: Channel, gate: int) -> None:
        """Name the fork, the process it shares memory with, and what it is told by and told of."""
        self.pid = pid
        self.beside: tuple[int, ...] = (host,)
        self._channel, self.gate = channel, os.fdopen(gate, "wb", buffering=0)
        self._died: float | None = None

    def begin(self) -> None:
        """Let it run: from now on it ends with the runner."""
        with self.gate, suppress(BrokenPipeError):  # It has ended, as the channel will tell.
            self.gate.write(b"\n")

    def has_ended(self, seconds: float) -> bool:
        """Wait so long, or until it has ended; tell whether it has.

        Raises:
            LostError: it has, and the warm process does not tell how.
        """
        self._channel.said("code", seconds)
        if self._channel.has_ended("code"):
            return True
        if not has_died(self.pid):
            return False
        self._died = self._died or time.monotonic()
        if time.monotonic() - self._died > ANSWER_SECONDS:
            raise LostError(f"the warm process {self.beside[0]} does not answer")
        return False

    def collect(self) -> int:
        """Wait until it has ended, free its id, and return its exit code.

        When the warm process ends, its forks are killed. One that does not tell frees the id when
        it goes on.
        """
        self.gate.close()
        until = time.monotonic() + ANSWER_SECONDS
        while not self._channel.has_ended("code") and time.monotonic() < until:
            self._channel.said("code", POLL_SECONDS)
        code = self._channel.said("code", 0)
        self._channel.close()
        return KILLED if code is None else code


@dataclass(frozen=True, kw_only=True, slots=True)
class LaterUse:
    """How a warm process is kept for later runs.

    Attributes:
        listener: the socket at which they find it.
        seconds: for how long after the last of them.
    """

    listener: socket.socket
    seconds: int


class Warm:
    """A run's use of a warm process, which ends with the run unless it is kept."""

    def __init__(
        self,
        lease: socket.socket,
        log: Path,
        pid: int,
        process: "subprocess.Popen[bytes] | None" = None,
    ) -> None:
        """Use the process at the other end of a lease.

        Args:
            lease: where orders go.
            log: file of its output.
            pid: its id.
            process: the process where it is to end with this run.
        """
        lease.settimeout(ANSWER_SECONDS)
        self.pid = pid
        self._lease, self._log, self._process = lease, log, process
        self._lost = ""

    @classmethod
    def started(
        cls, environment: Mapping[str, str], log: Path, later_use: LaterUse | None = None
    ) -> "Warm":
        """Start one, with an environment as its forks will have, and a file for its output.

        Unless it is kept, it ends at the latest with the thread that starts it.
        """
        lease, theirs = socket.socketpair()
        owner_only_files.folder(log.parent)
        passed = [theirs, *([later_use.listener] if later_use else [])]
        command = ["python3", "-m", HOST, str(os.getpid())]
        command += [str(each.fileno()) for each in passed] + (
            [str(later_use.seconds)] if later_use else []
        )
        with theirs, owner_only_files.opened(log, "ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment, "_KFP_RUNTIME": "true"},
                pass_fds=[each.fileno() for each in passed],
                start_new_session=True,
            )
        return cls(lease, log, process.pid, None if later_use else process)

    def start(
        self,
        command: Sequence[str],
        stages: int,
        tick: Callable[[], None],
        log: IO[Any],
        environment: Mapping[str, str],
    ) -> Forked:
        """Fork a process that is to do what the command does.

        Args:
            command: KFP's, of a lightweight component.
            stages: of the imports, that the command needs.
            tick: called several times a second while the imports go on.
            log: what it writes to.
            environment: its environment variables.

        Raises:
            LostError: the warm process has ended, or neither answers nor imports.
        """
        if self._lost:
            raise LostError(self._lost)
        request = messages.Request(
            command=tuple(command),
            environment=environment,
            folder=str(Path.cwd()),
            umask=_umask(),
        )
        try:
            sent = messages.send(self._lease, request, log.fileno(), stages)
        except OSError as error:
            raise self._given_up(f"the warm process ended, see {self._log}") from error
        channel = Channel(sent.channel)
        try:
            pid = self._forked(channel, tick)
        except BaseException:
            channel.close()
            os.close(sent.gate)
            raise
        return Forked(pid, self.pid, channel, sent.gate)

    def _forked(self, channel: Channel, tick: Callable[[], None]) -> int:
        """Wait until the fork has told its id; until then the process imports."""
        meter, silence = Meter(self.pid), Silence(self._log, HOST_SECONDS)
        while (pid := channel.said("pid", POLL_SECONDS)) is None:
            if channel.has_ended("pid"):
                raise self._given_up(f"the warm process ended, see {self._log}")
            try:
                silence.look(meter.members())
            except HungError as error:
                raise self._given_up(f"the warm process does not answer: {error}") from error
            tick()
        return pid

    def _given_up(self, why: str) -> LostError:
        """Order nothing more of it, and return the error that says why."""
        self._lost = why
        return LostError(why)

    def end(self) -> None:
        """End this use of it, and what was forked in it."""
        self._lease.close()
        if self._process:
            self._process.kill()
            self._process.wait()


def _umask() -> int:
    """Return this process's umask; os.umask tells it only by changing it, for all threads."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1], 8) for line in lines if line.startswith("Umask:"))
