import asyncio
import json
import resource
import threading

import httpx
import pytest
from event_sender import Sender, Server, headers, plan

from kanaria.serving.payload_log.exchanges import Stream
from kanaria.serving.payload_log.open_store import open_reader
from kanaria.serving.protocol.body_limits import MAX_BODY

STREAM = Stream(namespace="models", service="flights", version="1")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    server = Server(str(folder / "events.db"), folder)
    server.start()
    server.wait()
    yield server
    server.stop()


def post(server, kind, id_, body, **changes):
    head = headers(kind, id_, f"order-{id_}") | changes
    return httpx.post(server.url, headers=head, content=body)


def exchanges(server):
    reader = open_reader(server.store)
    try:
        return {e.id: e for e in reader.by_number(STREAM, 0, 10**9)}
    finally:
        reader.close()


def counter(server, line):
    text = httpx.get(f"{server.url}/metrics").text
    return next((float(row.split()[-1]) for row in text.splitlines() if row.startswith(line)), 0.0)


def test_a_request_its_response_and_its_label_meet(server):
    assert post(server, "response", "a", b'{"predictions": [0.5]}').status_code == 200
    answer = httpx.post(f"{server.url}/labels", json={"request_id": "order-a", "label": 1})
    assert answer.json() == {"new": 1, "repeated": 0, "expired": 0}
    assert post(server, "request", "a", b'{"instances": [[1, 2]]}').status_code == 200
    exchange = exchanges(server)["a"]
    assert (exchange.request, exchange.response) == (
        b'{"instances": [[1, 2]]}',
        b'{"predictions": [0.5]}',
    )
    assert exchange.labels[0].value == 1


def test_what_an_explainer_asked_is_taken_and_not_kept(server):
    explanation_headers = {"ce-metadata": json.dumps({"X-Request-Id": ["kanaria-explanation-1"]})}
    for kind, body in (("request", b'{"instances": [5]}'), ("response", b'{"predictions": [1]}')):
        assert post(server, kind, "explained", body, **explanation_headers).status_code == 200
    assert post(server, "request", "asked", b'{"instances": [5]}').status_code == 200
    stored = exchanges(server)
    assert "asked" in stored
    assert "explained" not in stored


def test_a_repeated_event_is_taken_and_counted_once(server):
    line = 'kanaria_payload_events_total{outcome="repeated",type="request"}'
    before = counter(server, line)
    codes = [post(server, "request", "b", b'{"instances": [1]}').status_code for _ in range(2)]
    assert codes == [200, 200]
    assert counter(server, line) == before + 1


@pytest.mark.parametrize(
    ("body", "changes", "reason", "detail"),
    [
        (b'{"instances": [1]}', {"ce-type": "other"}, "attributes", "ce-type='other'"),
        (b'{"instances": 1}', {}, "body", "instances 1"),
    ],
)
def test_a_malformed_event_is_refused_counted_and_not_kept(server, body, changes, reason, detail):
    line = f'kanaria_payload_refused_total{{reason="{reason}"}}'
    before = counter(server, line)
    answer = post(server, "request", "broken", body, **changes)
    assert (answer.status_code, detail in answer.json()["error"]) == (400, True)
    assert counter(server, line) == before + 1
    assert "broken" not in exchanges(server)


def test_labels_with_a_fault_are_not_kept_at_all(server):
    lines = [{"request_id": "order-x", "label": 1}, {"request_id": "order-y"}]
    answer = httpx.post(f"{server.url}/labels", json=lines)
    assert (answer.status_code, "label 1" in answer.json()["error"]) == (400, True)
    assert httpx.post(f"{server.url}/labels", json=lines[0]).json()["new"] == 1


def test_a_body_that_is_too_large_is_refused(server):
    assert post(server, "request", "large", bytes(MAX_BODY + 1)).status_code == 413


def test_a_window_is_judged_by_the_labels_that_have_come(server):
    for number in range(6):
        body = json.dumps({"predictions": [0.9, number / 10]}).encode()
        post(server, "response", f"q{number}", body, **{"ce-namespace": "judged"})
    labels = [{"request_id": f"order-q{n}", "labels": [1, None]} for n in range(4)]
    httpx.post(f"{server.url}/labels", json=labels)
    query = {"namespace": "judged", "service": "flights", "version": "1", "task": "binary"}
    span = {"begin": "2026-01-01T00:00:00Z", "end": "2999-01-01T00:00:00Z"}
    quality = httpx.get(f"{server.url}/quality", params=query | span).json()
    assert (quality["rows"], quality["labelled"], quality["coverage"]) == (
        12,
        4,
        pytest.approx(1 / 3),
    )
    assert quality["metrics"]["accuracy"]["value"] == 1
    assert quality["lag_seconds"]["p50"] > 0
    wrong = httpx.get(f"{server.url}/quality", params=query | {"task": "guess"})
    assert wrong.status_code == 400
    assert all(name in wrong.json()["error"] for name in ("begin", "end", "task='guess'"))


def test_it_tells_that_it_lives_and_is_ready(server):
    for path in ("live", "ready"):
        assert httpx.get(f"{server.url}/v2/health/{path}").status_code == 200
    assert httpx.get(f"{server.url}/unknown").status_code == 404


def test_a_disk_that_refuses_is_told_until_it_takes_again(tmp_path):
    server = Server(str(tmp_path / "events.db"), tmp_path)
    server.start()
    server.wait()

    def health(path):
        return httpx.get(f"{server.url}/v2/health/{path}").status_code

    unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, -1))
    refused = post(server, "request", "a", b'{"instances": [1]}')
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert (health("ready"), health("live")) == (503, 200)
    assert counter(server, 'kanaria_payload_refused_total{reason="disk"}') == 1
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
    server.wait()  # Ready again, without an event that tries.
    assert "a" not in exchanges(server)
    assert post(server, "request", "a", b'{"instances": [1]}').status_code == 200
    server.stop()


def test_a_server_that_is_stopped_leaves_one_file(tmp_path):
    server = Server(str(tmp_path / "events.db"), tmp_path)
    server.start()
    server.wait()
    assert post(server, "request", "a", b'{"instances": [1]}').status_code == 200
    server.stop()
    assert [path.name for path in tmp_path.glob("events.db*")] == ["events.db"]
    assert "a" in exchanges(server)


def test_what_was_acknowledged_outlives_kill_9_and_counts_once(tmp_path):
    server = Server(str(tmp_path / "events.db"), tmp_path)
    server.start()
    server.wait()
    sendings = plan(rate=300, seconds=4, seed=1)
    sender = Sender(server.port, connections=8)
    sending = threading.Thread(target=lambda: asyncio.run(sender.send(sendings)))
    sending.start()
    while len(sender.outcomes.acknowledged) < 300:
        assert sending.is_alive()
        sending.join(0.01)
    server.kill()
    server.start()
    server.wait()
    sending.join()
    again, sender.outcomes.unanswered = sender.outcomes.unanswered, []
    asyncio.run(sender.send(again))
    planned = {s.key for s in sendings if s.key}
    assert sender.outcomes.acknowledged == planned
    assert set(sender.outcomes.codes) == {200, 400}
    stored = exchanges(server).values()
    assert {(e.id, "request") for e in stored if e.request} | {
        (e.id, "response") for e in stored if e.response
    } == planned
    rows = [(e.rows, len(json.loads(e.request)["instances"])) for e in stored if e.request]
    assert all(kept_rows == sent for kept_rows, sent in rows)
    server.stop()
