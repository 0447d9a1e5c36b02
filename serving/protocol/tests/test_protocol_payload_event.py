import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.serving.protocol.payload_cloud_event import EventError, Kind, read_event

HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "7f3b",
    "ce-source": "http://localhost:9081/",
    "ce-type": "org.kubeflow.serving.inference.request",
    "ce-time": "2026-01-31T12:00:00.123456789Z",
    "ce-inferenceservicename": "flights",
    "ce-namespace": "models",
    "ce-component": "predictor",
    "ce-endpoint": "",
    "ce-metadata": '{"X-Request-Id":["order-1"]}',
    "ce-annotations": '{"kanaria.io/model-version":"3"}',
    "content-type": "application/json",
}
NOON = 1_769_860_800.0


def changed(**headers):
    return HEADERS | {f"ce-{name}": value for name, value in headers.items()}


def test_an_event_of_the_logger_is_read():
    event = read_event(HEADERS, b"{}", received=NOON + 1)
    assert (event.id, event.kind, event.namespace, event.service, event.component) == (
        "7f3b",
        Kind.REQUEST,
        "models",
        "flights",
        "predictor",
    )
    assert (event.version, event.request_id, event.body) == ("3", "order-1", b"{}")
    assert event.time == pytest.approx(NOON + 0.123456)


def test_percent_encoded_attributes_are_decoded():
    headers = changed(annotations="%7B%22kanaria.io/model-version%22:%22a%20b%22%7D", id="a%25b")
    event = read_event(headers, b"", received=NOON + 1)
    assert (event.version, event.id) == ("a b", "a%b")


def test_text_beyond_ascii_is_the_same_percent_encoded_or_as_gos_library_writes_it():
    metadata = '{"X-Request-Id":["Zürich 100%25"]}'
    headers = changed(id="Zürich", metadata=metadata)
    raw = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    encoded = headers | {"ce-id": quote("Zürich"), "ce-metadata": quote(metadata)}
    for sent in (raw, encoded):
        event = read_event(sent, b"", received=NOON)
        assert (event.id, event.request_id) == ("Zürich", "Zürich 100%25")


def test_quotes_around_an_attribute_are_not_part_of_it():
    assert read_event(changed(id=r'"a \"b\""'), b"", received=NOON).id == 'a "b"'


def test_letters_of_a_time_may_be_small():
    event = read_event(changed(time="2026-01-31t12:00:00z"), b"", received=NOON + 1)
    assert event.time == NOON


def test_what_a_logger_without_annotations_sends_has_no_version_and_no_request_id():
    headers = {k: v for k, v in HEADERS.items() if k not in ("ce-annotations", "ce-metadata")}
    event = read_event(headers, b"", received=NOON)
    assert (event.version, event.request_id) == ("", "")


def test_a_revision_that_is_an_inference_service_of_its_own_names_its_service():
    annotations = '{"kanaria.io/model-version":"3","kanaria.io/service":"flights"}'
    headers = changed(annotations=annotations, inferenceservicename="flights-41fe0b3d")
    event = read_event(headers, b"", received=NOON)
    assert (event.service, event.version) == ("flights", "3")


def test_a_request_id_that_postgresql_cannot_keep_is_none():
    headers = changed(metadata='{"X-Request-Id": ["order\\u0000"]}')
    assert read_event(headers, b"", received=NOON).request_id == ""


