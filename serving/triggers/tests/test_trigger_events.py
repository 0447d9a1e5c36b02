"""What senders send, read as events: their keys, and which triggers they are for."""

import base64
import json
from typing import Any

import pytest

from kanaria.serving.triggers.events import (
    alertmanager,
    cloud_events,
    messages,
    object_created,
    requests,
)
from kanaria.serving.triggers.events.event import Event, EventError, Kind
from kanaria.serving.triggers.events.messages import Message
from kanaria.serving.triggers.matching import matched
from kanaria.serving.triggers.trigger_file import Trigger

ALERT = {
    "status": "firing",
    "labels": {"alertname": "KanariaDrift", "namespace": "team", "service": "flights"},
    "annotations": {"summary": "flights drifted"},
    "startsAt": "2026-03-01T12:00:00Z",
    "fingerprint": "a1b2",
}
VERDICT = {
    "ce-id": "77",
    "ce-source": "/namespaces/team/inferenceservices/flights",
    "ce-type": "io.kanaria.drift.verdict",
    "ce-specversion": "1.0",
    "ce-subject": "v1",
    "ce-namespace": "team",
    "ce-inferenceservicename": "flights",
    "ce-detector": "table",
    "ce-verdict": "drifted",
}


def notification(*alerts: dict[str, Any]) -> bytes:
    return json.dumps({"version": "4", "status": "firing", "alerts": alerts}).encode()


def record(**described: Any) -> dict[str, Any]:
    fields = {"key": "2013/a+b%2Fc.csv", "eTag": "e", "sequencer": "01", **described}
    place = {"bucket": {"name": "flights"}, "object": fields}
    return {"eventName": "s3:ObjectCreated:Put", "s3": place}


def s3(*records: dict[str, Any]) -> bytes:
    return json.dumps({"EventName": "x", "Key": "k", "Records": records}).encode()


def is_for(event: Event, *when: dict[str, Any]) -> bool:
    trigger = Trigger(name="t", when=when, start={"pipeline": "retrain"})
    return bool(matched([trigger], [event]))


def test_an_alert_that_fires_has_the_same_key_however_often_it_is_repeated():
    (first,) = alertmanager.read(notification(ALERT))
    (again,) = alertmanager.read(notification(ALERT, {**ALERT, "status": "resolved"}))
    (later,) = alertmanager.read(notification({**ALERT, "startsAt": "2026-03-02T12:00:00Z"}))
    assert first.key == again.key != later.key
    assert first.repeats
    assert is_for(first, {"alert": {"alertname": "KanariaDrift", "service": "flights"}})
    assert not is_for(first, {"alert": {"alertname": "KanariaDrift", "service": "taxi"}})


def test_a_resolved_alert_starts_nothing():
    assert alertmanager.read(notification({**ALERT, "status": "resolved"})) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "no `alerts`"),
        (b'{"alerts": {}}', "no `alerts`"),
        (b'{"alerts": [1]}', "alerts.0=1"),
        (b'{"alerts": [{"status": "firing"}]}', "send labels and startsAt"),
    ],
)
def test_what_is_no_notification_of_alertmanager_is_refused(body: bytes, said: str):
    with pytest.raises(EventError, match=said):
        alertmanager.read(body)


def test_a_verdict_is_for_the_service_that_drifted():
    (event,) = cloud_events.read(VERDICT, b"{}")
    assert event.kind is Kind.DRIFT
    assert is_for(event, {"drift": {"service": "flights", "namespace": "team"}})
    assert not is_for(event, {"drift": {"service": "flights", "namespace": "other"}})
    assert not is_for(
        event, {"drift": {"service": "flights", "namespace": "team", "detector": "images"}}
    )
    (stable,) = cloud_events.read({**VERDICT, "ce-verdict": "stable"}, b"{}")
    assert not is_for(stable, {"drift": {"service": "flights", "namespace": "team"}})


def test_a_structured_event_is_the_same_as_a_binary_one():
    attributes = {name.removeprefix("ce-"): value for name, value in VERDICT.items()}
    body = json.dumps({**attributes, "data": {}}).encode()
    structured = cloud_events.read({"content-type": "application/cloudevents+json"}, body)
    assert structured == cloud_events.read(VERDICT, b"{}")


def test_all_faults_of_an_event_are_named():
    with pytest.raises(
        EventError, match=r"ce-id is missing.*ce-type is missing.*specversion='0.3'"
    ):
        cloud_events.read({"ce-source": "x", "ce-specversion": "0.3"}, b"")


