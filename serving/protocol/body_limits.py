"""How much one body may hold, looked at before any of it is parsed. Pure.

    16 MiB            as sent, and as much once it is decompressed
    4,000,000         values: numbers, texts, null and so on, lists and objects counted too
    500,000           lists, objects and texts, which take ten times the memory of a number
    64                levels of lists and objects in each other

Counting takes a few milliseconds where parsing would take seconds and gigabytes: 57 kB of gzip can
hold 22 million empty lists. Binary tensor data behind the JSON part is not counted.
"""

import zlib

from kanaria.components.shared.errors import DataError, shown

MAX_BODY = 16 << 20
"""Bytes of one request's body, compressed or not."""
MAX_VALUES = 4_000_000
MAX_PARTS = 500_000
"""Lists, objects and texts of one body."""
MAX_DEPTH = 64
COMPRESSED = (b"\x1f\x8b", b"\x78")
"""How gzip and zlib begin, which no JSON does."""
QUOTE, COMMA = ord('"'), ord(",")
OPENING, CLOSING = b"[{", b"]}"
_UNIMPORTANT = bytes(set(range(256)) - set(b'",[]{}'))


class BoundError(DataError):
    """A body holds more than is taken at once."""


class CompressionError(DataError):
    """A body begins as compressed ones do, and is none."""


def expanded(body: bytes) -> bytes:
    """Return a body as it is without the compression that it may have.

    Raises:
        BoundError: it becomes larger than MAX_BODY.
        CompressionError: it is damaged or cut off, or something follows it.
    """
    if not body.startswith(COMPRESSED):
        return body
    decoder = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS)  # Of gzip or zlib, whichever it is.
    try:
        plain = decoder.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise CompressionError(f"body {shown(body[:100])}: not gzip: {error}") from error
    if len(plain) > MAX_BODY:
        raise BoundError(f"body: gzip of more than {MAX_BODY >> 20} MiB; send less at once")
    if not decoder.eof:
        raise CompressionError(f"body {shown(body[:100])}: gzip that is cut off; send all of it")
    if decoder.unused_data:
        left = f"{len(decoder.unused_data)} bytes follow its end"
        raise CompressionError(f"body {shown(body[:100])}: gzip, and {left}; send one part")
    return plain


def check_json(text: bytes) -> None:
    """Refuse JSON, before it is parsed, that would take too much memory or time.

    Args:
        text: a JSON document in UTF-8, which anything may follow. It need not be well-formed.

    Raises:
        BoundError: there is more in it than the bounds above.
    """
    opened = sum(map(text.count, (b"[", b"{")))
    if (
        opened <= MAX_DEPTH
        and opened + text.count(b",") < MAX_VALUES
        and opened + text.count(b'"') // 2 <= MAX_PARTS
    ):
        return  # So for nearly every body: no more can be in it, wherever its texts end.
    _check(*_counted(text))


def _counted(text: bytes) -> tuple[int, int, int]:
    """Return how many values, and lists, objects and texts are in a document, and their levels."""
    # Few bodies come here; steps that only write events load no numpy.
    import numpy as np

    step_of = np.zeros(256, np.int8)
    step_of[list(OPENING)], step_of[list(CLOSING)] = 1, -1
    plain = text.replace(b"\\\\", b"").replace(b'\\"', b"")  # A quote that is left is one of JSON.
    marks = np.frombuffer(plain.translate(None, _UNIMPORTANT), np.uint8)
    quotes = marks == QUOTE
    outside = np.cumsum(quotes, dtype=np.int32) % 2 == 0
    steps = np.where(outside, step_of[marks], np.int8(0))
    levels = np.cumsum(steps, dtype=np.int32)
    ends = np.flatnonzero((levels <= 0) & (steps < 0))
    end = int(ends[0]) + 1 if len(ends) else len(marks)
    opened = int(np.count_nonzero(steps[:end] > 0))
    commas = int(np.count_nonzero((marks[:end] == COMMA) & outside[:end]))
    texts = int(np.count_nonzero(quotes[:end])) // 2
    return opened + commas + 1, opened + texts, int(levels[:end].max(initial=0))


def _check(values: int, parts: int, depth: int) -> None:
    for count, most, what in (
        (values, MAX_VALUES, "values"),
        (parts, MAX_PARTS, "lists, objects and texts"),
        (depth, MAX_DEPTH, "levels of lists"),
    ):
        if count > most:
            raise BoundError(f"body: {count} {what}, at most {most} are taken; send less at once")
