import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.pipelines.flights import prepare, traffic
from kanaria.pipelines.flights.traffic import Answer, Flight
from kanaria.serving.local.router import REVISION_HEADER


class Endpoint(BaseHTTPRequestHandler):
    """Answers hour / 24 as revision one, and 503 as revision two for hours from 20 on."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        (instance,) = json.loads(body)["instances"]
        is_sick = instance["hour"] >= 20
        answer = json.dumps({"predictions": [[instance["hour"] / 24]]}).encode()
        self.send_response(503 if is_sick else 200)
        self.send_header(REVISION_HEADER, "two" if is_sick else "one")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the tests' output quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/predict"
    server.shutdown()
    server.server_close()


def answer(revision: str, probability: float | None, late: int, seconds: float = 0.01) -> Answer:
    code = 503 if probability is None else 200
    return Answer(revision=revision, code=code, seconds=seconds, probability=probability, late=late)


def test_rows_are_sent_once_and_each_answer_names_its_revision(url: str):
    rows = [Flight(features={"hour": hour}, late=int(hour > 12)) for hour in range(24)]
    answers = traffic.send(url, rows)
    assert [a.revision for a in answers] == ["one"] * 20 + ["two"] * 4
    assert [a.late for a in answers] == [row.late for row in rows]
    one, two = traffic.summarize(answers)
    assert (one.requests, one.errors, two.requests, two.errors) == (20, 0, 4, 4)
    assert one.accuracy == 1.0
    assert one.auc == 1.0


def test_a_revision_that_answered_nothing_has_no_quality_and_counts_as_errors():
    (found,) = traffic.summarize([answer("sick", None, 1), answer("sick", None, 0)])
    assert found.errors == 2
    assert np.isnan(found.accuracy)
    assert np.isnan(found.auc)


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
    found = traffic.auc(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs], float))
    if late and early:
        assert found == pytest.approx(won / (len(late) * len(early)))
    else:
        assert np.isnan(found)


def test_flights_have_the_types_of_the_model_and_no_missing_values(tmp_path: Path):
    values = dict.fromkeys(prepare.COLUMNS, "1") | {"carrier": "UA", "temp": "39.02"}
    lines = [prepare.COLUMNS, values.values(), (values | {"temp": ""}).values(), values.values()]
    file = tmp_path / "2013-09.csv"
    file.write_text("".join(",".join(line) + "\n" for line in lines))
    found = traffic.flights([file], 10)
    assert len(found) == 2
    features = found[0].features
    assert (features["carrier"], features["temp"], features["hour"]) == ("UA", 39.02, 1)
    assert "late" not in features
