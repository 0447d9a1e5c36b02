"""A proxy before the API server that does to a request what a test says: faults, kills, counts.

Clients speak HTTP to it; it speaks to the API server as the kubeconfig's user. Faults are
functions of one exchange; a schedule chooses which requests meet one.
"""

import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import urllib3
from kubernetes import client, config

NOT_FORWARDED = frozenset({"host", "connection", "content-length", "accept-encoding"})
READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request as the proxy saw it.

    Attributes:
        number: among all requests, from 1.
        write: among the writes, from 1; 0 for a read.
        method: of HTTP.
        path: with the query.
    """

    number: int
    write: int
    method: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """What a fault may do.

    Attributes:
        request: that meets it.
        forward: passes the request on and returns the API server's answer.
        earlier: different answers to the same read before, oldest first.
        ending: set when the test ends.
    """

    request: Request
    forward: Callable[[], Answer]
    earlier: list[Answer]
    ending: threading.Event


Fault = Callable[[Exchange], Answer | None]
"""Returns what the client gets; None ends the connection without an answer."""
Schedule = Callable[[Request], Fault | None]


def refuse(status: int, **headers: str) -> Fault:
    """Answer with a status of the API server, which never sees the request."""
    message = {"kind": "Status", "status": "Failure", "message": "injected", "code": status}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Answer(status=status, body=json.dumps(message).encode(), headers=named)


def lose_request(_: Exchange) -> None:
    """End the connection before the API server sees the request."""


def lose_answer(exchange: Exchange) -> None:
    """Let the API server do it, and end the connection."""
    exchange.forward()


def keep_silent(exchange: Exchange) -> None:
    """Let the API server do it, and tell nobody."""
    exchange.forward()
    exchange.ending.wait()


def answer_old(exchange: Exchange) -> Answer:
    """Answer a read with what was there before the last change that the proxy saw."""
    answer = exchange.forward()
    changed = [one for one in exchange.earlier if one.body != answer.body]
    return changed[-1] if changed else answer


def answer_oldest(exchange: Exchange) -> Answer:
    """Answer a read with what was there first."""
    answer = exchange.forward()
    return exchange.earlier[0] if exchange.earlier else answer


def before(action: Callable[[], None]) -> Fault:
    """Do `action`, then lose the request."""

    def fault(_: Exchange) -> None:
        action()

    return fault


def after(action: Callable[[], None]) -> Fault:
    """Let the API server do it, then do `action` and lose the answer."""

    def fault(exchange: Exchange) -> None:
        exchange.forward()
        action()

    return fault


def at(number: int, fault: Fault) -> Schedule:
    """Let one request meet the fault, by its number."""
    return lambda request: fault if request.number == number else None


def always(fault: Fault) -> Schedule:
    return lambda _: fault


def never(_: Request) -> None:
    """Let nothing happen."""


class FaultProxy:
    """The proxy while it runs; `use` sets a schedule and begins to count anew."""

    def __init__(self, upstream: str, pool: urllib3.PoolManager, uncounted: str) -> None:
        self._upstream, self._pool, self._uncounted = upstream, pool, uncounted
        self._schedule: Schedule = never
        self._lock = threading.Lock()
        self._earlier: dict[str, list[Answer]] = {}
        self.ending = threading.Event()
        self.requests: list[Request] = []
        self.url = ""

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.write]

    def use(self, schedule: Schedule) -> None:
        with self._lock:
            self._schedule, self.requests = schedule, []

    def write_kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig that leads to the proxy."""
        entry = {"name": "proxy"}
        context = {"cluster": "proxy", "user": "proxy"}
        document = {
            "current-context": "proxy",
            "clusters": [{**entry, "cluster": {"server": self.url}}],
            "users": [{**entry, "user": {}}],
            "contexts": [{**entry, "context": context}],
        }
        path.write_text(json.dumps(document))
        return path

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> Answer | None:
        """Return what the client of one request gets."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {n: v for n, v in handler.headers.items() if n.lower() not in NOT_FORWARDED}
        request, fault, earlier = self._count(handler.command, handler.path)

        def forward() -> Answer:
            url = self._upstream + request.path
            response = self._pool.request(request.method, url, body=body or None, headers=headers)
            answer = Answer(status=response.status, body=response.data)
            if request.method in READS:
                self._remember(request.path, answer)
            return answer

        if fault is None:
            return forward()
        exchange = Exchange(request=request, forward=forward, earlier=earlier, ending=self.ending)
        return fault(exchange)

    def _count(self, method: str, path: str) -> tuple[Request, Fault | None, list[Answer]]:
        with self._lock:
            reads = method in READS or re.match(self._uncounted, f"{method} {path}")
            write = 0 if reads else len(self.writes) + 1
            number = len(self.requests) + 1
            request = Request(number=number, write=write, method=method, path=path)
            self.requests.append(request)
            return request, self._schedule(request), list(self._earlier.get(path, []))

    def _remember(self, path: str, answer: Answer) -> None:
        with self._lock:
            answers = self._earlier.setdefault(path, [])
            if not answers or answers[-1] != answer:
                answers.append(answer)


@contextmanager
def fault_proxy(uncounted: str = "$.") -> Iterator[FaultProxy]:
    """Run a proxy before the API server of the kubeconfig.

    Args:
        uncounted: pattern of "METHOD path" of writes that do not count as such.
    """
    settings = client.Configuration()
    config.load_kube_config(client_configuration=settings)
    pool = urllib3.PoolManager(
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        ca_certs=settings.ssl_ca_cert,
        retries=False,
        maxsize=8,
    )
    proxy = FaultProxy(settings.host, pool, uncounted)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield proxy
    proxy.ending.set()
    server.shutdown()
    thread.join()
    server.server_close()


def _handler(proxy: FaultProxy) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    def handle(handler: http.server.BaseHTTPRequestHandler) -> None:
        answer = proxy.answer(handler)
        handler.close_connection = True
        if answer is None:
            return
        handler.send_response(answer.status)
        lengths = {"Content-Type": "application/json", "Content-Length": str(len(answer.body))}
        for name, value in {**answer.headers, **lengths}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer.body)

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", handle)
    return Handler
