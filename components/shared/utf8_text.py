"""Text out of JSON that UTF-8 can write: JSON may escape half a surrogate pair. Pure."""

from typing import TypeGuard


def is_text(value: object) -> TypeGuard[str]:
    """Tell whether a value out of JSON is text that UTF-8 can write; half a surrogate is not."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_name(value: object) -> TypeGuard[str]:
    """Tell whether a value out of JSON may be kept as a name: PostgreSQL's texts hold no NUL."""
    return is_text(value) and "\0" not in value


def encodable(text: str) -> str:
    """Return a text that UTF-8 can write, the same one where it can already.

    Bytes that are no UTF-8 are read as halves of surrogate pairs, too.
    """
    return text if is_text(text) else _escaped(text)


def _escaped(text: str) -> str:
    try:
        return text.encode("utf-8", "surrogateescape").decode(errors="backslashreplace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
