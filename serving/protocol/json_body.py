"""JSON of requests and answers, with the tokens that TensorFlow Serving adds to it. Pure.

`NaN`, `Infinity` and `-Infinity` are values, in both directions. What would be read as something
else than was written is refused: a key that is given twice, a number that no double holds, bytes
that are no UTF-8.

Source: TensorFlow Serving RESTful API, "JSON conformance".
"""

import json
import math
from typing import Any

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.protocol.annotation_names import JSON_LENGTH_HEADER


class RequestError(DataError):
    """The request does not fit the model; the client can mend it."""


def parsed(body: bytes) -> Any:
    """Return the value that a body holds.

    Raises:
        RequestError: it is no JSON; where and why is said.
        RecursionError: it is nested more deeply than can be read.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise RequestError(f"body: not UTF-8 at byte {error.start}; send JSON in UTF-8") from error
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_float=_finite)
    except ValueError as error:  # Beside JSONDecodeError: an integer of thousands of digits.
        raise RequestError(f"body {shown(text[:60])}: not JSON: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RequestError(f"body: key {shown(twice)} is given twice in one object; send it once")
    return document


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise RequestError(f"body: {shown(text, 40)} is beyond the range of a double")
    return value


def json_length(text: str | None) -> int | None:
    """Return the length that Inference-Header-Content-Length tells, None where it is not sent.

    Raises:
        RequestError: it is no length.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise RequestError(f"{JSON_LENGTH_HEADER} {shown(text)}: not a number of bytes")
    return int(text)


def written(value: Any) -> bytes:
    """Return a value as JSON in UTF-8; half a surrogate pair, which UTF-8 has not, is escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
