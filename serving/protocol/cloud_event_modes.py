"""CloudEvents over HTTP: binary mode is written, structured mode is read as binary mode. Pure.

    ce-id: ...                                    binary mode: attributes are headers, the data is
    ce-type: ...                                  the body

    content-type: application/cloudevents+json    structured mode
    {"specversion": "1.0", "id": ..., "type": ..., "data": {"instances": ...}}
    {..., "data_base64": "..."}     bytes, for instance of a V2 body with binary data

Brokers may deliver in structured mode what was sent in the other. Text in `data` is the body
itself, as one gets it whose body was encoded twice. Go's library writes values into headers as
they are, in UTF-8 and not percent-encoded.

Source: CloudEvents 1.0, HTTP protocol binding (3.1, binary mode; 3.1.3.2, which characters of a
value are percent-encoded; 3.2, structured mode) and JSON event format.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.base64_values import bytes_of_base64
from kanaria.serving.protocol.body_limits import check_json
from kanaria.serving.protocol.content_type import media_type

MEDIA_TYPE = "application/cloudevents"
JSON_FORMAT, BATCH = f"{MEDIA_TYPE}+json", f"{MEDIA_TYPE}-batch"
SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
"""Characters that a value of a header may hold as they are."""
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def binary_headers(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return an event's attributes as headers of binary mode."""
    return {f"ce-{name}": quote(value, safe=SAFE) for name, value in attributes.items()}


def value_as_sent(header: str) -> str:
    """Return a header's value as its sender wrote it: HTTP's libraries read bytes as Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def attribute_of(value: str) -> str:
    """Return an attribute from its header's value: no quotes around it, one round of decoding.

    Raises:
        ValueError: what is percent-encoded is no UTF-8; two such values would become one.
    """
    if QUOTED.fullmatch(value):
        value = ESCAPED.sub(r"\1", value[1:-1])
    return unquote(value, errors="strict")


def is_structured(content_type: str) -> bool:
    """Tell whether a body holds an event, or several, with their attributes."""
    return media_type(content_type).startswith(MEDIA_TYPE)


def unwrapped(content_type: str, body: bytes, faults: list[str]) -> tuple[Mapping[str, str], bytes]:
    """Return the attributes of an event as the headers of binary mode, and its data.

    Args:
        content_type: of the request, for which `is_structured`.
        body: of the request.
        faults: what is wrong is added here.

    Raises:
        BoundError: the body holds more than is taken at once.
    """
    kind = media_type(content_type)
    if kind != JSON_FORMAT:
        why = "send events one by one" if kind.startswith(BATCH) else "use the JSON format"
        faults.append(f"content-type={shown(content_type)}: {why}, {JSON_FORMAT}, or binary mode")
        return {}, b""
    check_json(body)
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        faults.append(f"body {shown(body[:100])}: not JSON: {error}")
        return {}, b""
    if not isinstance(event, dict):
        faults.append(f"body {shown(event)}: send one event, a JSON object")
        return {}, b""
    headers = {f"ce-{name}": _header(value) for name, value in event.items()}
    return headers, _data(event, faults)


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
        return bytes_of_base64(event["data_base64"])
    except ValueError:
        faults.append(f"data_base64={shown(event['data_base64'])}: not base64")
        return b""
