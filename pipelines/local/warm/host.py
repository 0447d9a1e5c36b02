"""The warm process: imports what computing steps need, then forks one for every order.

Usage: python -m kanaria.pipelines.local.warm.host RUNNER_PID LEASE_DESCRIPTOR
                                                    [LISTENER_DESCRIPTOR KEEP_SECONDS]

With a listener it is kept for later runs: so many seconds after its last lease has ended.

It runs no TensorFlow operation itself, and has no threads but those that sleep in libraries which
look after themselves when a process forks (OpenBLAS, jemalloc).
"""

import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from kanaria.components.shared.process_lifeline import die_with
from kanaria.pipelines.local.warm import forked, imports, orders


@dataclass(frozen=True, slots=True)
class Fork:
    """In a fork: the descriptor of the request for what it is to become."""

    request: int


class Host:
    """Forks on order until its leases have ended, and it is not kept any longer."""

    def __init__(
        self, lease: socket.socket, listener: socket.socket | None = None, seconds: int = 0
    ) -> None:
        """Serve the runner at the other end of the lease, and those that come to the listener."""
        self._listener, self._seconds = listener, seconds
        self._idle_since = time.monotonic()
        self._leases = {lease.fileno(): lease}
        self._channels: dict[int, socket.socket] = {}
        self._told: set[int] = set()
        self._selector = selectors.DefaultSelector()
        # The signal of an ended child writes into a pipe, and so ends the selector's waiting.
        self._children, self._wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        for each in (lease, self._children, listener):
            if each is not None:
                self._selector.register(each, selectors.EVENT_READ)

    def serve(self) -> Fork | None:
        """Return None when it is not needed any longer; in a fork, what it is to become."""
        while self._leases or self._left() > 0:
            for key, _ in self._selector.select(None if self._leases else self._left()):
                fork = self._heard(key)
                if fork:
                    return fork
        if self._listener:
            Path(self._listener.getsockname()).unlink(missing_ok=True)
        for pid in list(self._channels):
            self._collect(pid)
        return None

    def _left(self) -> float:
        """Return for how many seconds it is kept for a run that may come."""
        if not self._listener:
            return 0
        return self._idle_since + self._seconds - time.monotonic()

    def _heard(self, key: selectors.SelectorKey) -> Fork | None:
        if key.fd in self._leases:
            return self._obey(self._leases[key.fd])
        if key.fd == self._children:
            os.read(self._children, orders.LINE)
            self._tell_ended()
        elif key.fileobj is self._listener:
            self._accept(self._listener)
        else:
            self._collect(key.data)
        return None

    def _accept(self, listener: socket.socket) -> None:
        """Take a lease from a process of the same user."""
        lease, _ = listener.accept()
        if not orders.is_own(lease):
            lease.close()
            return
        self._leases[lease.fileno()] = lease
        self._selector.register(lease, selectors.EVENT_READ)

    def _stop_listening(self) -> None:
        """Let no more runs come; the socket's name may be another's by now."""
        if self._listener:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _obey(self, lease: socket.socket) -> Fork | None:
        """Do what a lease's next word says; return in a fork what it is to become."""
        match orders.word(lease):
            case orders.STEP, _, descriptors:
                return self._ordered(descriptors)
            case orders.KEEP, seconds, _:
                self._seconds = seconds
                if not seconds:
                    self._stop_listening()
            case orders.TELL, _, _:
                # The one who asks is no run.
                orders.tell(
                    lease, pid=os.getpid(), seconds=self._seconds, runs=len(self._leases) - 1
                )
            case _:
                self._selector.unregister(lease)
                del self._leases[lease.fileno()]
                lease.close()
                self._idle_since = time.monotonic()
        return None

    def _ordered(self, descriptors: list[int]) -> Fork | None:
        """Fork; return in the fork what it is to become."""
        channel = socket.socket(fileno=descriptors[0])
        host, pid = os.getpid(), os.fork()
        if pid == 0:
            self._forget()
            forked.detach(host, descriptors[1])
            orders.tell(channel, pid=os.getpid(), host=host)
            channel.close()
            return Fork(descriptors[2])
        for each in descriptors[1:]:
            os.close(each)
        self._channels[pid] = channel
        self._selector.register(channel, selectors.EVENT_READ, pid)
        return None

    def _tell_ended(self) -> None:
        """Tell each exit code once; the fork's id stays its own until `_collect`."""
        for pid, channel in self._channels.items():
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            ended = None if pid in self._told else os.waitid(os.P_PID, pid, flags)
            if ended:
                self._told.add(pid)
                is_exit = ended.si_code == os.CLD_EXITED
                orders.tell(channel, code=ended.si_status if is_exit else -ended.si_status)

    def _collect(self, pid: int) -> None:
        """End a fork, and all that it started, that nobody has use for any more."""
        channel = self._channels.pop(pid)
        self._selector.unregister(channel)
        channel.close()
        for kill in (os.killpg, os.kill):  # It may not have come to lead a group.
            try:
                kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        os.waitpid(pid, 0)
        self._told.discard(pid)

    def _forget(self) -> None:
        """Close, in a fork, what is the host's alone."""
        self._selector.close()
        for each in (self._children, self._wakeup):
            os.close(each)
        if self._listener:
            self._listener.close()
        for other in (*self._leases.values(), *self._channels.values()):
            other.close()


def main() -> None:
    """Import what steps need, then serve; a fork returns here and becomes its step."""
    runner, lease, *kept = (int(each) for each in sys.argv[1:])
    listener = socket.socket(fileno=kept[0]) if kept else None
    if not listener:
        die_with(runner)
    before = dict(os.environ)
    imports.all_of_them()
    if listener:
        os.chdir("/")  # A process that is kept holds no folder of the run that started it.
    changed = {name: value for name, value in os.environ.items() if before.get(name) != value}
    fork = Host(socket.socket(fileno=lease), listener, kept[1] if kept else 0).serve()
    if fork:
        forked.run(orders.read(fork.request), changed)


if __name__ == "__main__":
    main()
