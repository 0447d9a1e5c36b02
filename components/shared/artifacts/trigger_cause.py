"""What started a run, as its parameter `trigger` and the record of its release say it. Pure."""

from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.one_line import one_line

PARAMETER = "trigger"


def in_words(cause: Any) -> str:
    """Return what started a run, "" where nobody told.

    Args:
        cause: {"name": of the trigger, "event": its key, "what": in words, "report": an address}.
    """
    if not isinstance(cause, Mapping) or not cause.get("name"):
        return ""
    report = f", see {cause['report']}" if cause.get("report") else ""
    return one_line(f"{cause['name']}: {cause.get('what') or cause.get('event', '')}{report}")
