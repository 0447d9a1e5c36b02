"""Whether a stream is to stop: a signal says so, and its threads look."""

import threading
import time

OVERDUE_SECONDS = 10.0
"""After the signal, until a broker that does not answer is waited for no more."""


class Stopping:
    """Set once, by a signal."""

    def __init__(self) -> None:
        """Go on."""
        self._event, self._since, self.signal = threading.Event(), 0.0, 0

    def set(self, signal: int) -> None:
        """Stop, because of a signal of this number."""
        self.signal = self.signal or signal
        self._since = self._since or time.monotonic()
        self._event.set()

    def is_set(self) -> bool:
        """Tell whether to stop."""
        return self._event.is_set()

    def is_overdue(self) -> bool:
        """Tell whether to stop even before what is under way has ended."""
        return self._event.is_set() and time.monotonic() - self._since > OVERDUE_SECONDS

    def wait(self, seconds: float) -> bool:
        """Wait, and tell whether to stop; that ends the wait.

        Args:
            seconds: longest time, 0 or more.
        """
        return self._event.wait(seconds)
