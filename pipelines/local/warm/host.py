"""The warm process: imports what computing steps need, then forks one for every order.

Usage: python -m kanaria.pipelines.local.warm.host RUNNER_PID LEASE_DESCRIPTOR

It runs no TensorFlow operation itself, and has no threads but those that sleep in libraries which
look after themselves when a process forks (OpenBLAS, jemalloc).
"""

import os
import selectors
import signal
import socket
import sys
from dataclasses import dataclass

from kanaria.pipelines.local.warm import forked, imports, orders
from kanaria.serving.local.lifeline import die_with


@dataclass(frozen=True, slots=True)
class Fork:
    """In a fork: the descriptor of the request for what it is to become."""

    request: int


class Host:
    """Forks on order until its leases have ended."""

    def __init__(self, lease: socket.socket) -> None:
        """Serve the runner at the other end of the lease."""
        self._leases = {lease.fileno(): lease}
        self._channels: dict[int, socket.socket] = {}
        self._told: set[int] = set()
        self._selector = selectors.DefaultSelector()
        # The signal of an ended child writes into a pipe, and so ends the selector's waiting.
        self._children, self._wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        for each in (lease, self._children):
            self._selector.register(each, selectors.EVENT_READ)

    def serve(self) -> Fork | None:
        """Return None when the last lease has ended; in a fork, what it is to become."""
        while self._leases:
            for key, _ in self._selector.select():
                if key.fd in self._leases:
                    fork = self._ordered(self._leases[key.fd])
                    if fork:
                        return fork
                elif key.fd == self._children:
                    os.read(self._children, orders.LINE)
                    self._tell_ended()
                else:
                    self._collect(key.data)
        for pid in list(self._channels):
            self._collect(pid)
        return None

    def _ordered(self, lease: socket.socket) -> Fork | None:
        """Fork on an order; return in the fork what it is to become."""
        said, descriptors, _, _ = socket.recv_fds(lease, len(orders.STEP), 3)
        if not said:
            self._selector.unregister(lease)
            del self._leases[lease.fileno()]
            lease.close()
            return None
        channel = socket.socket(fileno=descriptors[0])
        host, pid = os.getpid(), os.fork()
        if pid == 0:
            self._forget()
            forked.detach(host, descriptors[1])
            orders.tell(channel, pid=os.getpid())
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
        for other in (*self._leases.values(), *self._channels.values()):
            other.close()


def main() -> None:
    """Import what steps need, then serve; a fork returns here and becomes its step."""
    runner, lease = (int(each) for each in sys.argv[1:])
    die_with(runner)
    before = dict(os.environ)
    imports.all_of_them()
    changed = {name: value for name, value in os.environ.items() if before.get(name) != value}
    fork = Host(socket.socket(fileno=lease)).serve()
    if fork:
        forked.run(orders.read(fork.request), changed)


if __name__ == "__main__":
    main()
