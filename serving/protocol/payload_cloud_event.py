"""Payload events of KServe's logger: read in both modes of `cloud_event`, written in one. Pure.

The logger sends `metadata` and `annotations` as JSON, gives a request and its response one id, and
says of the response that it has the request's content type, so content types are not looked at.

Source: KServe 0.20, pkg/logger; CloudEvents 1.0.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.utf8_text import is_name
from kanaria.serving.protocol import cloud_event_modes
from kanaria.serving.protocol.annotation_names import (
    REQUEST_ID_HEADER,
    SERVICE_ANNOTATION,
    VERSION_ANNOTATION,
)
from kanaria.serving.protocol.cloud_event_modes import binary_headers

NEEDED = ("id", "source", "specversion", "type", "inferenceservicename", "namespace")
ATTRIBUTES = (*NEEDED, "time", "component", "endpoint")
MAX_NAME_LENGTH = 512
"""Characters of a name or an id: they are kept beside every event."""


class EventError(DataError):
    """A request is not a payload event; the message names every field at fault."""


class Kind(Enum):
    """Which half of an exchange an event carries."""

    REQUEST = "org.kubeflow.serving.inference.request"
    RESPONSE = "org.kubeflow.serving.inference.response"

    @property
    def half(self) -> str:
        """What a logger's `mode` calls it: "request" or "response"."""
        return self.name.lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Whose traffic it is."""

    namespace: str
    service: str
    revision: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One half of an exchange with a model.

    Attributes:
        id: the same for a request and its response, else unique within the component.
        time: when the logger saw it, in seconds since 1970.
        service: the InferenceService, or the service whose revision it is.
        component: "predictor" or "transformer"; "" where the logger does not say.
        version: the model's version from the pod's annotation, "" where it has none.
        request_id: what labels and other models' events are joined by, "" where there is none.
        body: the request or the response, as the model server received or sent it.
    """

    id: str
    kind: Kind
    source: str
    time: float
    namespace: str
    service: str
    component: str
    endpoint: str
    version: str
    request_id: str
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Half:
    """Which half of which exchange, and when it happened.

    Attributes:
        kind: the request or the response.
        id: of the exchange.
        time: seconds since 1970.
    """

    kind: Kind
    id: str
    time: float


def written_headers(
    half: Half,
    origin: Origin,
    *,
    metadata: Mapping[str, Sequence[str]],
    annotations: Mapping[str, str],
) -> dict[str, str]:
    """Return the headers of an event of a predictor; its body is the request or the response.

    Args:
        half: of the exchange, that it carries.
        origin: whose traffic it is.
        metadata: headers of the request, in Go's canonical form -> their values.
        annotations: of the revision.
    """
    moment = datetime.fromtimestamp(half.time, UTC).isoformat().replace("+00:00", "Z")
    attributes = {
        "specversion": "1.0",
        "type": half.kind.value,
        "source": origin.revision,
        "id": half.id,
        "time": moment,
        "recordedtime": moment,
        "inferenceservicename": origin.service,
        "namespace": origin.namespace,
        "component": "predictor",
        "endpoint": "",
        "metadata": json.dumps(metadata),
    }
    if annotations:
        attributes["annotations"] = json.dumps(dict(annotations))
    return binary_headers(attributes)


def read_event(headers: Mapping[str, str], body: bytes, received: float) -> Event:
    """Return the event that an HTTP request carries.

    Args:
        headers: the request's, with names in lower case.
        body: the request's.
        received: now, in seconds since 1970; stands for a time that is missing or in the future,
            so that a pod's wrong clock cannot put events into windows that have not begun.

    Raises:
        BoundError: the body it is in holds more than is taken at once.
        EventError: attributes are missing or wrong; all of them are named.
    """
    faults: list[str] = []
    mode = "binary"
    content_type = headers.get("content-type", "")
    if cloud_event_modes.is_structured(content_type):
        mode = "structured"
        headers, body = cloud_event_modes.unwrapped(content_type, body, faults)
    else:
        headers = {name: cloud_event_modes.value_as_sent(value) for name, value in headers.items()}
    if faults:
        raise EventError(f"payload event in {mode} mode: {'; '.join(faults)}")
    attributes = {name: headers.get(f"ce-{name}", "") for name in ATTRIBUTES}
    if mode == "binary":
        attributes = {name: _decoded(name, value, faults) for name, value in attributes.items()}
    faults += [f"ce-{name}: missing" for name in NEEDED if not attributes[name]]
    faults += [
        f"ce-{name}={shown(value)}: longer than {MAX_NAME_LENGTH} characters"
        for name, value in attributes.items()
        if len(value) > MAX_NAME_LENGTH
    ]
    faults += [
        f"ce-{name}={shown(value)}: holds a NUL, or half a surrogate pair"
        for name, value in attributes.items()
        if not is_name(value)
    ]
    if attributes["specversion"] not in ("", "1.0"):
        faults.append(f"ce-specversion={shown(attributes['specversion'])}: use 1.0")
    kind = _kind(attributes["type"], faults)
    time = _time(attributes["time"], received, faults)
    annotations = _object(headers, "ce-annotations", faults)
    version = _text_of(annotations, VERSION_ANNOTATION)
    service = _text_of(annotations, SERVICE_ANNOTATION)[:MAX_NAME_LENGTH]
    request_id = _text_of(_object(headers, "ce-metadata", faults), REQUEST_ID_HEADER.lower())
    if faults or kind is None:
        raise EventError(f"payload event in {mode} mode: {'; '.join(faults)}")
    return Event(
        id=attributes["id"],
        kind=kind,
        source=attributes["source"],
        time=time,
        namespace=attributes["namespace"],
        service=service or attributes["inferenceservicename"],
        component=attributes["component"],
        endpoint=attributes["endpoint"],
        version=version[:MAX_NAME_LENGTH],
        request_id=request_id[:MAX_NAME_LENGTH],
        body=body,
    )


def _decoded(name: str, value: str, faults: list[str]) -> str:
    try:
        return cloud_event_modes.attribute_of(value)
    except ValueError:
        faults.append(f"ce-{name}={shown(value)}: percent-encoded bytes that are no UTF-8")
        return value


def _kind(text: str, faults: list[str]) -> Kind | None:
    try:
        return Kind(text)
    except ValueError:
        if text:
            kinds = " or ".join(kind.value for kind in Kind)
            faults.append(f"ce-type={shown(text)}: use {kinds}")
        return None


def _time(text: str, received: float, faults: list[str]) -> float:
    if not text:
        return received
    try:
        moment = datetime.fromisoformat(text.upper())  # RFC 3339 takes t and z, too.
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        faults.append(f"ce-time={shown(text)}: use RFC 3339, as 2026-01-31T12:00:00Z")
        return received
    # Before 1970 no event was sent, and not every program can tell such a time.
    return max(0.0, min(moment.timestamp(), received))


def _object(headers: Mapping[str, str], name: str, faults: list[str]) -> dict[str, Any]:
    """Return an extension that is a JSON object; the binding may percent-encode its quotes."""
    extension = headers.get(name, "")
    for read in (str, cloud_event_modes.attribute_of):
        try:
            value = json.loads(read(extension) or "{}")
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    faults.append(f"{name}={shown(extension)}: not a JSON object")
    return {}


def _text_of(values: Mapping[str, Any], wanted: str) -> str:
    """Return a value by its name in any case; Go's logger sends headers as lists of values."""
    for name, value in values.items():
        if name.lower() == wanted:
            first = value[0] if isinstance(value, list) and value else value
            return first if is_name(first) else ""
    return ""