def test_any_other_event_is_told_by_type_source_and_subject():
    attributes = {**VERDICT, "ce-type": "org.example.labels", "ce-subject": "june"}
    (event,) = cloud_events.read(attributes, b"no json")
    assert is_for(event, {"event": {"type": "org.example.labels"}})
    assert is_for(event, {"event": {"type": "org.example.labels", "subject": "june"}})
    assert not is_for(event, {"event": {"type": "org.example.labels", "subject": "may"}})
    assert not is_for(event, {"event": {"type": "org.example"}})


def test_a_key_of_an_object_is_decoded_and_its_writing_told_from_the_next():
    (event,) = object_created.read_s3(s3(record()))
    assert event.facts["object"] == "s3://flights/2013/a b/c.csv"
    assert is_for(event, {"object": {"bucket": "flights", "prefix": "2013/", "suffix": ".csv"}})
    assert not is_for(event, {"object": {"bucket": "flights", "suffix": "_SUCCESS"}})
    (again,) = object_created.read_s3(s3(record()))
    (replaced,) = object_created.read_s3(s3(record(sequencer="02")))
    assert event.key == again.key != replaced.key


def test_objects_that_are_removed_and_tests_of_the_notification_start_nothing():
    assert object_created.read_s3(s3({**record(), "eventName": "s3:ObjectRemoved:Delete"})) == []
    assert object_created.read_s3(b'{"Service": "Amazon S3", "Event": "s3:TestEvent"}') == []


def test_a_notification_of_several_objects_is_several_events():
    events = object_created.read_s3(s3(record(), record(key="b")))
    assert len({event.key for event in events}) == 2


def pubsub(**attributes: str) -> bytes:
    data = {"bucket": "flights", "name": "a.csv", "generation": "5"}
    encoded = base64.b64encode(json.dumps(data).encode()).decode()
    return json.dumps({"message": {"attributes": attributes, "data": encoded}}).encode()


def test_an_object_of_google_is_the_same_by_pubsub_and_as_a_cloud_event():
    named = {"bucketId": "flights", "objectId": "a.csv", "objectGeneration": "5"}
    (pushed,) = object_created.read_pubsub(pubsub(eventType="OBJECT_FINALIZE", **named))
    (bare,) = object_created.read_pubsub(pubsub(eventType="OBJECT_FINALIZE"))
    attributes = {**VERDICT, "ce-type": "google.cloud.storage.object.v1.finalized"}
    body = b'{"bucket": "flights", "name": "a.csv", "generation": 5}'
    (event,) = cloud_events.read(attributes, body)
    assert pushed.key == bare.key == event.key
    assert event.facts["object"] == "gs://flights/a.csv"
    assert object_created.read_pubsub(pubsub(eventType="OBJECT_DELETE", **named)) == []


def test_a_request_with_an_idempotency_key_is_one_however_often_it_is_sent():
    keyed = [requests.read("t", {"idempotency-key": "k"}, b"").key for _ in range(2)]
    bare = [requests.read("t", {}, b'{"reason": "june"}').key for _ in range(2)]
    assert len(set(keyed)) == 1
    assert len(set(bare)) == 2
    with pytest.raises(EventError, match="reason"):
        requests.read("t", {}, b'{"why": 1}')


def message(value: bytes, *headers: tuple[str, bytes], offset: int = 3) -> Message:
    return Message(topic="news", partition=0, offset=offset, key=b"", value=value, headers=headers)


def test_a_message_is_what_it_holds_and_that_it_came_and_answers_a_trigger_once():
    headers = [(f"ce_{n.removeprefix('ce-')}", v.encode()) for n, v in VERDICT.items()]
    events = messages.read(message(b"{}", *headers))
    assert [event.kind for event in events] == [Kind.DRIFT, Kind.TOPIC]
    both = ({"drift": {"service": "flights", "namespace": "team"}}, {"topic": "news"})
    trigger = Trigger(name="t", when=both, start={"pipeline": "retrain"})
    ((_, event),) = matched([trigger], events)
    assert event.kind is Kind.DRIFT
    (of_store, came) = messages.read(message(s3(record())))
    assert (of_store.kind, came.kind) == (Kind.OBJECT, Kind.TOPIC)
    assert of_store.key == object_created.read_s3(s3(record()))[0].key


def test_any_bytes_are_a_message_and_its_place_is_its_key():
    (first,) = messages.read(message(b"\xff\x00"))
    (second,) = messages.read(message(b"\xff\x00", offset=4))
    assert first.key != second.key
    assert is_for(first, {"topic": "news"})
    assert not is_for(first, {"topic": "other"})
