"""The warm process: imports what computing steps need, and forks one for every order.

Usage: python -m kanaria.pipelines.local.warm_process.fork_server RUNNER_PID LEASE_DESCRIPTOR
                                                    [LISTENER_DESCRIPTOR KEEP_SECONDS]

With a listener it is kept for later runs: so many seconds after its last lease has ended, and no
longer than its own files are there as they were.

It runs no TensorFlow operation itself, and has no threads but those that sleep in libraries which
look after themselves when a process forks (OpenBLAS, jemalloc).
"""

import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kanaria.components.shared.process_lifeline import die_with
from kanaria.pipelines.local.warm_process import forked_step, messages, step_imports
from kanaria.pipelines.local.warm_process.listener import Listening


@dataclass(frozen=True, slots=True)
class Fork:
    """In a fork: the descriptors of the request for what it is to become, and of its gate."""

    request: int
    gate: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order that waits for the imports of so many stages, and the descriptors it came with."""

    stages: int
    descriptors: list[int]


class Host:
    """Imports, and forks on order, until its leases have ended and it is not kept any longer."""

    def __init__(
        self,
        lease: socket.socket,
        listening: Listening | None = None,
        stages: Iterable[Callable[[], None]] = (),
    ) -> None:
        """Serve the runner at the other end of the lease, and those that come to be served.

        Args:
            lease: of the run that has started this process.
            listening: where others come, if it is kept.
            stages: import what steps need.
        """
        self._listening = listening
        self._leases = {lease.fileno(): lease}
        self._stages, self._imported = list(stages), 0
        self._orders: list[Order] = []
        self._channels: dict[int, socket.socket] = {}
        self._reported: set[int] = set()
        self._selector = selectors.DefaultSelector()
        # The signal of an ended child writes into a pipe, and so ends the selector's waiting.
        self._children, self._wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        for descriptor in (lease.fileno(), self._children):
            self._selector.register(descriptor, selectors.EVENT_READ)
        if listening:
            self._selector.register(listening.listener, selectors.EVENT_READ)

    def serve(self) -> Fork | None:
        """Return None when it is not needed any longer; in a fork, what it is to become."""
        while self._leases or self._is_kept():
            fork = self._next()
            if fork:
                return fork
        for pid in list(self._channels):
            self._collect(pid)
        return None

    def _is_kept(self) -> bool:
        """Tell whether a run may still come."""
        if self._listening and self._listening.is_over(has_leases=bool(self._leases)):
            self._stop_listening()
        return self._listening is not None

    def _next(self) -> Fork | None:
        """Do what is to be done now, or wait for it; return in a fork what it is to become."""
        events = self._selector.select(self._patience())
        for key, _ in events:
            fork = self._heard(key)
            if fork:
                return fork
        if not events and self._stages:
            self._stages.pop(0)()
            self._imported += 1
            if self._listening and not self._stages:
                self._listening.let_go()
        return self._ordered()

    def _patience(self) -> float | None:
        """Return for how many seconds it may wait for a word."""
        if self._stages:
            return 0
        return self._listening.patience() if self._is_kept() and self._listening else None

    def _heard(self, key: selectors.SelectorKey) -> Fork | None:
        if key.fd in self._leases:
            self._obey(self._leases[key.fd])
        elif key.fd == self._children:
            os.read(self._children, messages.LINE)
            self._tell_ended()
        elif self._listening and key.fileobj is self._listening.listener:
            self._accept(self._listening)
        else:
            self._collect(key.data)
        return None

    def _accept(self, listening: Listening) -> None:
        """Take a lease from a process of the same user, while our files are as they were."""
        lease, _ = listening.listener.accept()
        if not messages.is_own(lease):
            lease.close()
        elif listening.has_changed():
            lease.close()
            self._stop_listening()
        else:
            self._leases[lease.fileno()] = lease
            self._selector.register(lease, selectors.EVENT_READ)

    def _stop_listening(self) -> None:
        """Let no more runs come; the socket's name may be another's by now."""
        if self._listening:
            self._selector.unregister(self._listening.listener)
            self._listening.listener.close()
            self._listening = None

    def _obey(self, lease: socket.socket) -> None:
        """Do what a lease's next word says; an order waits for its turn."""
        match messages.word(lease):
            case messages.STEP, stages, descriptors:
                self._orders.append(Order(stages, descriptors))
            case messages.KEEP, seconds, _:
                if self._listening and seconds:
                    self._listening.seconds = seconds
                else:
                    self._stop_listening()
            case messages.TELL, _, _:
                seconds = self._listening.seconds if self._listening else 0
                # The one who asks is no run.
                messages.tell(lease, pid=os.getpid(), seconds=seconds, runs=len(self._leases) - 1)
            case _:
                self._selector.unregister(lease)
                del self._leases[lease.fileno()]
                lease.close()
                if self._listening:
                    self._listening.rest()

    def _ordered(self) -> Fork | None:
        """Fork for the first order whose imports are there; return in the fork what to become."""
        now = len(step_imports.STAGES) if not self._stages else self._imported
        order = next((each for each in self._orders if each.stages <= now), None)
        if not order:
            return None
        self._orders.remove(order)
        channel, log, request, gate = order.descriptors
        return self._forked(socket.socket(fileno=channel), log, Fork(request, gate))

    def _forked(self, channel: socket.socket, log: int, fork: Fork) -> Fork | None:
        host, pid = os.getpid(), os.fork()
        if pid == 0:
            self._forget()
            forked_step.detach(host, log)
            messages.tell(channel, pid=os.getpid(), host=host)
            channel.close()
            return fork
        for each in (log, fork.request, fork.gate):
            os.close(each)
        self._channels[pid] = channel
        self._selector.register(channel, selectors.EVENT_READ, pid)
        return None

    def _tell_ended(self) -> None:
        """Tell each exit code once; the fork's id stays its own until `_collect`."""
        for pid, channel in self._channels.items():
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            ended = None if pid in self._reported else os.waitid(os.P_PID, pid, flags)
            if ended:
                self._reported.add(pid)
                is_exit = ended.si_code == os.CLD_EXITED
                messages.tell(channel, code=ended.si_status if is_exit else -ended.si_status)

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
        self._reported.discard(pid)

    def _forget(self) -> None:
        """Close, in a fork, what is the host's alone."""
        self._selector.close()
        waiting = (each for order in self._orders for each in order.descriptors)
        for descriptor in (self._children, self._wakeup, *waiting):
            os.close(descriptor)
        if self._listening:
            self._listening.listener.close()
        for other in (*self._leases.values(), *self._channels.values()):
            other.close()


def _changed(before: dict[str, str]) -> dict[str, str]:
    """Return the environment variables that imports have set since."""
    return {name: value for name, value in os.environ.items() if before.get(name) != value}


def main() -> None:
    """Serve, and import what steps need; a fork returns here and becomes its step."""
    runner, lease, *later_use = (int(each) for each in sys.argv[1:])
    listening = Listening(socket.socket(fileno=later_use[0]), later_use[1]) if later_use else None
    if not listening:
        die_with(runner)
    before = dict(os.environ)
    fork = Host(socket.socket(fileno=lease), listening, step_imports.STAGES).serve()
    if fork:
        forked_step.wait_for(fork.gate)
        forked_step.run(messages.read(fork.request), _changed(before))


if __name__ == "__main__":
    main()
