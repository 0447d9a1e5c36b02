"""Servers that answer slowly, without end or more than fits: a reading ends all the same."""

import gzip
import socket
import threading
from contextlib import contextmanager

import pytest

from kanaria.components.shared.errors import DataError, NotReadyError
from kanaria.serving.rollout.control.lease import SECONDS as LEASE_SECONDS
from kanaria.serving.rollout.observations import (
    bounded_calls,
    drift_server_source,
    prometheus_source,
)
from kanaria.serving.rollout.observations.bounded_calls import NO_ANSWER, ask, within
from kanaria.serving.rollout.observations.drift_server_source import DriftServerSource
from kanaria.serving.rollout.observations.observation_source import Models, Reading, Revisions
from kanaria.serving.rollout.observations.prometheus_queries import choose
from kanaria.serving.rollout.observations.prometheus_source import PrometheusSource

BOUND = 0.6
FAR_BEYOND = 20.0
"""What is not bounded goes on for ever: these servers never come to an end."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
REVISIONS = Revisions(
    namespace="team",
    service="flights",
    canary="flights-2",
    stable="flights-1",
    models=Models(canary="2", stable="1", since=0.0, task="binary", output=""),
)


def hang(_, stop):
    stop.wait()


def drip(connection, stop, text):
    while not stop.wait(0.05):
        connection.sendall(text)


def send(*parts):
    def answer(connection, _stop):
        for part in parts:
            connection.sendall(part)

    return answer


def without_end(connection, stop):
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while not stop.is_set():
        connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")


def close(connection, stop):
    pass


def dripping_body(connection, stop):
    connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
    drip(connection, stop, b" ")


def dripping_head(connection, stop):
    connection.sendall(HEAD + b"X-Header: ")
    drip(connection, stop, b"x")


@contextmanager
def serving(answer):
    """Yield the URL of a server that treats every connection so."""
    stop, listener = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def one(connection):
        with connection:
            try:
                connection.recv(65536)
                answer(connection, stop)
            except OSError:
                return  # The other side has gone.

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


SLOW = [hang, dripping_head, dripping_body]


class Pods:
    def list(self, _resource, _namespace="", _labels=""):
        return []


class SlowPods:
    def __init__(self):
        self.stop = threading.Event()

    def list(self, _resource, _namespace="", _labels=""):
        self.stop.wait()
        return []


class Nothing:
    def read(self, _revisions):
        return Reading(now=0.0)


@pytest.fixture
def short(monkeypatch):
    for module, name in (
        (prometheus_source, "COUNTERS_SECONDS"),
        (drift_server_source, "MODELS_SECONDS"),
    ):
        monkeypatch.setattr(module, name, BOUND)


def test_a_reading_ends_before_a_lease_does():
    assert bounded_calls.COUNTERS_SECONDS + bounded_calls.MODELS_SECONDS < LEASE_SECONDS


@pytest.mark.parametrize("answer", SLOW)
def test_an_answer_is_waited_for_as_a_whole(answer):
    with serving(answer) as url:
        answered = ask("GET", url, BOUND)
    assert (answered.status, answered.text) == (NO_ANSWER, "no answer in 0.6 s")


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("answer", SLOW)
def test_a_slow_prometheus_is_no_answer(answer, caplog):
    with serving(answer) as url:
        reading = PrometheusSource(url, choose("knative"), Pods()).read(REVISIONS)
    assert (reading.canary, reading.stable, reading.containers) == (None, None, ())
    assert "no answer" in caplog.text


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("answer", SLOW)
def test_a_slow_drift_server_is_no_answer(answer, caplog):
    with serving(answer) as url:
        assert DriftServerSource(Nothing(), url).read(REVISIONS).models is None
    assert "models: nothing is known in this interval" in caplog.text


@pytest.mark.usefixtures("short")
def test_a_slow_cluster_holds_nothing_up(caplog):
    pods = SlowPods()
    with serving(close) as url:
        reading = PrometheusSource(url, choose("knative"), pods).read(REVISIONS)
    pods.stop.set()
    assert reading.containers is None
    assert "pods: nothing is known in this interval: no answer in 0.6 s" in caplog.text


BOMB = gzip.compress(b" " * 50_000_000)
ODD = {
    "bomb": (send(HEAD + b"Content-Encoding: gzip\r\n\r\n" + BOMB), "compressed"),
    "endless": (without_end, "more than 16,777,216 bytes"),
    "redirect": (send(b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n"), "302"),
    "page": (send(HEAD + b"\r\n<html>Sign in</html>"), "not the answer of a Prometheus"),
    "truncated": (send(HEAD + b"Content-Length: 90\r\n\r\n{"), "no answer"),
    "nothing": (close, "no answer"),
    "not HTTP": (send(b"SSH-2.0-OpenSSH_9.2\r\n"), "no answer"),
    "text": (send(HEAD + b"Content-Length: 2\r\n\r\n\xff\xfe"), "not the answer of a Prometheus"),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_answer_is_no_answer_and_its_reason_is_logged(odd, caplog):
    answer, fault = ODD[odd]
    with serving(answer) as url:
        reading = PrometheusSource(url, choose("knative"), Pods()).read(REVISIONS)
    assert (reading.canary, reading.stable) == (None, None)
    assert fault in caplog.text


def test_reads_run_at_once_and_each_fails_alone():
    barrier = threading.Barrier(2)

    def fails():
        barrier.wait(FAR_BEYOND)
        raise NotReadyError("away")

    def works():
        barrier.wait(FAR_BEYOND)
        return 7

    assert within(FAR_BEYOND, {"a": fails, "b": works}) == {"a": None, "b": 7}


def test_a_fault_of_our_own_is_not_taken_for_a_missing_answer():
    with pytest.raises(ZeroDivisionError):
        within(FAR_BEYOND, {"a": lambda: 1 // 0})


def test_what_is_larger_or_compressed_is_named():
    with serving(without_end) as url, pytest.raises(DataError, match="16,777,216 bytes"):
        ask("GET", url, FAR_BEYOND)
