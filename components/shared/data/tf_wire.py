"""Tells serialized tf.Examples from other messages, which would be read as ones half empty.

A tf.Example has one field, 1; a tf.SequenceExample has its context there, read in its place, and
its sequences in field 2. Source: tensorflow/core/example/example.proto, and "Encoding" in the
documentation of protocol buffers.
"""

FEATURES = 1 << 3 | 2
"""Tag of field 1 with a length before its bytes."""
FEATURE_LISTS = 2 << 3 | 2


def _length(record: bytes, place: int) -> tuple[int, int]:
    """Return the number that begins at `place`, seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = record[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def foreign_tag(record: bytes) -> int | None:
    """Return the first byte of the first field that a tf.Example does not have, or None.

    Bytes that are cut off are left to whoever decodes them.
    """
    place = 0
    try:
        while place < len(record):
            if record[place] != FEATURES:
                return record[place]
            length, place = _length(record, place + 1)
            place += length
    except IndexError:
        return None
    return None
