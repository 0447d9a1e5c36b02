"""Bytes as JSON carries them: base64 text, and TensorFlow Serving's `{"b64": ...}`. Pure."""

import base64
from typing import Any


def is_base64_object(value: Any) -> bool:
    """Tell whether a value out of JSON is `{"b64": text}`, which stands for bytes in V1."""
    return isinstance(value, dict) and set(value) == {"b64"}


def is_record(value: Any) -> bool:
    """Tell whether a value out of JSON is an object, and does not stand for bytes."""
    return isinstance(value, dict) and not is_base64_object(value)


def base64_object(value: bytes) -> dict[str, str]:
    """Return what stands for bytes in V1."""
    return {"b64": base64.b64encode(value).decode()}


def bytes_of_base64(text: Any) -> bytes:
    """Return the bytes that base64 stands for.

    As in TensorFlow Serving, blanks do not count, and the padding may be left out.

    Raises:
        ValueError: it is no base64, or no text at all.
    """
    if not isinstance(text, str):
        raise ValueError("base64 is text")
    packed = "".join(text.split())
    return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
