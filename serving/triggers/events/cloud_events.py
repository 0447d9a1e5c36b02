"""CloudEvents, in binary or structured mode, over HTTP or as they come from a Kafka topic. Pure.

io.kanaria.drift.verdict                  a window that our drift server has tested
google.cloud.storage.object.v1.finalized  an object of Google Cloud Storage
any type whose data are records of S3     objects of S3 or MinIO
any other type                            an event, told by its type, source and subject

Source: CloudEvents 1.0: `source` + `id` tell an event from all others, and one that is delivered
again has both.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.cloud_event_modes import is_structured, unwrapped
from kanaria.serving.protocol.json_body import RequestError, parsed
from kanaria.serving.triggers.events.event import LONGEST, Event, EventError, Kind, Source, key_of
from kanaria.serving.triggers.events.object_created import gcs_event, is_s3, s3_events

VERDICT = "io.kanaria.drift.verdict"
FINALIZED = "google.cloud.storage.object.v1.finalized"
NEEDED = ("id", "source", "type", "specversion")
PREFIX = "ce-"


def is_cloud_event(headers: Mapping[str, str]) -> bool:
    """Tell whether headers, with names in lower case, say that a CloudEvent follows."""
    return "ce-id" in headers or is_structured(headers.get("content-type", ""))


def read(
    headers: Mapping[str, str], body: bytes, source: Source = Source.CLOUDEVENTS
) -> list[Event]:
    """Return what a CloudEvent says has happened.

    Args:
        headers: of the request, names in lower case.
        body: of the request.
        source: the way it came in.

    Raises:
        EventError: it is no CloudEvent; all faults are named.
        BoundError: the body holds more than is taken at once.
    """
    faults: list[str] = []
    attributes, data = _attributes(headers, body, faults)
    faults += [f"ce-{n} is missing: send it" for n in NEEDED if not attributes.get(n)]
    version = attributes.get("specversion", "1.0")
    if not version.startswith("1."):
        faults.append(f"ce-specversion={shown(version)}: send 1.0")
    if faults:
        raise EventError("; ".join(faults))
    return _events(attributes, data, source)


def _attributes(
    headers: Mapping[str, str], body: bytes, faults: list[str]
) -> tuple[dict[str, str], bytes]:
    kind = headers.get("content-type", "")
    if is_structured(kind):
        outer, data = unwrapped(kind, body, faults)
        return {name.removeprefix(PREFIX).lower(): value for name, value in outer.items()}, data
    named = {n.removeprefix(PREFIX): unquote(v) for n, v in headers.items() if n.startswith(PREFIX)}
    return named, body


def _events(attributes: Mapping[str, str], data: bytes, source: Source) -> list[Event]:
    if attributes["type"] == VERDICT:
        return [_verdict(attributes, source)]
    document = _document(data)
    if attributes["type"] == FINALIZED:
        return [gcs_event(document, source)]
    if is_s3(document):
        return s3_events(document, source)
    return [_other(attributes, source)]


def _document(data: bytes) -> Any:
    """Return the data as JSON, None where it is something else."""
    try:
        return parsed(data) if data else None
    except (RequestError, RecursionError):
        return None


def _key(attributes: Mapping[str, str]) -> str:
    return key_of("event", attributes["source"], attributes["id"])


def _facts(attributes: Mapping[str, str]) -> dict[str, Any]:
    texts = {name: attributes.get(name, "") for name in ("type", "source", "subject")}
    return texts | {"report": attributes.get("reporturl", "")}


def _verdict(attributes: Mapping[str, str], source: Source) -> Event:
    place = [attributes.get(n, "") for n in ("namespace", "inferenceservicename", "detector")]
    namespace, service, detector = place
    verdict, version = attributes.get("verdict", ""), attributes.get("subject", "")
    if not (namespace and service and verdict):
        names = "ce-namespace, ce-inferenceservicename and ce-verdict"
        raise EventError(f"ce-type={VERDICT!r}: send {names} as the drift server does")
    return Event(
        source=source,
        kind=Kind.DRIFT,
        key=_key(attributes),
        what=f"{namespace}/{service}, version {version}: {verdict} ({detector})"[:LONGEST],
        facts={
            **_facts(attributes),
            "namespace": namespace,
            "service": service,
            "version": version,
            "detector": detector,
            "verdict": verdict,
            "time": attributes.get("time", ""),
        },
    )


def _other(attributes: Mapping[str, str], source: Source) -> Event:
    subject = attributes.get("subject", "")
    about = f" about {subject}" if subject else ""
    return Event(
        source=source,
        kind=Kind.EVENT,
        key=_key(attributes),
        what=f"event {attributes['type']} of {attributes['source']}{about}"[:LONGEST],
        facts=_facts(attributes),
    )
