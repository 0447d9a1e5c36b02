"""Servers that do not answer, drip, refuse, or are none of MLflow's."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kanaria.components.shared.errors import (
    DataError,
    KanariaError,
    NotReadyError,
    ParameterError,
    PermissionDeniedError,
)
from kanaria.serving.model_registry import mlflow_client, tracker
from kanaria.serving.model_registry.bounded_job import within
from kanaria.serving.model_registry.mlflow_client import ExistsError, MlflowClient, UnansweredError
from kanaria.serving.model_registry.tracked_run import RunIdentity
from kanaria.serving.model_registry.tracker import Tracker
from kanaria.serving.model_registry.tracking_settings import Tracking

Serve = Callable[[socket.socket], None]


@contextmanager
def served(answer: Serve) -> Iterator[str]:
    """A server that does what `answer` does with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        def serve(connection: socket.socket) -> None:
            with connection:
                try:
                    answer(connection)
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def says(*statuses: str, body: str = "{}", headers: str = "") -> tuple[Serve, list[bytes]]:
    """Answer each request by the next status, the last one for ever; return what was requests."""
    requests: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        request = connection.recv(65_536)
        status = statuses[min(len(requests), len(statuses) - 1)]
        requests.append(request)
        text = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}"
        connection.sendall(f"{text}\r\n{body}".encode())

    return answer, requests


def drips(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        threading.Event().wait(0.01)


def silent(connection: socket.socket) -> None:
    connection.recv(65_536)
    while connection.recv(1):
        pass


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_client, "pause", lambda _: 0.0)


def test_what_passes_is_tried_again():
    answer, requests = says("503 Busy", "429 Slow down", "200 OK", body='{"a": 1}')
    with served(answer) as uri, MlflowClient(uri, 60, {}) as client:
        assert client.post("runs/search", {}) == {"a": 1}
    assert len(requests) == 3


def test_what_does_not_pass_is_told_after_five_tries():
    answer, requests = says("503 Busy")
    with (
        served(answer) as uri,
        MlflowClient(uri, 60, {}) as client,
        pytest.raises(NotReadyError, match="503"),
    ):
        client.get("runs/get", run_id="x")
    assert len(requests) == 5


def test_a_create_is_not_tried_again_before_a_look():
    answer, requests = says("500 Oops")
    with (
        served(answer) as uri,
        MlflowClient(uri, 60, {}) as client,
        pytest.raises(UnansweredError),
    ):
        client.make("runs/create", {}, "run")
    assert len(requests) == 1


def test_whoever_was_slower_takes_what_the_faster_one_has_made():
    body = '{"error_code": "RESOURCE_ALREADY_EXISTS", "message": "it exists"}'
    answer, _ = says("400 Bad Request", body=body)
    finds: Iterator[str | None] = iter([None, "theirs", None, None])
    with served(answer) as uri, MlflowClient(uri, 60, {}) as client:

        def made() -> Any:
            return client.made_once(
                lambda: next(finds), lambda: client.make("experiments/create", {}, "id")
            )

        assert made() == "theirs"
        with pytest.raises(KanariaError, match="not to be found"):
            made()
        with pytest.raises(ExistsError):
            client.make("experiments/create", {}, "id")


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "said"),
    [
        ("200 OK", "<html>login</html>", "", DataError, "none of MLflow's answers"),
        ("200 OK", "[]", "", DataError, "none of MLflow's answers"),
        ("200 OK", "{}", "", DataError, "an answer without run"),
        ("302 Found", "", "Location: http://127.0.0.1:1/\r\n", ParameterError, "302"),
        ("401 Unauthorized", "", "", PermissionDeniedError, "MLFLOW_TRACKING_TOKEN"),
        ("403 Forbidden", "Invalid Host header", "", PermissionDeniedError, "Invalid Host header"),
        ("400 Bad Request", '{"error_code": "X", "message": "no"}', "", ParameterError, "X 'no'"),
        ("400 Bad Request", '["x"]', "", ParameterError, "400"),
    ],
)
def test_what_a_server_refuses_is_said_in_one_line(
    status: str, body: str, headers: str, kind: type[KanariaError], said: str
):
    answer, requests = says(status, body=body, headers=headers)
    with (
        served(answer) as uri,
        MlflowClient(uri, 60, {}) as client,
        pytest.raises(kind) as raised,
    ):
        client.get("runs/get", "run", run_id="x")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(requests) == 1


def test_a_token_is_sent_and_stands_in_no_message():
    answer, requests = says("403 Forbidden", body="no")
    environment = {"MLFLOW_TRACKING_TOKEN": "geheim"}
    with (
        served(answer) as uri,
        MlflowClient(uri, 60, environment) as client,
        pytest.raises(PermissionDeniedError) as raised,
    ):
        client.get("runs/get", run_id="x")
    assert b"Bearer geheim" in requests[0]
    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize("answer", [drips, silent], ids=["drips", "silent"])
def test_a_run_that_can_do_without_goes_on_when_the_time_is_over(
    answer: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(tracker, "BEST_EFFORT_SECONDS", 0.3)
    identity = RunIdentity(run_id="r", pipeline="p", experiment="e", name="n")
    with served(answer) as uri:
        tracked = Tracker(Tracking(tracking_uri=uri), identity, {})
        assert tracked.attempt(lambda _client, _run: "done") is None
        assert tracked.attempt(lambda _client, _run: "done") is None
    assert caplog.text.count("not tracked") == 1
    assert tracked.failure.startswith("not tracked: ")


def test_a_name_that_is_looked_up_for_ever_holds_nobody_up():
    ended = threading.Event()
    with pytest.raises(NotReadyError, match=r"tracking at x: not done within 0\.05 s"):
        within(0.05, ended.wait, "tracking at x")
    ended.set()
