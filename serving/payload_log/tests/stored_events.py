"""One exchange with its label, as the store takes them, and all that a store gives back."""

from dataclasses import replace
from typing import Any

from kanaria.serving.payload_log.exchanges import Label, Stream
from kanaria.serving.payload_log.open_store import open_reader
from kanaria.serving.payload_log.write_groups import Counted
from kanaria.serving.protocol.payload_cloud_event import Event, Kind

NOW = 1_000_000.0
STREAM = Stream(namespace="models", service="flights", version="1")
EVENT = Event(
    id="a",
    kind=Kind.REQUEST,
    source="http://localhost:9081/",
    time=NOW - 10,
    namespace="models",
    service="flights",
    component="predictor",
    endpoint="",
    version="1",
    request_id="order-a",
    body=b"asked",
)


def half(kind=Kind.REQUEST, **fields):
    of_response: dict[str, Any] = (
        {"body": b"answered", "time": NOW - 9} if kind is Kind.RESPONSE else {}
    )
    return Counted(event=replace(EVENT, kind=kind, **of_response | fields), rows=2)


def label(row=0, value=1, time=NOW, request_id="order-a"):
    return Label(request_id=request_id, row=row, value=value, time=time)


def joined(location):
    """Everything that is kept, without the order of arrival."""
    reader = open_reader(location)
    try:
        rows = [
            (stream, e.id, e.request_id, e.time, e.rows, e.request, e.response, dict(e.labels))
            for stream in reader.streams()
            for e in reader.by_time(stream, 0, NOW * 2)
        ]
    finally:
        reader.close()
    return sorted(rows, key=repr)
