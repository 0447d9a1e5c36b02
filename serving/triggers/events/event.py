"""One happening that may start a training."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kanaria.components.shared.errors import DataError

LONGEST = 1000
"""Characters of a text that is kept of an event."""


class EventError(DataError):
    """What was sent is no event of its kind; the message says why."""


class Source(StrEnum):
    """Who sent it, by the way it came in."""

    ALERTMANAGER = "alertmanager"
    CLOUDEVENTS = "cloudevents"
    S3 = "s3"
    GCS = "gcs"
    KAFKA = "kafka"
    HTTP = "http"


class Kind(StrEnum):
    """What happened; a trigger's `when` names kinds."""

    DRIFT = "drift"
    ALERT = "alert"
    OBJECT = "object"
    EVENT = "event"
    TOPIC = "topic"
    REQUEST = "request"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A happening.

    Attributes:
        source: the way it came in.
        kind: what happened.
        key: the same for every delivery of it.
        what: in a person's words.
        facts: what `when` compares, all of it text or a mapping of texts.
        repeats: whether its sender sends it again to say that it still holds.
    """

    source: Source
    kind: Kind
    key: str
    what: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    repeats: bool = False


def key_of(*parts: str) -> str:
    """Return a key of what tells a happening from all others, readable where that is short."""
    text = ":".join(parts)
    if len(text) <= LONGEST and text.isprintable():
        return text
    return f"{parts[0][:20]}:{hashlib.sha256(repr(parts).encode()).hexdigest()}"
