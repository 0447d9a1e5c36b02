"""The runner's side of the warm process: start it, order forks, learn how they end."""

import json
import os
import select
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from kanaria.components.shared import private
from kanaria.components.shared.errors import KanariaError
from kanaria.pipelines.local.memory import Meter
from kanaria.pipelines.local.process import POLL_SECONDS
from kanaria.pipelines.local.warm import orders
from kanaria.pipelines.local.warm.silence import Silence

HOST = "kanaria.pipelines.local.warm.host"
KILLED = -9


class LostError(KanariaError):
    """The warm process ended before it forked."""


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
            arrived = self._channel.recv(orders.LINE)
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
    """A fork of the warm process."""

    def __init__(self, pid: int, host: int, channel: Channel) -> None:
        """Name the fork, the process it shares memory with, and the channel that tells of it."""
        self.pid = pid
        self.beside: tuple[int, ...] = (host,)
        self._channel = channel

    def has_ended(self, seconds: float) -> bool:
        """Wait so long, or until it has ended; tell whether it has."""
        self._channel.said("code", seconds)
        return self._channel.has_ended("code")

    def collect(self) -> int:
        """Wait until it has ended, free its id, and return its exit code.

        When the warm process ends, its forks are killed.
        """
        while not self.has_ended(POLL_SECONDS):
            pass
        code = self._channel.said("code", 0)
        self._channel.close()
        return KILLED if code is None else code


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
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
        self, lease: socket.socket, log: Path, process: "subprocess.Popen[bytes] | None" = None
    ) -> None:
        """Use the process at the other end of a lease.

        Args:
            lease: where orders go.
            log: file of its output.
            process: the process where it is to end with this run.
        """
        self._lease, self._log, self._process = lease, log, process

    @classmethod
    def started(cls, environment: Mapping[str, str], log: Path, kept: Kept | None = None) -> "Warm":
        """Start one, with an environment as its forks will have, and a file for its output.

        Unless it is kept, it ends at the latest with the thread that starts it.
        """
        lease, theirs = socket.socketpair()
        private.folder(log.parent)
        passed = [theirs, *([kept.listener] if kept else [])]
        command = ["python3", "-m", HOST, str(os.getpid())]
        command += [str(each.fileno()) for each in passed] + ([str(kept.seconds)] if kept else [])
        with theirs, private.opened(log, "ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment, "_KFP_RUNTIME": "true"},
                pass_fds=[each.fileno() for each in passed],
                start_new_session=True,
            )
        return cls(lease, log, None if kept else process)

    def start(
        self,
        command: Sequence[str],
        tick: Callable[[], None],
        log: IO[Any],
        environment: Mapping[str, str],
    ) -> Forked:
        """Fork a process that does what the command does.

        Args:
            command: KFP's, of a lightweight component.
            tick: called several times a second while the imports go on.
            log: what it writes to.
            environment: its environment variables.

        Raises:
            LostError: the warm process has ended.
            HungError: it does nothing.
        """
        request = orders.Request(
            command=tuple(command),
            environment=environment,
            folder=str(Path.cwd()),
            umask=_umask(),
        )
        try:
            channel = Channel(orders.send(self._lease, request, log.fileno()))
        except OSError as error:
            raise LostError(f"the warm process ended, see {self._log}") from error
        pid = self._forked(channel, tick)
        return Forked(pid, channel.said("host", 0) or pid, channel)

    def _forked(self, channel: Channel, tick: Callable[[], None]) -> int:
        """Wait until the fork has told its id; a kept process's signs of life are its log's."""
        meter, silence = Meter(*([self._process.pid] if self._process else [])), Silence(self._log)
        try:
            while (pid := channel.said("pid", POLL_SECONDS)) is None:
                if channel.has_ended("pid"):
                    raise LostError(f"the warm process ended, see {self._log}")
                silence.look(meter.members())
                tick()
        except BaseException:
            channel.close()
            raise
        return pid

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
