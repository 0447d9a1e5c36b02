"""The HTTP interface of the trigger server, in front of a real store."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from kanaria.components.shared.errors import NotReadyError, ParameterError, UserCodeError
from kanaria.serving.databases.database import StoreError
from kanaria.serving.drift_token import TRIGGER, configured
from kanaria.serving.http_server.access_rules import Guard, Rules
from kanaria.serving.triggers.dispatcher import Dispatcher
from kanaria.serving.triggers.intake import Intake
from kanaria.serving.triggers.starter import Begun, Order, RunEnd
from kanaria.serving.triggers.trigger_file import Start, Trigger
from kanaria.serving.triggers.trigger_metrics import TriggerMetrics
from kanaria.serving.triggers.trigger_server import Beside, TriggerServer
from kanaria.serving.triggers.trigger_store import TriggerStore, open_store

SECRET = "0123456789abcdef0123"
TRIGGERS = (
    Trigger(
        name="retrain",
        when=(
            {"request": True},
            {"drift": {"service": "flights", "namespace": "team"}},
            {"alert": {"alertname": "Drift"}},
        ),
        start={"pipeline": "retrain"},
        cool_down="1h",
        labelled_rows={"at_least": 10, "service": "flights", "namespace": "team"},
    ),
)
ALERT = {"status": "firing", "labels": {"alertname": "Drift"}, "startsAt": "2026-01-01T00:00:00Z"}
VERDICT = {
    "ce-id": "1",
    "ce-source": "/drift",
    "ce-type": "io.kanaria.drift.verdict",
    "ce-specversion": "1.0",
    "ce-subject": "v1",
    "ce-time": "2026-01-01T00:00:00+00:00",
    "ce-namespace": "team",
    "ce-inferenceservicename": "flights",
    "ce-verdict": "drifted",
}


class Runs:
    """A place of runs, in memory, that a test tells what goes wrong."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.errors: list[Exception] = []
        self.end: tuple[RunEnd, str] | None = None

    def check(self, start: Start) -> None:
        pass

    def find(self, order: Order) -> Begun | None:
        names = [one.run_name for one in self.orders]
        return Begun(run_id=order.run_name, link="") if order.run_name in names else None

    def start(self, order: Order) -> Begun:
        if self.errors:
            raise self.errors.pop()
        self.orders.append(order)
        return Begun(run_id=order.run_name, link="")

    def ended(self, _run_id: str) -> tuple[RunEnd, str] | None:
        return self.end

    def under_way(self, _start: Start) -> str:
        return ""


class World:
    def __init__(self, store: TriggerStore, secret: str = "") -> None:
        self.store, self.runs, self.rows = store, Runs(), 10
        metrics = TriggerMetrics(TRIGGERS)
        self.dispatcher = Dispatcher(TRIGGERS, store, self.runs, metrics, self.count)
        intake = Intake(TRIGGERS, store, metrics, self.dispatcher.wake, "http://drift")
        beside = Beside(store=store, metrics=metrics, is_alive=lambda: True)
        token = configured("", {TRIGGER.token: secret} if secret else {}, TRIGGER)
        rules = Rules(
            realm="kanaria trigger server", token=token, open_paths=frozenset({"/cloudevents"})
        )
        guard = Guard(TriggerServer(intake, beside).application(), rules, lambda _reason: None)
        self.client = TestClient(guard)

    def count(self, *_: Any) -> int:
        if self.rows < 0:
            raise NotReadyError("the drift server does not answer")
        return self.rows

    def row(self) -> Any:
        return self.store.newest(1)[0]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with closing(open_store(str(tmp_path / "triggers.sqlite"))) as store:
        yield World(store)


def alertmanager(world: World) -> dict[str, Any]:
    body = json.dumps({"alerts": [ALERT]})
    return dict(world.client.post("/alertmanager", content=body).json())


def test_a_verdict_starts_a_run_that_is_told_where_its_report_is(world: World):
    answer = world.client.post("/cloudevents", content=b"{}", headers=VERDICT)
    assert answer.json() == {"triggers": [{"trigger": "retrain", "delivery": "new"}]}
    world.dispatcher.turn(time.time())
    (order,) = world.runs.orders
    assert order.cause == {
        "name": "retrain",
        "event": "event:/drift:1",
        "what": "team/flights, version v1: drifted ()",
        "report": "http://drift/report?namespace=team&service=flights&version=v1"
        "&end=2026-01-01T00%3A00%3A00%2B00%3A00",
    }
    again = world.client.post("/cloudevents", content=b"{}", headers=VERDICT).json()
    assert again["triggers"][0]["delivery"] == "repeated"
    world.dispatcher.turn(time.time())
    assert len(world.runs.orders) == 1


