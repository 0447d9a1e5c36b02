"""Events in CloudEvents' structured mode, as brokers may deliver them, as those of binary mode.

    content-type: application/cloudevents+json
    {"specversion": "1.0", "id": ..., "type": ..., "data": {"instances": ...}}
    {..., "data_base64": "..."}     bytes, for instance of a V2 body with binary data

Text in `data` is the body itself, as one gets it whose body was encoded twice.

Source: CloudEvents 1.0, HTTP protocol binding (3.2, structured mode) and JSON event format.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.errors import shown
from kanaria.serving.protocol import body_limits
from kanaria.serving.protocol.body_limits import check_json

MEDIA_TYPE = "application/cloudevents"
JSON_FORMAT, BATCH = f"{MEDIA_TYPE}+json", f"{MEDIA_TYPE}-batch"


def is_structured(content_type: str) -> bool:
    """Tell whether a body holds an event, or several, with their attributes."""
    return _media_type(content_type).startswith(MEDIA_TYPE)


def unwrapped(content_type: str, body: bytes, faults: list[str]) -> tuple[Mapping[str, str], bytes]:
    """Return the attributes of an event as the headers of binary mode, and its data.

    Args:
        content_type: of the request, for which `is_structured`.
        body: of the request.
        faults: what is wrong is added here.

    Raises:
        BoundError: the body holds more than is taken at once.
    """
    media_type = _media_type(content_type)
    if media_type != JSON_FORMAT:
        why = "send events one by one" if media_type.startswith(BATCH) else "use the JSON format"
        faults.append(f"content-type={shown(content_type)}: {why}, {JSON_FORMAT}, or binary mode")
        return {}, b""
    check_json(body)
    try:
        body_limits.check_json(body)
        event = json.loads(body)
    except body_limits.BoundError as error:
        faults.append(str(error))
        return {}, b""
    except (ValueError, RecursionError) as error:
        faults.append(f"body {shown(body[:100])}: not JSON: {error}")
        return {}, b""
    if not isinstance(event, dict):
        faults.append(f"body {shown(event)}: send one event, a JSON object")
        return {}, b""
    given = {f"ce-{name}": _header(value) for name, value in event.items()}
    return given, _data(event, faults)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _header(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value) if value is not None else ""


def _data(event: Mapping[str, Any], faults: list[str]) -> bytes:
    if ("data" in event) == ("data_base64" in event):
        faults.append("data, data_base64: send one of them")
        return b""
    if "data" in event:
        data = event["data"]
        text = data if isinstance(data, str) else json.dumps(data)
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(event["data_base64"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        faults.append(f"data_base64={shown(event['data_base64'])}: not base64")
        return b""
