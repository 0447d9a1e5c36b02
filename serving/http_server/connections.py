"""Connections that end: bounds on how long, how large and how many, which uvicorn sets none on.

10 s       from a connection's begin, or a request's first byte, to the end of its headers  408
64 KiB     of headers, trailers and whatever else is no body                                431
512        connections; beyond, the one whose client is waited for longest goes             503
5 s        after the server is told to stop, for requests that are under way
"""

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_SECONDS = 10.0
HEAD_BYTES = 64 << 10
MOST_CONNECTIONS = 512
CLOSING_SECONDS = 5.0
FRAMING = 8
"""Times a body's bytes that its chunks' sizes may take beside it."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, refused: Callable[[str], None], **settings: Any) -> None:
        """Tell `refused` why a connection is ended."""
        super().__init__(**settings)
        self._refused = refused
        self._is_in_head, self._beside = True, 0
        self._timer: Any = None

    @property
    def is_answering(self) -> bool:
        """Whether the server's answer is waited for, and not what the client has yet to send."""
        return self._is_in_head and self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        """Begin; one that is too many ends the one that waits for its client longest, or itself."""
        super().connection_made(transport)
        self.began = self.loop.time()
        self._await_head()
        if len(self.connections) <= MOST_CONNECTIONS:
            return
        self._refused("connections")
        others = (one for one in self.connections if one is not self)
        idle = [one for one in others if isinstance(one, BoundedProtocol) and not one.is_answering]
        if idle:
            min(idle, key=lambda one: one.began).transport.abort()
        else:
            self._end(503)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._forget_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, unless it is too much beside a body."""
        if self._is_in_head and self._timer is None:
            self._await_head()
        self._beside += len(data)
        super().data_received(data)
        if self._beside > HEAD_BYTES and not self.transport.is_closing():
            self._refused("headers")
            self._end(431)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._is_in_head = False
        self._forget_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._beside = max(0, self._beside - FRAMING * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._is_in_head, self._beside = True, 0
        self.began = self.loop.time()
        super().on_message_complete()

    def shutdown(self) -> None:
        """End soon: at once where nothing is under way, and within CLOSING_SECONDS elsewhere."""
        super().shutdown()
        self.loop.call_later(CLOSING_SECONDS, self.transport.abort)

    def _await_head(self) -> None:
        self._forget_timer()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._late)

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self.is_answering:  # The next request has begun before this one is answered.
            self._await_head()
        elif not self.transport.is_closing():
            self._refused("slow")
            self._end(408)

    def _end(self, code: int) -> None:
        self.transport.write(STATUS_LINE[code] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
