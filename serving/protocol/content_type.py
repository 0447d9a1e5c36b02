"""What the headers of a body say of it. Pure."""

import codecs
from email.message import Message

from kanaria.components.shared.errors import shown

CHARSETS = ("utf-8", "ascii")


def media_type(content_type: str) -> str:
    """Return the media type of a Content-Type, in lower case and without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def unreadable(content_type: str, encoding: str) -> str:
    """Return why a body cannot be read, or "": any media type is read as JSON in UTF-8.

    Args:
        content_type: header of that name, "" for none; TensorFlow Serving does not read it.
        encoding: header Content-Encoding, "" for none.
    """
    if encoding.strip().lower() not in ("", "identity"):
        return f"Content-Encoding {shown(encoding)}: send the body as it is"
    header = Message()
    header["Content-Type"] = content_type or "application/json"
    charset = header.get_content_charset("utf-8")
    try:
        is_known = codecs.lookup(charset).name in CHARSETS
    except (LookupError, ValueError):  # A name that no codec can have.
        is_known = False
    return "" if is_known else f"charset {shown(charset)}: send JSON in UTF-8"
