"""Signals that reach the main thread although it waits.

Python calls a handler in the main thread alone, between two of its bytecodes (documentation of
`signal`, "Execution of Python signal handlers"). A signal that arrives after the last look and
before a wait without an end, or that the system hands to another thread, leaves a mark that nobody
sees until the wait ends: the process could only be killed. The byte that Python writes for each
signal (`signal.set_wakeup_fd`) tells a thread of it, which interrupts the wait.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress

PATIENCE_SECONDS = 0.2
"""How long a handler may take to begin before the main thread is interrupted again."""


class _Delivery:
    def __init__(self, numbers: Collection[int], handler: Callable[[int], None]) -> None:
        self.numbers = frozenset(numbers)
        self.main = threading.get_ident()
        self._handler = handler
        self._handled = 0
        self._settled = 0
        self._is_repeating = False

    def handle(self, number: int, _: object) -> None:
        """Call the handler, but not for the repetition of a signal that it was called for."""
        if self._is_repeating and self._handled > self._settled:
            return
        self._handled += 1
        self._handler(number)

    def watch(self, reader: int) -> None:
        """Interrupt the main thread for each signal that it does not see, until the pipe ends."""
        with os.fdopen(reader, "rb", buffering=0) as signals:
            while received := signals.read(1):
                if received[0] in self.numbers:
                    time.sleep(PATIENCE_SECONDS)
                    self._insist(received[0])

    def _insist(self, number: int) -> None:
        self._is_repeating = True
        # A server has set a handler of its own, which sees to its loop.
        while self._handled == self._settled and signal.getsignal(number) == self.handle:
            signal.pthread_kill(self.main, number)
            time.sleep(PATIENCE_SECONDS)
        self._is_repeating = False
        self._settled = self._handled


@contextmanager
def delivered(numbers: Collection[int], handler: Callable[[int], None]) -> Iterator[None]:
    """Have `handler` called in the main thread for each signal, whatever that thread waits for.

    Args:
        numbers: signals, 1 to 64.
        handler: is told the number; what it raises ends the block.
    """
    delivery = _Delivery(numbers, handler)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {number: signal.signal(number, delivery.handle) for number in numbers}
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=delivery.watch, args=(reader,), daemon=True).start()
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
        with suppress(ValueError):  # Whoever had it before has closed it.
            signal.set_wakeup_fd(wakeup)
        os.close(writer)
