"""uvicorn's protocol with bounds, so that no client can take the server from the others.

A request's head may have so many bytes and headers (431), and must be there in time (408). An
idle connection is closed; when too many are open, the one that has waited longest makes room. An
answer that nobody reads is given up. Sizes of bodies are `request_bodies`'s matter.
"""

import asyncio
import http
import json
from itertools import chain
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 << 10
"""Request line and headers, as h11 and most servers bound them; 431 above."""
MOST_HEADERS = 100
HEAD_SECONDS = 10.0
"""From a connection's start, or a request's first byte, to the end of its headers; 408 after."""
IDLE_SECONDS = 60
"""A connection without a request is kept; longer than clients keep theirs."""
READ_SECONDS = 60.0
"""A client that reads nothing of its answer for so long is cut off."""
LINGER_SECONDS = 2.0
"""A client that is refused sends on before it reads why; so long it is heard out."""
MOST_CONNECTIONS = 1000
OF_UPGRADES = frozenset((b"connection", b"upgrade", b"http2-settings"))


class BoundedProtocol(HttpToolsProtocol):
    """One connection; `bounded` makes the class of one server's.

    Attributes:
        most_connections: that may be open at a time.
        never_asked: connections without a whole request so far, the oldest first.
        idle: those that were answered and do not ask, the longest first.
    """

    most_connections: ClassVar[int]
    never_asked: ClassVar[dict["BoundedProtocol", None]]
    idle: ClassVar[dict["BoundedProtocol", None]]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Wait for the first request."""
        super().__init__(*arguments, **named)
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._in_head, self._is_refused, self._fault = False, False, 0
        self._head_bytes, self._fed_bytes = 0, 0

    @property
    def waits(self) -> bool:
        """Whether no request of this connection is being answered."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for the connection, or refuse it."""
        super().connection_made(transport)
        self.never_asked[self] = None
        self._begin_head()
        if len(self.connections) > self.most_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.count_out()
        self._end_head()
        self._stop_write_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, within the bounds."""
        if self._is_refused:
            return
        self._unset_keepalive_if_required()
        if self.waits and self._head_timer is None:
            self._begin_head()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._begin_again(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._fault or http.HTTPStatus.BAD_REQUEST)
        else:
            self._bound_fed(len(data))

    def on_message_begin(self) -> None:
        """Begin to count a head."""
        super().on_message_begin()
        self._in_head, self._head_bytes, self._fed_bytes = True, 0, 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the request line."""
        self._bound(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those that follow a chunked body count among them."""
        self._bound(len(name) + len(value))
        super().on_header(name, value)
        if len(self.headers) > MOST_HEADERS:
            self._bound(MOST_HEAD_BYTES)

    def on_headers_complete(self) -> None:
        """Let the request be answered."""
        if not self.parser.should_upgrade():
            self._in_head = False
            self.count_out()
            self._end_head()
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the request's body."""
        if not self._in_head:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self.waits:
            self.idle[self] = None

    def pause_writing(self) -> None:
        """Give the client time to read its answer."""
        super().pause_writing()
        self._watch_reader(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        self._stop_write_timer()
        super().resume_writing()

    def _begin_again(self, rest: bytes) -> None:
        """Take the request as if it wished for no upgrade; the parser would drop its body.

        Java's client wishes for HTTP/2 in every first request.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(http.HTTPStatus.BAD_REQUEST)
            return
        headers = [(name, value) for name, value in self.headers if name not in OF_UPGRADES]
        self.parser = httptools.HttpRequestParser(self)
        lines = [b"%s %s HTTP/1.1" % (method, self.url), *(b"%s: %s" % pair for pair in headers)]
        self.data_received(b"\r\n".join([*lines, b"", b""]) + rest)

    def _bound(self, size: int) -> None:
        """Count parsed bytes of a head; what is raised, the parser makes an error of its own."""
        self._head_bytes += size
        if self._head_bytes > MOST_HEAD_BYTES:
            self._fault = http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ValueError("the head of the request is too large")

    def _bound_fed(self, size: int) -> None:
        """Count bytes of a head that the parser holds back: the middle of one long header."""
        if self._in_head:
            self._fed_bytes += size
            if self._fed_bytes > MOST_HEAD_BYTES:
                self._refuse(http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _begin_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        if self._in_head:
            self._refuse(http.HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _watch_reader(self, left: int) -> None:
        """Look later whether the client has read any of the `left` bytes."""

        def look() -> None:
            size = self.transport.get_write_buffer_size()
            if size < left:
                self._watch_reader(size)
            else:
                self.transport.abort()

        self._write_timer = self.loop.call_later(READ_SECONDS, look)

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def count_out(self) -> None:
        """Wait no longer: the connection asks, or is gone."""
        self.never_asked.pop(self, None)
        self.idle.pop(self, None)

    def _make_room(self) -> None:
        """Close the connection that waits longest, one that never asked anything first."""
        waiting = (other for other in chain(self.never_asked, self.idle) if other is not self)
        oldest = next(waiting, None)
        if oldest is None:
            self._refuse(http.HTTPStatus.SERVICE_UNAVAILABLE)
            return
        oldest.count_out()
        self.connections.discard(oldest)
        oldest.transport.close()

    def _refuse(self, code: int) -> None:
        """Answer and close; what is being answered already is cut off without another answer.

        What the client still sends is heard out for a while: a connection that is closed before
        is reset, and the answer is lost.
        """
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        self._end_head()
        if not self.waits:
            self.transport.close()
            return
        status = http.HTTPStatus(code)
        body = json.dumps({"error": f"{status.phrase}: {REASONS[status]}"}).encode()
        head = f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/json\r\n"
        head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.write_eof()
        self._head_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)


REASONS = {
    http.HTTPStatus.BAD_REQUEST: "this is no HTTP",
    http.HTTPStatus.REQUEST_TIMEOUT: f"the headers did not come in {HEAD_SECONDS:.0f} s",
    http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        f"use up to {MOST_HEADERS} headers and {MOST_HEAD_BYTES} bytes"
    ),
    http.HTTPStatus.SERVICE_UNAVAILABLE: "too many connections; try again",
}


def bounded(most_connections: int) -> type[BoundedProtocol]:
    """Return the protocol of a server with so many connections at a time."""
    own = {"most_connections": most_connections, "never_asked": {}, "idle": {}}
    return type("Protocol", (BoundedProtocol,), own)
