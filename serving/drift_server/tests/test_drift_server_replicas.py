"""Several real servers on one real PostgreSQL."""

import asyncio
import json
import threading
import time

import httpx
import pgserver
import pytest
from event_sender import Sender, Server, headers, plan

from kanaria.serving.payload_log.exchanges import Stream, Verdict
from kanaria.serving.payload_log.open_store import open_reader, open_store

STREAM = Stream(namespace="models", service="flights", version="1")
KEY = ("models", "flights", "1")
END = 10**12


@pytest.fixture
def start(tmp_path):
    servers = []

    def start_some(location, count):
        servers.extend(Server(location, tmp_path) for _ in range(count))
        for server in servers:
            server.start()
        for server in servers:
            server.wait()
        return servers

    yield start_some
    for server in servers:
        server.kill()


def halves(location):
    """Every half that is kept, with its instances."""
    reader = open_reader(location)
    exchanges = list(reader.by_number(STREAM, 0, END))
    reader.close()
    requests = [((e.id, "request"), e.request) for e in exchanges if e.request]
    return requests + [((e.id, "response"), e.response) for e in exchanges if e.response]


def judge(location, done):
    """Judge windows of 50 rows as a replica does, in a race with others."""
    store, reader = open_store(location), open_reader(location)
    while True:
        last_look = done.is_set()
        place = store.place("drift", KEY)
        end = reader.end_by_rows(STREAM, place, 50, 0, time.time() + 1)
        if end is None:
            if last_look:
                return
            continue
        exchanges = list(reader.by_number(STREAM, place, end))
        verdict = Verdict(
            stream=STREAM,
            detector="rows",
            begin=min(e.time for e in exchanges),
            end=max(e.time for e in exchanges),
            rows=sum(e.rows for e in exchanges),
            drifted=False,
            document=json.dumps([e.number for e in exchanges]),
        )
        store.keep_verdict("drift", place, end, verdict)


def test_replicas_keep_each_event_and_judge_each_window_once(new_database, start):
    location = new_database()
    replicas = start(location, 3)
    done = threading.Event()
    judges = [threading.Thread(target=judge, args=(location, done)) for _ in range(2)]
    sendings = plan(rate=200, seconds=4, seed=2)  # Repetitions go to any of the three.
    senders = [Sender(replica.port, connections=4) for replica in replicas]
    sending = [
        threading.Thread(target=lambda s=s, n=n: asyncio.run(s.send(sendings[n::3])))
        for n, s in enumerate(senders)
    ]
    for thread in judges + sending:
        thread.start()
    while len(senders[1].outcomes.acknowledged) < 50:
        assert sending[1].is_alive()
        sending[1].join(0.01)
    replicas[1].kill()
    for thread in sending:
        thread.join()
    other = Sender(replicas[2].port, connections=4)
    asyncio.run(other.send(senders[1].outcomes.unanswered))
    assert (
        not senders[0].outcomes.unanswered
        + senders[2].outcomes.unanswered
        + other.outcomes.unanswered
    )
    done.set()
    for thread in judges:
        thread.join()

    keys = [key for key, _ in halves(location)]
    planned = {s.key for s in sendings if s.key}
    assert (len(keys), set(keys)) == (len(planned), planned)
    verdicts = open_reader(location).verdicts(STREAM, 0, time.time())
    judged = [number for verdict in verdicts for number in json.loads(verdict.document)]
    assert len(judged) == len(set(judged))
    place = open_store(location).place("drift", KEY)
    passed = [e.number for e in open_reader(location).by_number(STREAM, 0, place)]
    assert sorted(judged) == passed


def test_a_label_sent_to_one_meets_a_prediction_sent_to_another(new_database, start):
    location = new_database()
    first, second, third = start(location, 3)
    request_headers, response_headers = (
        headers("request", "a", "order"),
        headers("response", "a", "order"),
    )
    httpx.post(first.url, headers=request_headers, content=b'{"instances": [1]}')
    again = httpx.post(second.url, headers=request_headers, content=b'{"instances": [1]}')
    httpx.post(second.url, headers=response_headers, content=b'{"predictions": [0.5]}')
    httpx.post(f"{third.url}/labels", json={"request_id": "order", "label": 1})
    (exchange,) = open_reader(location).by_number(STREAM, 0, END)
    assert (exchange.response, exchange.labels[0].value) == (b'{"predictions": [0.5]}', 1)
    metrics = httpx.get(f"{second.url}/metrics").text
    assert again.status_code == 200
    assert 'kanaria_payload_events_total{outcome="repeated",type="request"} 1.0' in metrics


def test_a_stopped_database_is_told_and_comes_back(tmp_path, start):
    folder = tmp_path / "postgresql"
    postgresql = pgserver.get_server(folder)
    location = f"postgresql://postgres@/postgres?{postgresql.get_uri().partition('?')[2]}"
    (server,) = start(location, 1)

    def post(id_):
        body = b'{"instances": [1]}'
        return httpx.post(server.url, headers=headers("request", id_), content=body)

    def health(path):
        return httpx.get(f"{server.url}/v2/health/{path}").status_code

    assert post("before").status_code == 200
    postgresql.cleanup()
    refused = post("meanwhile")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert location.partition("?")[0].removesuffix("/postgres") in refused.json()["error"]
    assert (health("ready"), health("live")) == (503, 200)
    span = "begin=2026-01-01T00:00:00Z&end=2999-01-01T00:00:00Z&task=binary"
    quality = f"{server.url}/quality?namespace=models&service=flights&version=1&{span}"
    assert httpx.get(quality).status_code == 503
    metrics = httpx.get(f"{server.url}/metrics").text
    assert "kanaria_store_ready 0.0" in metrics
    assert 'kanaria_payload_refused_total{reason="disk"}' in metrics
    postgresql = pgserver.get_server(folder)
    server.wait()  # Ready again, by itself.
    assert [post(id_).status_code for id_ in ("before", "meanwhile")] == [200, 200]
    assert sorted(key[0] for key, _ in halves(location)) == ["before", "meanwhile"]
    postgresql.cleanup()
