"""What a drift server says when it begins, and that it ends when it is told to."""

import logging
import os
import socket
import threading
from collections.abc import Sequence

import uvicorn

from kanaria.serving.drift_watch.watch_file import Watch

logger = logging.getLogger(__name__)
STOP_SECONDS = 25.0
"""For all that is to end: Kubernetes waits 30 s. What is written then is written whole or not."""


class AnnouncingServer(uvicorn.Server):
    """Says what it has to say once it answers, and a signal ends it as it should."""

    def __init__(self, config: uvicorn.Config, lines: Sequence[str]) -> None:
        """Say these lines."""
        super().__init__(config)
        self._lines = lines
        self._last_resort = threading.Timer(STOP_SECONDS, self._abandon)
        self._last_resort.daemon = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        for line in self._lines:
            logger.info("%s", line)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is under way, and write what was received."""
        self._last_resort.start()
        await super().shutdown(sockets)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal; raise it once more when all has ended."""
        try:
            super().run(sockets)
        finally:
            self._last_resort.cancel()

    def _abandon(self) -> None:
        """End like a process that was killed: a query or a database may never answer."""
        logger.error("not ended within %.0f seconds; ending all the same", STOP_SECONDS)
        os._exit(128 + next(iter(self._captured_signals), 0))


def beginning(url: str, store: str, watches: Sequence[Watch], *, asks: bool = False) -> list[str]:
    """Return the lines of a server that begins.

    Args:
        url: where it listens.
        store: location of what it keeps.
        watches: what it watches.
        asks: whether it asks for a token.
    """
    line = f"listening on {url}, which is service.logger.url; events and labels are kept in {store}"
    nothing = "watching nothing: no window is tested without --watch FILE"
    admits = ["whoever asks must present the token"] if asks else []
    return [line, *admits, *([_watching(watch) for watch in watches] or [nothing])]


def _watching(watch: Watch) -> str:
    rows, minutes = watch.window.rows, watch.window.minutes
    ends = [f"{rows} rows"] if rows else []
    ends += [f"{minutes:g} minutes"] if minutes else []
    quality = f", quality by labels ({watch.labels.task.value})" if watch.labels else ""
    return (
        f"watching {watch.namespace}/{watch.service} ({watch.name}) with {watch.detector}, "
        f"windows of {' or '.join(ends)}{quality}"
    )
