import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.errors import NotReadyError
from kanaria.pipelines.flights import prepare, traffic
from kanaria.pipelines.flights.traffic import Answer, Flight
from kanaria.serving.protocol.annotation_names import REVISION_HEADER


class Endpoint(BaseHTTPRequestHandler):
    """Answers hour / 24 as revision one, and 503 as revision two for hours from 20 on.

    What comes is told in `heard`: the request's id, or the labels' ids.
    """

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/labels":
            self.server.heard.append([label["request_id"] for label in json.loads(body)])
            self.answer(200, "", b"{}")
            return
        self.server.heard.append(self.headers["X-Request-Id"])
        document = json.loads(body)
        if isinstance(document, list):
            self.answer(400, "", b"no request")
            return
        (instance,) = document["instances"]
        is_sick = instance["hour"] >= 20
        answer = json.dumps({"predictions": [[instance["hour"] / 24]]}).encode()
        self.answer(503 if is_sick else 200, "two" if is_sick else "one", answer)

    def answer(self, code: int, revision: str, answer: bytes) -> None:
        self.send_response(code)
        self.send_header(REVISION_HEADER, revision)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the tests' output quiet."""


class Server(ThreadingHTTPServer):
    """Endpoint and drift server in one, with what both were sent in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Endpoint)
        self.heard: list[str | list[str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def answer(revision: str, probability: float | None, late: int, seconds: float = 0.01) -> Answer:
    code = 503 if probability is None else 200
    return Answer(revision=revision, code=code, seconds=seconds, probability=probability, late=late)


def flight(hour: int, weekday: int = 0) -> Flight:
    features = {"hour": hour, "weekday": weekday}
    return Flight(features=features, late=int(hour > 12), request_id=f"{weekday}-{hour}")


def test_rows_are_sent_once_and_each_answer_names_its_revision(server: Server):
    rows = [flight(hour) for hour in range(24)]
    answers = traffic.send(f"{server.url}/predict", [rows], f"{server.url}/labels")
    assert [a.revision for a in answers] == ["one"] * 20 + ["two"] * 4
    assert [a.late for a in answers] == [row.late for row in rows]
    one, two = traffic.summarize(answers)
    assert (one.requests, one.errors, two.requests, two.errors) == (20, 0, 4, 4)
    assert one.accuracy == 1.0
    assert one.auc == 1.0


def test_labels_come_after_the_requests_of_the_next_day(server: Server):
    days = traffic.by_day([flight(1, 5), flight(2, 5), flight(1, 6), flight(1, 0)])
    traffic.send(f"{server.url}/predict", days, f"{server.url}/labels")
    requests = [heard for heard in server.heard if isinstance(heard, str)]
    assert sorted(requests) == ["0-1", "5-1", "5-2", "6-1"]
    assert [heard for heard in server.heard if isinstance(heard, list)] == [["5-1", "5-2"], ["6-1"]]
    assert server.heard.index(["5-1", "5-2"]) > server.heard.index("6-1")
    assert server.heard.index(["6-1"]) > server.heard.index("0-1")


def test_labels_that_are_not_taken_end_the_traffic(server: Server):
    with pytest.raises(NotReadyError, match="labels are not taken"):
        traffic.send(f"{server.url}/predict", [[flight(1)], [flight(2)]], f"{server.url}/predict")


def test_a_revision_that_answered_nothing_has_no_quality_and_counts_as_errors():
    (quality,) = traffic.summarize([answer("sick", None, 1), answer("sick", None, 0)])
    assert quality.errors == 2
    assert np.isnan(quality.accuracy)
    assert np.isnan(quality.auc)


def test_shares_and_times_are_those_of_the_revision():
    answers = [answer("a", 0.9, 1, 0.002), answer("a", 0.1, 0, 0.004), answer("b", 0.9, 0, 1.0)]
    a, b = traffic.summarize(answers)
    assert a.share == pytest.approx(2 / 3)
    assert a.p50_ms == pytest.approx(3)
    assert b.p99_ms == pytest.approx(1000)
    assert (a.accuracy, b.accuracy) == (1.0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=30))
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[int, int]]):
    late = [score for label, score in pairs if label]
    early = [score for label, score in pairs if not label]
    won = sum((x > y) + 0.5 * (x == y) for x in late for y in early)
    area = traffic.auc(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs], float))
    if late and early:
        assert area == pytest.approx(won / (len(late) * len(early)))
    else:
        assert np.isnan(area)


def test_flights_have_the_types_of_the_model_and_null_for_a_missing_value(tmp_path: Path):
    values = dict.fromkeys(prepare.COLUMNS, "1") | {"carrier": "UA", "temp": "39.02"}
    lines = [prepare.COLUMNS, values.values(), (values | {"temp": ""}).values(), values.values()]
    file = tmp_path / "2013-09.csv"
    file.write_text("".join(",".join(line) + "\n" for line in lines))
    flights = traffic.flights([file], 10)
    assert [flight.features["temp"] for flight in flights] == [39.02, None, 39.02]
    features = flights[0].features
    assert (features["carrier"], features["temp"], features["hour"]) == ("UA", 39.02, 1)
    assert "late" not in features
