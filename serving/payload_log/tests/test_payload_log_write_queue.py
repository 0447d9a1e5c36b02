import asyncio
import gzip
import sqlite3
from contextlib import asynccontextmanager

import httpx
import pytest
from event_sender import headers

from kanaria.serving.databases.database import StoreError
from kanaria.serving.drift_server.http_routes import Receiver
from kanaria.serving.drift_server.server_metrics import Metrics
from kanaria.serving.payload_log import retention
from kanaria.serving.payload_log.exchanges import Label, Outcome
from kanaria.serving.payload_log.open_store import open_store
from kanaria.serving.payload_log.write_queue import FullError, Intake, Limits


def label(request_id, value=1):
    return Label(request_id=request_id, row=0, value=value, time=1e12)


@asynccontextmanager
async def running(intake):
    task = asyncio.create_task(intake.run())
    yield
    intake.end()
    await task


async def begun(coroutine):
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0)
    return task


@pytest.fixture
def store(tmp_path):
    store = open_store(str(tmp_path / "events.db"))
    yield store
    store.close()


def test_more_than_may_wait_is_refused_and_the_rest_is_kept(store):
    async def scenario():
        intake = Intake(store, Limits(items=2))
        waiting = [await begun(intake.put([label(name)])) for name in "ab"]
        with pytest.raises(FullError, match="2 items"):
            await intake.put([label("c")])
        async with running(intake):
            assert await asyncio.gather(*waiting) == [[Outcome.NEW]] * 2
        assert intake.depth == 0

    asyncio.run(scenario())
    assert store.apply([label("a"), label("c")], 0) == [Outcome.REPEATED, Outcome.NEW]


def test_an_upload_that_is_larger_than_the_queue_is_taken_alone(store):
    async def scenario():
        intake = Intake(store, Limits(items=2))
        async with running(intake):
            return await intake.put([label(name) for name in "abc"])

    assert asyncio.run(scenario()) == [Outcome.NEW] * 3


def test_each_sender_is_told_what_became_of_its_own(store):
    async def scenario():
        intake = Intake(store)
        waiting = [await begun(intake.put([label(n) for n in part])) for part in ("a", "bb", "ab")]
        async with running(intake):
            return await asyncio.gather(*waiting)

    new, repeated = Outcome.NEW, Outcome.REPEATED
    assert asyncio.run(scenario()) == [[new], [new, repeated], [repeated, repeated]]


def test_what_waits_at_the_end_is_still_written(store):
    async def scenario():
        intake = Intake(store)
        async with running(intake):
            return await begun(intake.put([label("a")]))

    asyncio.run(scenario())
    assert store.apply([label("a")], 0) == [Outcome.REPEATED]


def test_what_a_sender_that_went_away_has_sent_is_written(store):
    async def scenario():
        intake = Intake(store)
        gone = await begun(intake.put([label("a")]))
        gone.cancel()
        async with running(intake):
            assert await intake.put([label("a")]) == [Outcome.REPEATED]
        assert intake.depth == 0

    asyncio.run(scenario())


def test_a_refusing_store_fails_its_group_and_the_next_one_is_written(store):
    async def scenario():
        intake = Intake(store)
        async with running(intake):
            with pytest.raises(StoreError):
                await intake.put([label("a"), label(None)])
            return await intake.put([label("a")])

    assert asyncio.run(scenario()) == [Outcome.NEW]


def test_a_store_that_takes_too_long_counts_as_not_written(store, tmp_path):
    other = sqlite3.connect(tmp_path / "events.db", isolation_level=None)

    async def scenario():
        intake = Intake(store, Limits(patience=0.2))
        async with running(intake):
            other.execute("BEGIN IMMEDIATE")
            waiting = await begun(intake.put([label("a")]))
            await asyncio.sleep(0.5)
            during = intake.writes
            other.execute("COMMIT")
            await waiting
            return during, intake.writes

    assert asyncio.run(scenario()) == (False, True)


def test_a_full_queue_answers_429_and_counts_it(store, tmp_path):
    async def scenario():
        receiver = Receiver(
            str(tmp_path / "events.db"), Intake(store, Limits(items=1)), Metrics(), 0
        )
        transport = httpx.ASGITransport(receiver)
        async with httpx.AsyncClient(transport=transport, base_url="http://drift") as client:

            def post(id_):
                body = b'{"instances": [1]}'
                return client.post("/", headers=headers("request", id_), content=body)

            waiting = asyncio.create_task(post("a"))
            await asyncio.sleep(0.1)
            refused = await post("b")
            waiting.cancel()
            return refused, (await client.get("/metrics")).text

    answer, metrics = asyncio.run(scenario())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert 'kanaria_payload_refused_total{reason="full"} 1.0' in metrics
    assert "kanaria_store_waiting 1.0" in metrics


def test_too_many_services_are_told_and_counted(store, tmp_path, monkeypatch):
    monkeypatch.setattr(retention, "MOST_SERVICES", 1)

    async def scenario():
        intake = Intake(store)
        receiver = Receiver(str(tmp_path / "events.db"), intake, Metrics(), 0)
        transport = httpx.ASGITransport(receiver)
        async with (
            running(intake),
            httpx.AsyncClient(transport=transport, base_url="http://drift") as client,
        ):
            answers = []
            for service in ("first", "second", "first"):
                head = headers("request", service) | {"ce-inferenceservicename": service}
                answers.append(await client.post("/", headers=head, content=b'{"instances": [1]}'))
            return answers, (await client.get("/metrics")).text

    answers, metrics = asyncio.run(scenario())
    assert [answer.status_code for answer in answers] == [200, 507, 200]
    assert "models/second" in answers[1].json()["error"]
    assert 'kanaria_payload_refused_total{reason="services"} 1.0' in metrics
    room = 'kanaria_store_bytes{kind="events",namespace="models",service="first"} 518.0'
    assert room in metrics


BOMB = b'{"instances": [' + b"[]," * 500_001 + b"[]]}"


@pytest.mark.parametrize(
    ("path", "head", "body"),
    [
        ("/", headers("request", "a"), BOMB),
        ("/", headers("request", "a"), gzip.compress(BOMB)),
        (
            "/",
            {"content-type": "application/cloudevents+json"},
            b'{"id": "a", "data": ' + BOMB + b"}",
        ),
        ("/labels", {"content-type": "application/json"}, BOMB),
        ("/labels", {"content-type": "application/x-ndjson"}, BOMB),
        ("/labels", {"content-type": "application/x-ndjson"}, b"{}\n" * 200_000),
        ("/labels", {"content-type": "text/csv"}, b"request_id,label\n" + b"a,1\n" * 200_000),
        (
            "/labels",
            {"content-type": "application/json"},
            b'{"request_id":"a","labels":[%s]}' % b",".join([b"0"] * 100_001),
        ),
    ],
    ids=["event", "gzip", "structured", "labels", "line", "lines", "csv", "rows"],
)
def test_what_holds_too_much_is_refused_whatever_it_is(store, tmp_path, path, head, body):
    async def scenario():
        receiver = Receiver(str(tmp_path / "events.db"), Intake(store), Metrics(), 0)
        transport = httpx.ASGITransport(receiver)
        async with httpx.AsyncClient(transport=transport, base_url="http://drift") as client:
            answer = await client.post(path, headers=head, content=body)
            return answer, (await client.get("/metrics")).text

    answer, metrics = asyncio.run(scenario())
    assert (answer.status_code, "at most" in answer.json()["error"]) == (413, True)
    assert answer.headers["connection"] == "close"
    assert 'kanaria_payload_refused_total{reason="size"} 1.0' in metrics
