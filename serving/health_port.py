"""The port at which a process without a web server of its own tells how it is.

GET /healthz   whether it goes on     GET /readyz   whether it can do its work
GET /metrics   what it counts, in Prometheus' text format
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from kanaria.serving.listen_socket import listening

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = 5.0
"""For a request to come whole; who is slower is hung up on."""


class Health(Protocol):
    """How a process is; it is asked from other threads than those that do the work."""

    def stuck(self) -> str:
        """Return why it should be started anew, or ""."""

    def unready(self) -> str:
        """Return why it cannot do its work now, or ""."""

    def text(self) -> bytes:
        """Return its metrics in Prometheus' text format."""


class _Handler(BaseHTTPRequestHandler):
    timeout = SECONDS
    health: Health

    def do_GET(self) -> None:  # The name is http.server's.
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(HTTPStatus.OK, self.health.text(), METRICS_TYPE)
        elif path in ("/healthz", "/readyz"):
            cause = self.health.stuck() if path == "/healthz" else self.health.unready()
            status = HTTPStatus.SERVICE_UNAVAILABLE if cause else HTTPStatus.OK
            self._answer(status, f"{cause or 'ok'}\n".encode())
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"/healthz, /readyz, /metrics\n")

    def _answer(
        self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing: probes come every few seconds."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def open_port(health: Health, host: str, port: int) -> Iterator[int]:
    """Answer on a port for the block's time; yield its number.

    Args:
        health: of the process.
        host: address to listen on.
        port: 0 takes a free one.

    Raises:
        NotReadyError: the port is taken.
    """
    listener = listening(host, port)
    handler = type("Handler", (_Handler,), {"health": health})
    server = _Server((host, port), handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    thread = threading.Thread(target=server.serve_forever, name="probes", daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.shutdown()
        server.server_close()
