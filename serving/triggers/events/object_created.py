"""Notifications that an object was created: S3's and MinIO's records, and Google Cloud Storage's.

A record's sequencer, or its generation, tells one writing of an object from the next, so that a
notification that is sent again is the same happening and an object that is replaced is another.
Objects that are removed, tested or only listed start nothing. Pure.

Sources: Amazon S3, "Event message structure" (keys are URL-encoded as forms are); MinIO, "Publish
Events to Webhook"; Google Cloud Storage, "Pub/Sub notifications" and "CloudEvents of Cloud
Storage"; Pub/Sub, "Push subscriptions".
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, TypeGuard
from urllib.parse import unquote_plus

from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.json_body import RequestError, parsed
from kanaria.serving.triggers.events.event import LONGEST, Event, EventError, Kind, Source, key_of

CREATED = ("ObjectCreated:", "s3:ObjectCreated:")
FINALIZED = "OBJECT_FINALIZE"
TEST = "s3:TestEvent"


def read_s3(body: bytes, source: Source = Source.S3) -> list[Event]:
    """Return the objects that a notification of S3 or MinIO says were created.

    Raises:
        EventError: it is no such notification.
    """
    try:
        document = parsed(body)
    except (RequestError, RecursionError) as error:
        raise EventError(str(error)) from error
    if isinstance(document, Mapping) and document.get("Event") == TEST:
        return []  # S3 sends it when notifications are set up.
    if not is_s3(document):
        raise EventError(f"body {shown(document)}: no `Records` of S3; send its notification")
    return s3_events(document, source)


def is_s3(document: Any) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether a document is a notification of S3 or MinIO."""
    records = document.get("Records") if isinstance(document, Mapping) else None
    return isinstance(records, list) and all(
        isinstance(one, Mapping) and isinstance(one.get("s3"), Mapping) for one in records
    )


def s3_events(document: Mapping[str, Any], source: Source) -> list[Event]:
    """Return the objects that a notification, for which `is_s3`, says were created.

    Raises:
        EventError: a record lacks its bucket or its key.
    """
    return [
        _s3_event(record, number, source)
        for number, record in enumerate(document["Records"])
        if str(record.get("eventName", "")).startswith(CREATED)
    ]


def _s3_event(record: Mapping[str, Any], number: int, source: Source) -> Event:
    bucket, described = record["s3"].get("bucket"), record["s3"].get("object")
    name = bucket.get("name") if isinstance(bucket, Mapping) else None
    key = described.get("key") if isinstance(described, Mapping) else None
    if not isinstance(name, str) or not isinstance(key, str) or not (name and key):
        place = f"Records.{number}.s3"
        raise EventError(f"{place}={shown(record['s3'])}: send bucket.name and object.key")
    marks = [str(described.get(n) or "") for n in ("versionId", "eTag", "sequencer")]
    if not marks[-1]:  # Some stores send none; then the time of the record tells writings apart.
        marks.append(str(record.get("eventTime") or ""))
    return _event(source, "s3", name, unquote_plus(key), *marks)


def _event(source: Source, scheme: str, bucket: str, name: str, *marks: str) -> Event:
    uri = f"{scheme}://{bucket}/{name}"
    return Event(
        source=source,
        kind=Kind.OBJECT,
        key=key_of("object", uri, *marks),
        what=f"object {uri} was created"[:LONGEST],
        facts={"bucket": bucket, "name": name, "object": uri},
    )


def gcs_event(data: Any, source: Source) -> Event:
    """Return the object that the data of a notification describes.

    Raises:
        EventError: it describes none.
    """
    parts = [data.get(n) if isinstance(data, Mapping) else None for n in ("bucket", "name")]
    if not all(isinstance(part, str) and part for part in parts):
        raise EventError(f"data {shown(data)}: send bucket and name of the object")
    return _event(source, "gs", *map(str, parts), str(data.get("generation") or ""))


def read_pubsub(body: bytes) -> list[Event]:
    """Return the object that a push of Pub/Sub says was finalised, if it says so.

    Raises:
        EventError: it is no push of Pub/Sub, or not of a bucket's notification.
    """
    try:
        document = parsed(body)
    except (RequestError, RecursionError) as error:
        raise EventError(str(error)) from error
    message = document.get("message") if isinstance(document, Mapping) else None
    attributes = message.get("attributes") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or not isinstance(attributes, Mapping):
        attributes, message = {}, {}
    if "eventType" not in attributes:
        raise EventError(f"body {shown(document)}: no `message.attributes.eventType` of a bucket")
    if attributes["eventType"] != FINALIZED:
        return []
    named = {
        "bucket": attributes.get("bucketId"),
        "name": attributes.get("objectId"),
        "generation": attributes.get("objectGeneration"),
    }
    return [gcs_event(named if named["name"] else _payload(message), Source.GCS)]


def _payload(message: Mapping[str, Any]) -> Any:
    try:
        return json.loads(base64.b64decode(str(message.get("data") or ""), validate=True))
    except ValueError as error:
        raise EventError(f"message.data {shown(message.get('data'))}: no base64 of JSON") from error
