"""Connections that never send what they began, or never end; bounds are shortened for the tests."""

import asyncio
import socket
import threading
import time
from contextlib import contextmanager
from functools import partial

import httpx
import pytest
import uvicorn
from event_sender import Server, headers

from kanaria.serving.drift_server.http_routes import Receiver
from kanaria.serving.drift_server.server_metrics import Metrics
from kanaria.serving.http_server import connections, upload_bodies
from kanaria.serving.http_server.connections import BoundedProtocol
from kanaria.serving.listen_socket import listening
from kanaria.serving.payload_log.open_store import open_store
from kanaria.serving.payload_log.write_queue import Intake

HEAD = "\r\n".join(
    [
        "POST / HTTP/1.1",
        "Host: localhost",
        *(f"{n}: {v}" for n, v in headers("request", "a").items()),
    ]
).encode()
BODY = b'{"instances": [1]}'


class Served:
    """A server in a thread of this process."""

    def __init__(self, location):
        metrics = Metrics()
        receiver = Receiver(location, Intake(open_store(location)), metrics, 0)
        protocol = partial(BoundedProtocol, metrics.count_refusal)
        self.listener = listening("127.0.0.1", 0)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = uvicorn.Server(
            uvicorn.Config(receiver, http=protocol, log_level="warning", access_log=False)
        )
        self.thread = threading.Thread(
            target=lambda: asyncio.run(self.server.serve([self.listener]))
        )

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.settimeout(30)
        return connection

    def refused(self, reason):
        line = f'kanaria_payload_refused_total{{reason="{reason}"}}'
        rows = httpx.get(f"{self.url}/metrics").text.splitlines()
        return next((float(row.split()[-1]) for row in rows if row.startswith(line)), 0)


@contextmanager
def serving(location):
    server = Served(location)
    server.thread.start()
    while not server.server.started:
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.server.should_exit = True
        server.thread.join()


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(upload_bodies, "BODY_SECONDS", 0.4)
    with serving(str(tmp_path / "events.db")) as server:
        yield server


def code(connection):
    head = connection.recv(12)
    while connection.recv(1 << 16):
        pass
    return int(head[9:12]) if head else 0


@pytest.mark.parametrize("sent", [b"", b"POST / HT", HEAD])
def test_headers_that_do_not_come_to_an_end_are_not_waited_for(served, sent):
    with served.connect() as connection:
        connection.sendall(sent)
        assert code(connection) == 408
    assert served.refused("slow") == 1


def test_a_second_request_is_not_waited_for_either(served):
    with served.connect() as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while b"}" not in answer:
            answer += connection.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET")
        assert code(connection) == 408


def test_a_body_that_does_not_come_to_an_end_is_not_waited_for(served):
    with served.connect() as connection:
        connection.sendall(HEAD + b"\r\ncontent-length: 100\r\n\r\n{")
        assert code(connection) == 408
    assert served.refused("slow") == 1


@pytest.mark.parametrize(
    ("begin", "more", "expected"),
    [
        (b"GET / HTTP/1.1\r\n", b"x: " + b"y" * 4093 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n", b"y" * 4096, 431),
        (b"GET /", b"y" * 4096, 431),
        (
            HEAD + b"\r\ntransfer-encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n",
            b"x: yyyyy\r\n" * 400,
            431,
        ),
        (HEAD + b"\r\ntransfer-encoding: chunked\r\n\r\n1;", b"y" * 4096, 431),
        (
            HEAD + b"\r\ntransfer-encoding: chunked\r\n\r\n",
            b"100000\r\n" + b" " * 2**20 + b"\r\n",
            413,
        ),
    ],
    ids=["headers", "a header", "path", "trailers", "a chunk's extension", "chunks"],
)
def test_what_never_ends_is_cut_off(served, begin, more, expected):
    with served.connect() as connection:
        connection.sendall(begin)
        with pytest.raises(OSError):
            for _ in range(20_000):
                connection.sendall(more)
                connection.setblocking(False)
                try:
                    answer = connection.recv(12)
                    assert int(answer[9:12]) == expected
                    raise OSError("answered")
                except BlockingIOError:
                    connection.settimeout(30)
    assert httpx.get(f"{served.url}/v2/health/live").status_code == 200


def test_small_chunks_are_no_headers(served):
    body = b'{"instances": [' + b"1," * 30_000 + b"1]}"
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    with served.connect() as connection:
        connection.sendall(HEAD + b"\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n")
        connection.sendall(chunks + b"0\r\n\r\n")
        assert code(connection) == 200


def test_a_flood_of_connections_keeps_no_event_out(served, monkeypatch):
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 10)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 60)
    monkeypatch.setattr(upload_bodies, "BODY_SECONDS", 60)
    flood = [served.connect() for _ in range(15)]
    bodies = [served.connect() for _ in range(15)]
    for one in bodies:
        one.sendall(HEAD + b"\r\ncontent-length: 100\r\n\r\n{")
    codes = [
        httpx.post(served.url, headers=headers("request", str(n)), content=BODY).status_code
        for n in range(3)
    ]
    assert codes == [200] * 3
    assert served.refused("connections") > 20
    for one in [*flood, *bodies]:
        one.close()


def test_half_bodies_together_are_bounded_and_small_events_still_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(upload_bodies, "ROOM", 1 << 20)
    monkeypatch.setattr(upload_bodies.Room.__init__, "__defaults__", (1 << 20,))
    with serving(str(tmp_path / "events.db")) as served:
        halves = [served.connect() for _ in range(4)]
        for one in halves:
            one.sendall(HEAD + b"\r\ncontent-length: 2000000\r\n\r\n" + b" " * 500_000)
        large = headers("request", "b"), b'{"instances": ["' + b"a" * 900_000 + b'"]}'
        end = time.monotonic() + 20
        while httpx.post(served.url, headers=large[0], content=large[1]).status_code != 429:
            assert time.monotonic() < end
        small = httpx.post(served.url, headers=headers("request", "c"), content=BODY)
        assert small.status_code == 200
        for one in halves:
            one.close()
        while httpx.post(served.url, headers=large[0], content=large[1]).status_code != 200:
            assert time.monotonic() < end


def test_a_large_body_is_parsed_beside_the_event_loop():
    room, threads = upload_bodies.Room(), []

    async def run():
        def where():
            threads.append(threading.current_thread())

        for body in (b"small", bytes(upload_bodies.AT_ONCE + 1), b"\x1f\x8bsmall"):
            await room.parsed(body, where)

    asyncio.run(run())
    assert [one is threading.main_thread() for one in threads] == [True, False, False]


def test_a_server_ends_though_clients_say_nothing(tmp_path):
    server = Server(str(tmp_path / "events.db"), tmp_path)
    server.start()
    server.wait()
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
    silent[0].sendall(HEAD + b"\r\ncontent-length: 100\r\n\r\n{")
    assert httpx.post(server.url, headers=headers("request", "a"), content=BODY).is_success
    server.stop()
    assert "Traceback" not in server.log.read_text()
    for one in silent:
        one.close()
