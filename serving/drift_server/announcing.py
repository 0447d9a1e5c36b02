"""What a drift server says when it begins: where it listens, and what it watches."""

import logging
import socket
from collections.abc import Sequence

import uvicorn

from kanaria.serving.drift_server.watching.settings import Watch

logger = logging.getLogger(__name__)


class AnnouncingServer(uvicorn.Server):
    """Says what it has to say once it answers, and a signal ends it as it should."""

    def __init__(self, config: uvicorn.Config, lines: Sequence[str]) -> None:
        """Say these lines."""
        super().__init__(config)
        self._lines = lines

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        for line in self._lines:
            logger.info("%s", line)


def beginning(url: str, store: str, watches: Sequence[Watch]) -> list[str]:
    """Return the lines of a server that begins.

    Args:
        url: where it listens.
        store: location of what it keeps.
        watches: what it watches.
    """
    told = f"listening on {url}, which is the logger_url; events and labels are kept in {store}"
    nothing = "watching nothing: no window is tested without --watch FILE"
    return [told, *([_watching(watch) for watch in watches] or [nothing])]


def _watching(watch: Watch) -> str:
    rows, minutes = watch.window.rows, watch.window.minutes
    ends = [f"{rows} rows"] if rows else []
    ends += [f"{minutes:g} minutes"] if minutes else []
    quality = f", quality by labels ({watch.labels.task.value})" if watch.labels else ""
    return (
        f"watching {watch.namespace}/{watch.service} ({watch.name}) with {watch.detector}, "
        f"windows of {' or '.join(ends)}{quality}"
    )
