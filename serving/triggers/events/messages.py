"""A message of a Kafka topic: a CloudEvent, a notification of S3 or MinIO, or anything. Pure.

The place of a message in its topic tells it from all others, but a CloudEvent or a record of an
object has a key of its own, so that a happening that comes by two ways is one.

Source: CloudEvents, Kafka protocol binding (binary mode: headers `ce_id`, `ce_type`, ...).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kanaria.serving.protocol.json_body import RequestError, parsed
from kanaria.serving.triggers.events import cloud_events
from kanaria.serving.triggers.events.event import LONGEST, Event, Kind, Source, key_of
from kanaria.serving.triggers.events.object_created import is_s3, s3_events

BINARY = "ce_"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message and its place.

    Attributes:
        key: of the message, b"" for none.
        value: b"" for none.
        time: when it was sent, in milliseconds since 1970; a topic that is made anew counts its
            messages from 0 again.
        headers: names and values, in order.
    """

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    time: int = 0
    headers: Sequence[tuple[str, bytes]] = ()

    @property
    def place(self) -> str:
        """Where it lies, in words."""
        return f"message {self.offset} of {self.topic}, partition {self.partition}"


def read(message: Message) -> list[Event]:
    """Return what a message says has happened; at least that it came.

    Raises:
        EventError: it says that it is a CloudEvent, or of S3, and is none.
        BoundError: it holds more than is taken at once.
    """
    headers = {n.lower(): v.decode("utf-8", "replace") for n, v in message.headers}
    attributes = {
        f"ce-{n.removeprefix(BINARY)}" if n.startswith(BINARY) else n: v for n, v in headers.items()
    }
    events = []
    if cloud_events.is_cloud_event(attributes):
        events = cloud_events.read(attributes, message.value, Source.KAFKA)
    elif is_s3(document := _document(message.value)):
        events = s3_events(document, Source.KAFKA)
    return [*events, came(message)]


def _document(value: bytes) -> object:
    try:
        return parsed(value) if value else None
    except (RequestError, RecursionError):
        return None


def came(message: Message) -> Event:
    """Return that a message came, whatever it holds."""
    place = (message.partition, message.offset, message.time)
    key = f", key {message.key.decode('utf-8', 'replace')}" if message.key else ""
    return Event(
        source=Source.KAFKA,
        kind=Kind.TOPIC,
        key=key_of("message", message.topic, *map(str, place)),
        what=f"{message.place}{key}"[:LONGEST],
        facts={"topic": message.topic},
    )
