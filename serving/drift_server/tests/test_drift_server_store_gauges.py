"""What a drift server exposes of its store over HTTP, against what was sent and what lies there."""

import asyncio
import contextlib
import time
from pathlib import Path

import httpx
from event_sender import headers
from prometheus_client.parser import text_string_to_metric_families
from stored_events import NOW, half, joined
from watched_traffic import Traffic, watch

from kanaria.serving.drift_server import http_routes
from kanaria.serving.drift_server.http_routes import Receiver
from kanaria.serving.drift_server.server_metrics import REFUSALS, Metrics
from kanaria.serving.drift_server.store_gauges import of_intake
from kanaria.serving.drift_watch import verdict_routes
from kanaria.serving.drift_watch.watch_states import State
from kanaria.serving.http_server import access_rules, connections
from kanaria.serving.payload_log.open_store import open_reader, open_store
from kanaria.serving.payload_log.retention import Retention
from kanaria.serving.payload_log.write_queue import Intake, Limits

BODY = b'{"instances": [1]}'


def values(text, name, label="service"):
    return {
        sample.labels.get(label, ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"kanaria_{name}"
    }


def scraped(location, sent, intake_of=Intake):
    """Send events by (service, id) to a receiver on the store, then scrape it."""

    async def scenario():
        intake = intake_of(open_store(location))
        receiver = Receiver(location, intake, Metrics(), 0)
        running = asyncio.create_task(intake.run())
        transport = httpx.ASGITransport(receiver)
        async with httpx.AsyncClient(transport=transport, base_url="http://drift") as client:
            for service, id_ in sent:
                head = headers("request", id_) | {"ce-inferenceservicename": service}
                (await client.post("/", headers=head, content=BODY)).raise_for_status()
            text = (await client.get("/metrics")).text
        intake.end()
        await running
        intake.close()
        return text

    return asyncio.run(scenario())


def test_the_ages_are_those_of_the_first_and_the_last_that_arrived(location):
    before = time.time()
    text = scraped(location, [("a", "1"), ("b", "2"), ("a", "3")])
    after = time.time()
    oldest = values(text, "store_oldest_event_timestamp_seconds")
    newest = values(text, "store_newest_event_timestamp_seconds")
    assert set(oldest) == set(newest) == {"a", "b"}
    assert before <= oldest["a"] <= oldest["b"] == newest["b"] <= newest["a"] <= after
    assert oldest["a"] < newest["a"]


def test_the_size_is_what_lies_on_the_disk(tmp_path):
    path = tmp_path / "events.db"
    text = scraped(str(path), [("a", str(number)) for number in range(20)])
    least = path.stat().st_size
    (size,) = values(text, "store_size_bytes").values()
    assert least / 2 <= size <= 50 * least
    assert values(text, "store_limit_bytes") == {"": 10_000 * 2**20}


def test_the_size_in_postgresql_grows_by_what_is_written(new_database):
    location = new_database()
    (empty,) = values(scraped(location, []), "store_size_bytes").values()
    (filled,) = values(
        scraped(location, [("a", str(number)) for number in range(200)]), "store_size_bytes"
    ).values()
    assert filled >= empty + 200 * len(BODY)


def test_what_waits_is_shown_beside_how_much_may(tmp_path):
    text = scraped(
        str(tmp_path / "events.db"),
        [("a", "1")],
        lambda store: Intake(store, Limits(items=7, megabytes=3)),
    )
    assert values(text, "store_waiting") == {"": 0}
    assert values(text, "store_waiting_limit") == {"": 7}
    assert values(text, "store_waiting_limit_bytes") == {"": 3 * 2**20}


def test_every_reason_of_a_refusal_is_there_before_its_first_time(tmp_path):
    text = scraped(str(tmp_path / "events.db"), [])
    named = values(text, "payload_refused_total", "reason")
    assert set(named.values()) == {0}
    sources = "".join(
        Path(module.__file__).read_text() for module in (http_routes, access_rules, connections)
    )
    assert {one.reason for one in http_routes.REFUSALS.values()} <= set(named)
    assert all(f'"{reason}"' in sources for reason in named)
    assert set(named) == {reason for reasons in REFUSALS.values() for reason in reasons}


def test_verdicts_of_a_watch_that_is_taken_away_go_from_the_metrics(tmp_path):
    traffic = Traffic(str(tmp_path / "events.sqlite"))
    traffic.send_table(200, seed=2, moved=2.0)
    traffic.runner(watch()).turn(2e9)
    state = State(namespace="default", service="flights", name="drift")
    with contextlib.closing(open_reader(traffic.location)) as reader:
        watched = verdict_routes.scraped(reader, [state]).decode()
        nobody = verdict_routes.scraped(reader, []).decode()
        unknown = verdict_routes.scraped(reader, None).decode()
    assert set(values(watched, "drift_verdict", "feature")) == {"", "delay", "carrier"}
    assert nobody == ""
    assert unknown == watched


def test_of_the_newest_three_windows_it_is_told_how_many_drifted(tmp_path):
    traffic = Traffic(str(tmp_path / "events.sqlite"))
    for seed, moved in enumerate((2.0, 0.0, 2.0, 2.0)):
        traffic.send_table(200, seed=seed + 2, moved=moved)
    traffic.runner(watch()).turn(2e9)
    with contextlib.closing(open_reader(traffic.location)) as reader:
        verdicts = [one.drifted for one in reader.newest_verdicts(4)]
        text = verdict_routes.scraped(reader, None).decode()
    assert verdicts == [True, False, True, True]
    shown = values(text, "drift_recent_windows", "verdict")
    assert shown == {"drifted": 2, "stable": 1, "unknown": 0}


def test_what_went_for_want_of_room_is_what_was_sent_and_is_not_there(location):
    store = open_store(location, Retention(megabytes=10))
    for second in range(30):
        flood = [half(id=f"{second}-{n}", time=NOW + second, body=bytes(50_000)) for n in range(20)]
        store.apply(flood, NOW + second)
    text = of_intake(Intake(store)).decode()
    there = len(joined(location))
    assert 0 < there < 300
    assert values(text, "store_dropped_total") == {"flights": 600 - there, "": 0}
    assert values(text, "store_bytes")["flights"] <= values(text, "store_limit_bytes")[""] * 1.1