@pytest.mark.parametrize("time", ["", "2026-01-31T13:00:00Z"])
def test_a_missing_or_future_time_is_the_arrival(time):
    assert read_event(changed(time=time), b"", received=NOON).time == NOON


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        (changed(id=""), "ce-id: missing"),
        (changed(type="other"), "ce-type='other'"),
        (changed(type=""), "ce-type: missing"),
        (changed(specversion="0.3"), "ce-specversion='0.3'"),
        (changed(time="yesterday"), "ce-time='yesterday'"),
        (changed(time="2026-01-31T12:00:00"), "ce-time"),
        (changed(metadata="["), "ce-metadata"),
        (changed(annotations="[1]"), "ce-annotations"),
        (changed(namespace="n" * 513), "ce-namespace"),
        (changed(id="a%FF"), "ce-id='a%FF': percent-encoded bytes that are no UTF-8"),
        (changed(metadata="%7B%FF%7D"), "ce-metadata"),
        (changed(id="a%00b"), "ce-id='a.x00b': holds a NUL"),
    ],
)
def test_a_fault_names_the_field(headers, fault):
    with pytest.raises(EventError, match=fault):
        read_event(headers, b"", received=NOON)


def test_all_faults_are_told_at_once():
    with pytest.raises(EventError) as caught:
        read_event({}, b"", received=NOON)
    message = str(caught.value)
    assert all(name in message for name in ("ce-id", "ce-source", "ce-type", "ce-namespace"))


@given(st.dictionaries(st.sampled_from(sorted(HEADERS)), st.text()))
def test_any_header_is_read_or_refused_but_never_a_crash(headers):
    try:
        event = read_event(HEADERS | headers, b"", received=NOON)
    except EventError:
        return
    assert event.id
    assert event.time <= NOON


STRUCTURED = {"content-type": "Application/CloudEvents+JSON; charset=utf-8"}
ATTRIBUTES = {name.removeprefix("ce-"): v for name, v in HEADERS.items() if name.startswith("ce-")}
BODY = {"instances": [1, "\u00e4"]}


@pytest.mark.parametrize(
    "data",
    [
        {"data": BODY},
        {"data": json.dumps(BODY)},
        {"data_base64": base64.b64encode(json.dumps(BODY).encode()).decode()},
    ],
)
@pytest.mark.parametrize("metadata", [ATTRIBUTES["metadata"], {"X-Request-Id": ["order-1"]}])
def test_an_event_in_structured_mode_is_the_same_as_in_binary_mode(data, metadata):
    document = json.dumps(ATTRIBUTES | {"metadata": metadata} | data).encode()
    event = read_event(STRUCTURED, document, received=NOON + 1)
    binary = read_event(HEADERS, json.dumps(BODY).encode(), received=NOON + 1)
    assert event == binary


def test_bytes_of_a_structured_event_are_the_body():
    data = base64.b64encode(b'{"inputs": []}\x00\xff').decode()
    document = json.dumps(ATTRIBUTES | {"data_base64": data}).encode()
    assert read_event(STRUCTURED, document, NOON).body == b'{"inputs": []}\x00\xff'


def test_a_percent_sign_of_a_structured_event_is_one():
    document = json.dumps(ATTRIBUTES | {"id": "a%25b", "data": BODY}).encode()
    assert read_event(STRUCTURED, document, NOON).id == "a%25b"


@pytest.mark.parametrize(
    ("content_type", "document", "message"),
    [
        ("application/cloudevents-batch+json", b"[]", "one by one"),
        ("application/cloudevents+protobuf", b"", "JSON format"),
        ("application/cloudevents+json", b"{", "not JSON"),
        ("application/cloudevents+json", b"[" * 60, "not JSON"),
        ("application/cloudevents+json", b"[1]", "a JSON object"),
        ("application/cloudevents+json", b"{}", "data, data_base64: send one"),
        ("application/cloudevents+json", b'{"data": 1}', "ce-id: missing; ce-source: missing"),
        ("application/cloudevents+json", b'{"data_base64": "a"}', "not base64"),
        ("application/cloudevents+json", b'{"data": 1, "id": "\\ud800"}', "half a surrogate"),
    ],
)
def test_what_is_no_structured_event_is_refused_by_name(content_type, document, message):
    with pytest.raises(EventError, match=f"structured mode: .*{message}"):
        read_event({"content-type": content_type}, document, NOON)


def test_a_time_before_1970_is_taken_as_1970():
    assert read_event(changed(time="0001-01-01T00:00:00+14:00"), b"", NOON).time == 0.0
