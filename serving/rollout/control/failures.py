"""Tells of what cannot be worked on: when it begins, when its reason changes, when it is over."""

import logging
import threading
import time
from collections.abc import Callable

from kanaria.components.shared.errors import KanariaError

LOGGER = logging.getLogger(__name__)
QUIET_SECONDS = 60.0
"""A reason that is another at every look is not told more often."""

FailureListener = Callable[[str, str, str], None]
"""Is told the namespace, the service ("" for all), and the reason, "" when it is over."""


def log_failure(namespace: str, service: str, reason: str) -> None:
    """Write one line to the log."""
    where = f"{namespace}/{service}" if service else namespace
    said = reason or "works again"
    LOGGER.warning("%s: %s", where, said, extra={"namespace": namespace, "service": service})


class Failures:
    """What fails in one namespace; used from several threads."""

    def __init__(
        self, namespace: str, listener: FailureListener, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Tell a listener; `now` is a clock in seconds."""
        self._namespace, self._listener, self._now = namespace, listener, now
        self._last: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def tell(self, service: str, error: Exception) -> None:
        """Hear of a failure; one that nobody foresaw leaves its traceback in the log once."""
        is_known = isinstance(error, KanariaError)
        reason = str(error) if is_known else f"{type(error).__name__}: {error}"
        with self._lock:
            last, when = self._last.get(service, ("", -QUIET_SECONDS))
            is_new = reason != last and self._now() - when >= QUIET_SECONDS
            if is_new:
                self._last[service] = (reason, self._now())
        if is_new:
            self._listener(self._namespace, service, reason)
            if not is_known:
                LOGGER.error("%s/%s: unforeseen", self._namespace, service, exc_info=error)

    def over(self, service: str) -> None:
        """Hear that a service was worked on."""
        with self._lock:
            was = self._last.pop(service, None)
        if was is not None:
            self._listener(self._namespace, service, "")