def test_an_alert_that_goes_on_firing_is_decided_anew_after_the_cool_down(world: World):
    world.client.post("/triggers/retrain")
    world.dispatcher.turn(now := time.time())
    world.runs.end = (RunEnd.SUCCEEDED, "")
    world.dispatcher.turn(now + 10)
    alertmanager(world)
    world.dispatcher.turn(now + 20)
    assert (world.row().state, world.row().reason) == ("refused", "cool_down")
    assert alertmanager(world)["triggers"][0]["delivery"] == "holds"
    world.dispatcher.turn(now + 3600)
    assert [world.row().state, world.row().deliveries] == ["running", 2]
    assert alertmanager(world)["triggers"][0]["delivery"] == "repeated"


def test_labels_that_cannot_be_counted_are_waited_for(world: World):
    world.rows = -1
    world.client.post("/triggers/retrain")
    world.dispatcher.turn(now := time.time())
    assert (world.row().state, world.row().why) == (
        "accepted",
        "the drift server does not answer",
    )
    world.rows = 9
    world.dispatcher.turn(now + 1)
    assert world.row().state == "accepted"
    world.dispatcher.turn(now + 2)
    assert (world.row().state, world.row().reason) == ("refused", "too_few_rows")


@pytest.mark.parametrize("error", [NotReadyError("away"), UserCodeError("no module")])
def test_a_start_that_fails_is_tried_again_and_begins_once(world: World, error: Exception):
    world.runs.errors = [error, error]
    world.client.post("/triggers/retrain")
    for seconds in (0, 1, 2, 3, 5, 6, 7):
        world.dispatcher.turn(1e9 + seconds)
    assert (world.row().state, len(world.runs.orders)) == ("running", 1)


def test_a_second_event_meanwhile_is_refused_because_a_run_goes_on(world: World):
    for _ in range(2):
        world.client.post("/triggers/retrain")
    world.dispatcher.turn(time.time())
    first, second = world.store.newest(2)
    assert (first.state, second.state, second.reason) == ("running", "refused", "running")
    assert first.run_name in second.why


@pytest.mark.parametrize(
    ("path", "body", "code", "said"),
    [
        ("/alertmanager", b"{", 400, "not JSON"),
        ("/s3", b"{}", 400, "Records"),
        ("/gcs", b"{}", 400, "eventType"),
        ("/cloudevents", b"{}", 400, "ce-id is missing"),
        ("/triggers/retrian", b"", 404, "there are retrain"),
        ("/triggers/retrain", b"[" * 100, 413, "levels of lists"),
        ("/triggers/retrain", b" " * (17 << 20), 413, "more than 16 MiB"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_kept(
    world: World, path: str, body: bytes, code: int, said: str
):
    answer = world.client.post(path, content=body)
    assert (answer.status_code, said in answer.json()["error"]) == (code, True), answer.text
    assert world.store.newest(1) == []


def test_what_is_for_no_trigger_is_answered_with_success_and_not_kept(world: World):
    answer = world.client.post("/cloudevents", headers={**VERDICT, "ce-verdict": "stable"})
    assert (answer.status_code, answer.json()) == (200, {"triggers": []})
    assert world.store.newest(1) == []
    text = world.client.get("/metrics").text
    assert 'kanaria_trigger_refused_total{reason="no_match",trigger=""} 1.0' in text


def test_no_success_is_answered_before_the_event_is_stored(world: World, monkeypatch):
    def refuse(*_: Any) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(world.store, "keep", refuse)
    answer = world.client.post("/triggers/retrain")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_without_the_token_nothing_is_taken_but_events_of_brokers_and_health(tmp_path: Path):
    with closing(open_store(str(tmp_path / "triggers.sqlite"))) as store:
        world = World(store, SECRET)
        bearer = {"Authorization": f"Bearer {SECRET}"}
        post = world.client.post
        assert post("/triggers/retrain").status_code == 401
        assert post("/triggers/retrain", headers={"Authorization": "Bearer x"}).status_code == 401
        assert world.client.get("/triggers").status_code == 401
        assert store.newest(1) == []
        assert post("/triggers/retrain", headers=bearer).status_code == 200
        assert post("/cloudevents", content=b"{}", headers=VERDICT).status_code == 200
        assert world.client.get("/v2/health/ready").status_code == 200


def test_a_token_that_is_none_is_refused_without_being_shown():
    with pytest.raises(ParameterError) as raised:
        configured("", {TRIGGER.token: "swordfish"}, TRIGGER)
    assert "KANARIA_TRIGGER_TOKEN: not a token" in str(raised.value)
    assert "swordfish" not in str(raised.value)


def test_metrics_say_what_waits_runs_and_is_left_of_the_day(world: World):
    world.client.post("/triggers/retrain")
    world.dispatcher.turn(time.time())
    world.client.post("/triggers/retrain")
    text = world.client.get("/metrics").text
    for line in (
        'kanaria_trigger_received_total{source="http"} 2.0',
        'kanaria_trigger_started_total{pipeline="retrain",trigger="retrain"} 1.0',
        'kanaria_trigger_waiting{trigger="retrain"} 1.0',
        'kanaria_trigger_runs_active{pipeline="retrain"} 1.0',
        'kanaria_trigger_budget_remaining{trigger="retrain"} 3.0',
        "kanaria_trigger_store_ready 1.0",
    ):
        assert line in text
