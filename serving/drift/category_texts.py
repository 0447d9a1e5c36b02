"""One form of a category, whatever carried it: its text.

True, 1, 1.0, "1"    "1"         a number is the same in any type, beside missing values too
0.5                  "0.5"       the shortest decimal, see `decimals`
b"a", "a"            "a"         bytes that are no UTF-8, and half surrogates, are escaped
a very long text     its beginning and a hash, so that one of them costs no memory
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.data import decimals
from kanaria.components.shared.utf8_text import encodable

LONGEST = 200
"""Characters of a category that are kept."""
FLOATS = (float, np.floating)
WHOLE = (bool, int, np.bool_, np.integer)


def text_of(value: object) -> str:
    """Return the one text of a value that is there."""
    if isinstance(value, bytes):
        text = value.decode(errors="backslashreplace")
    elif isinstance(value, str):
        text = encodable(value)
    elif isinstance(value, FLOATS):
        text = _of_number(float(value))
    else:
        text = encodable(str(int(value) if isinstance(value, WHOLE) else value))
    return text if len(text) <= LONGEST else _cut(text)


def _of_number(value: float) -> str:
    if value.is_integer():
        return str(int(value))
    return repr(float(decimals.plain(np.array([value]))[0]))


def _cut(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: LONGEST - len(digest) - 1]}…{digest}"


def texts_of(values: Iterable[Any]) -> NDArray[Any]:
    """Return the texts of values that are there, each different value worked out once."""
    text_by_key: dict[tuple[type, object], str] = {}
    texts = []
    for value in values:
        key = (type(value), value) if isinstance(value, str | bytes | int | float) else None
        text = text_by_key.get(key) if key else None
        if text is None:
            text = text_of(value)
            if key:
                text_by_key[key] = text
        texts.append(text)
    return np.array(texts, dtype=str)
