"""What started a run, as its parameter `trigger` and the record of its release say it. Pure."""

from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.one_line import one_line

PARAMETER = "trigger"


def in_words(told: Any) -> str:
    """Return what started a run, "" where nobody told.

    Args:
        told: {"name": of the trigger, "event": its key, "what": in words, "report": an address}.
    """
    if not isinstance(told, Mapping) or not told.get("name"):
        return ""
    report = f", see {told['report']}" if told.get("report") else ""
    return one_line(f"{told['name']}: {told.get('what') or told.get('event', '')}{report}")
