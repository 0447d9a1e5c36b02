import http.server
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from watched_traffic import BEGIN, Traffic, watch

from kanaria.serving.drift.report_records import load_window
from kanaria.serving.drift_watch import verdict_delivery as delivery_module
from kanaria.serving.drift_watch.verdict_delivery import LONGEST_WAIT, MOST_WAITING, Delivery
from kanaria.serving.payload_log.open_store import open_reader, open_store

LATE = BEGIN + 1_000_000.0


class Receiver(http.server.ThreadingHTTPServer):
    """Takes events, after refusing as often as it is told to."""

    def __init__(self, port=0, refusals=()):
        self.events, self.refusals = [], list(refusals)
        super().__init__(("127.0.0.1", port), Handler)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        code = self.server.refusals.pop(0) if self.server.refusals else 202
        if code == 202:
            self.server.events.append((dict(self.headers), body))
        self.send_response(code)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def receiving(**changes):
    with Receiver(**changes) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def traffic(tmp_path):
    sent_traffic = Traffic(str(tmp_path / "events.sqlite"))
    sent_traffic.send_table(200, seed=2)
    sent_traffic.send_table(200, seed=3, moved=2.0)
    return sent_traffic


def delivery(traffic, settings):
    return Delivery(open_store(traffic.location), open_reader(traffic.location), [settings])


def ids(server):
    return [head["ce-id"] for head, _ in server.events]


def sending_to(server):
    return watch(verdicts_to=f"http://127.0.0.1:{server.server_port}/verdicts")


def test_each_verdict_is_sent_once_as_a_binary_cloud_event(traffic):
    with receiving() as server:
        settings = sending_to(server)
        sent = delivery(traffic, settings)
        traffic.runner(settings).turn(LATE)
        for verdict in traffic.heard:
            sent.add(settings, verdict)
        for again in range(3):
            sent.turn(LATE + again)
    (calm, _), (head, body) = server.events
    assert calm["ce-verdict"] == "stable"
    assert {name: head[f"ce-{name}"] for name in ("specversion", "type", "verdict")} == {
        "specversion": "1.0",
        "type": "io.kanaria.drift.verdict",
        "verdict": "drifted",
    }
    assert head["ce-source"] == "/namespaces/default/inferenceservices/flights"
    assert (head["ce-subject"], head["content-type"]) == ("3", "application/json")
    assert load_window(body.decode()) == traffic.verdicts()[1][1]
    assert len(set(ids(server))) == 2


def test_what_was_not_taken_before_a_restart_is_sent_afterwards_with_the_same_ids(traffic):
    with receiving(refusals=[503]) as server:
        settings, port = sending_to(server), server.server_port
        traffic.runner(settings).turn(LATE)
        before = delivery(traffic, settings)
        before.turn(LATE)
        assert ids(server) == []
        before.turn(LATE + 0.5)
        assert ids(server) == []
        before.turn(LATE + 1)
        delivered = ids(server)
    assert len(delivered) == 2
    traffic.send_table(200, seed=4)
    traffic.runner(settings).turn(LATE)
    down = delivery(traffic, settings)
    for wait in range(20):
        down.turn(LATE + wait * LONGEST_WAIT)
    with receiving(port=port) as server:
        delivery(traffic, settings).turn(LATE)
        (third,) = ids(server)
        delivery(traffic, settings).turn(LATE)
        assert ids(server) == [third]
        down.turn(LATE + 30 * LONGEST_WAIT)
        assert ids(server) == [third, third]
    assert third not in delivered


def test_a_verdict_that_is_refused_for_good_holds_up_no_other(traffic, caplog):
    with receiving(refusals=[400]) as server:
        settings = sending_to(server)
        traffic.runner(settings).turn(LATE)
        delivery(traffic, settings).turn(LATE)
        assert len(server.events) == 1
    assert "refused with 400" in caplog.text


def test_what_waits_is_bounded(traffic):
    settings = watch(verdicts_to="http://127.0.0.1:1/")
    traffic.runner(settings).turn(LATE)
    sent = delivery(traffic, settings)
    for _ in range(2 * MOST_WAITING):
        sent.add(settings, traffic.heard[0])
    (queue,) = sent.queues.values()
    assert len(queue.waiting) == MOST_WAITING


@contextmanager
def dripping():
    """A receiver that sends a byte of an answer's headers now and then, for ever."""
    ended = threading.Event()

    def drip(connection):
        with connection, suppress(OSError):
            connection.recv(1 << 16)
            while not ended.wait(0.05):
                connection.sendall(b"H")

    def accept():
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listener.accept()[0],)).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_receiver_that_drips_holds_up_no_other_and_gets_its_verdicts_later(traffic, monkeypatch):
    monkeypatch.setattr(delivery_module, "TIMEOUT", 0.5)
    with receiving() as good, dripping() as bad:
        settings = [
            watch(name="dripping", verdicts_to=bad),
            watch(name="good", verdicts_to=f"http://127.0.0.1:{good.server_port}/"),
        ]
        for one in settings:
            traffic.runner(one).turn(LATE)
        sent = Delivery(open_store(traffic.location), open_reader(traffic.location), settings)
        sent.turn(LATE)
        assert len(good.events) == 2
    slow = sent.queues[settings[0]]
    assert (len(slow.waiting), slow.next_try > LATE) == (2, True)
    with receiving() as mended:
        slow.url = f"http://127.0.0.1:{mended.server_port}/"
        sent.turn(LATE + LONGEST_WAIT)
        assert len(set(ids(mended))) == 2


def test_verdicts_go_out_beside_the_tests_of_windows(traffic):
    ended = threading.Event()
    with receiving() as server:
        settings = sending_to(server)
        sent = delivery(traffic, settings)
        thread = threading.Thread(target=sent.run, args=(ended,))
        thread.start()
        traffic.runner(settings).turn(LATE)
        for verdict in traffic.heard:
            sent.add(settings, verdict)
        while len(server.events) < 2:
            assert thread.is_alive()
            time.sleep(0.02)
        ended.set()
        thread.join()


def test_the_trigger_server_alone_gets_its_token_and_one_that_was_refused_is_sent_again(
    traffic, monkeypatch
):
    secret = "0123456789abcdef0123"
    with receiving(refusals=[401]) as server, receiving() as other:
        monkeypatch.setenv("KANARIA_TRIGGER_TOKEN", secret)
        monkeypatch.setenv("KANARIA_TRIGGER_SERVER", f"http://127.0.0.1:{server.server_port}")
        traffic.runner(sending_to(server)).turn(LATE)
        for receiver in (server, other):
            settings = sending_to(receiver)
            sent = delivery(traffic, settings)
            sent.add(settings, traffic.heard[0])
            for again in range(3):
                sent.turn(LATE + again * LONGEST_WAIT)
        presented, elsewhere = (
            {head.get("Authorization") for head, _ in one.events} for one in (server, other)
        )
    assert (presented, elsewhere) == ({f"Bearer {secret}"}, {None})
