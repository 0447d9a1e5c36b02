"""Requests of the stable version, asked again of a canary by its own URL."""

import json
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import httpx
import pytest
from event_sender import Server, headers

from kanaria.serving.payload_log.exchanges import Stream
from kanaria.serving.payload_log.open_store import open_reader, open_store
from kanaria.serving.payload_log.replay import GRACE_SECONDS, Replay, run
from kanaria.serving.payload_log.write_groups import Counted
from kanaria.serving.protocol.payload_cloud_event import Event, Kind

NOW = 1_000_000.0
STABLE, CANARY = (Stream(namespace="models", service="tips", version=v) for v in ("7", "8"))


def request(stream, request_id, body=b'{"instances": [1]}', time=NOW - 60):
    event = Event(
        id=f"{stream.version} {request_id} {body!r}",
        kind=Kind.REQUEST,
        source="",
        time=time,
        namespace=stream.namespace,
        service=stream.service,
        component="predictor",
        endpoint="",
        version=stream.version,
        request_id=request_id,
        body=body,
    )
    return Counted(event=event, rows=1)


@pytest.fixture
def store(tmp_path):
    with closing(open_store(str(tmp_path / "events.db"))) as store:
        yield store


@pytest.fixture
def replay(tmp_path):
    """Makes a replay of what is in the store by then; a test asks for the store before it."""
    with closing(open_reader(str(tmp_path / "events.db"))) as reader:
        yield lambda: Replay(reader=reader, stable=STABLE, canary=CANARY, since=NOW - 3600)


def ids(exchanges):
    return [exchange.request_id for exchange in exchanges]


def test_each_request_is_asked_once_and_what_comes_later_too(store, replay):
    store.apply([request(STABLE, "a"), request(STABLE, "b", time=NOW - 50)], NOW)
    replayed = replay()
    assert ids(replayed.pending(NOW)) == ["a", "b"]
    store.apply([request(STABLE, "late", time=NOW - 55), request(STABLE, "c", time=NOW - 1)], NOW)
    assert ids(replayed.pending(NOW)) == ["late"]
    assert ids(replayed.pending(NOW + GRACE_SECONDS)) == ["c"]


def test_what_the_canary_was_asked_already_is_not_asked_again(store, replay):
    store.apply([request(STABLE, "a"), request(STABLE, "b"), request(CANARY, "a")], NOW)
    assert ids(replay().pending(NOW)) == ["b"]


def test_what_cannot_be_asked_again_or_never_meets_its_pair_is_left_out(store, replay):
    binary = b'{"inputs": []}' + bytes([0, 255])
    others = [request(STABLE, ""), request(STABLE, "binary", binary)]
    old = request(STABLE, "old", time=NOW - 7200)
    store.apply([*others, old, request(STABLE, "a")], NOW)
    assert ids(replay().pending(NOW)) == ["a"]


@contextmanager
def canary(code=200):
    """A model server that keeps what it is asked; yields its URL and that."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((self.headers["X-Request-Id"], body))
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/models/tips:predict", requests
    server.shutdown()
    server.server_close()


def test_the_canary_gets_the_requests_under_their_ids_and_its_faults_are_told(store, replay):
    bodies = {f"order-{n}": json.dumps({"instances": [n]}).encode() for n in range(3)}
    store.apply([request(STABLE, id_, body) for id_, body in bodies.items()], NOW)
    with canary(code=500) as (url, requests):
        became = list(islice(run(replay(), url, rate=1000), 3))
    assert became == ["500"] * 3
    assert dict(requests) == bodies
    assert list(islice(run(replay(), "http://127.0.0.1:9/", rate=1000), 1)) == ["unreachable"]


def test_a_process_replays_beside_the_drift_server_that_writes_the_store(tmp_path):
    server = Server(str(tmp_path / "events.db"), tmp_path)
    server.start()
    server.wait()
    with canary() as (url, requests):
        command = [sys.executable, "-I", "-m", "kanaria.serving.payload_log.replay"]
        command += ["--store", server.store, "--namespace", "models", "--service", "flights"]
        command += ["--stable", "1", "--canary", "2", "--to", url, "--hours", "1"]
        replaying = subprocess.Popen(command)
        for number in range(3):
            head = headers("request", f"event-{number}", f"order-{number}")
            assert httpx.post(server.url, headers=head, content=b'{"instances": [1]}').is_success
        while len(requests) < 3:
            assert replaying.poll() is None
            time.sleep(0.05)
        replaying.terminate()
        replaying.wait()
    server.stop()
    assert {id_ for id_, _ in requests} == {f"order-{number}" for number in range(3)}


def test_every_fault_of_the_command_is_named():
    command = [
        sys.executable,
        "-I",
        "-m",
        "kanaria.serving.payload_log.replay",
        "--store",
        "x",
    ]
    command += ["--service", "tips", "--stable", "1", "--canary", "1", "--to", "x", "--rate", "0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    for fault in ("--to='x'", "--rate=0.0", "--canary='1'"):
        assert fault in done.stderr
