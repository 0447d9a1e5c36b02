"""A server that says what it has to say once it answers, and ends when it is told to."""

import logging
import os
import socket
import threading
from collections.abc import Sequence

import uvicorn

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
