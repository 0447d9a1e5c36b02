"""Ways to a server that break: a proxy that cuts or damages, a server that only refuses."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class CuttingProxy:
    """Passes TCP connections on and cuts, or damages, those that carry many bytes, some times."""

    def __init__(self, endpoint: str, *, after: int, times: int, damage: bool = False) -> None:
        """Cut `times` connections to `endpoint` when `after` bytes went one way.

        With `damage` all bytes are passed on, but for one that is another one.
        """
        parts = urlsplit(endpoint)
        self._target = (parts.hostname, parts.port)
        self.after, self.times, self.cuts, self._damage = after, times, 0, damage
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(4096):
                passed += len(data)
                if passed > self.after and self._may_cut():
                    if not self._damage:
                        break
                    data = data[:-1] + bytes([data[-1] ^ 1])
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _may_cut(self) -> bool:
        with self._lock:
            cut = self.cuts < self.times
            self.cuts += cut
        return cut


@contextmanager
def cutting(
    endpoint: str, *, after: int, times: int, damage: bool = False
) -> Iterator[CuttingProxy]:
    """Yield a proxy before the server at `endpoint`."""
    proxy = CuttingProxy(endpoint, after=after, times=times, damage=damage)
    try:
        yield proxy
    finally:
        proxy.close()


class Refusal(ThreadingHTTPServer):
    """A server that gives every request one answer, and counts them."""

    daemon_threads = True

    def __init__(self, status: int, body: bytes, kind: str) -> None:
        self.answer, self.requests = (status, body, kind), 0
        super().__init__(("127.0.0.1", 0), _Refuse)
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"


class _Refuse(BaseHTTPRequestHandler):
    server: Refusal

    def _answer(self) -> None:
        self.server.requests += 1
        status, body, kind = self.server.answer
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def refusing(status: int, body: bytes, kind: str) -> Iterator[Refusal]:
    """Yield a server that answers everything with `status`."""
    with Refusal(status, body, kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


Answer = tuple[int, dict[str, str], Iterable[bytes]]
"""Status, headers, and the pieces of a body that ends with its connection."""


class _ScriptedServer(ThreadingHTTPServer):
    script: Callable[[str, str], Answer]


class _Scripted(BaseHTTPRequestHandler):
    server: _ScriptedServer

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, pieces = self.server.script(self.command, self.path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # The client has seen enough.
            for piece in pieces if self.command != "HEAD" else ():
                self.wfile.write(piece)
                self.wfile.flush()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def answering(script: Callable[[str, str], Answer]) -> Iterator[str]:
    """Yield the URL of a server that answers method and path as `script` says."""
    with _ScriptedServer(("127.0.0.1", 0), _Scripted) as server:
        server.daemon_threads, server.script = True, script
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
