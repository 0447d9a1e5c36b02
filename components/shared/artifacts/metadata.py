"""Artifact metadata that KFP accepts and a person finds: plain JSON, small, with a name in lists.

KFP's lists show the entry `display_name`, else an output's bare name. An artifact's metadata comes
to each step that reads it within one argument, of which Linux takes 131,072 bytes; a step reads a
handful of artifacts beside its parameters.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Protocol

DISPLAY_NAME = "display_name"
LONGEST_NAME = 120
"""Characters of a name in a list."""
MOST_BYTES = 4000
"""Of the metadata of one artifact that other steps read, as JSON."""
LONGEST_TEXT = 100
"""Characters that are left of a text where there is too much."""


def plain(value: Any) -> Any:
    """Return `value` as plain JSON data.

    Numpy scalars become Python numbers; NaN and infinities become their names as text;
    entries that are None are left out of dictionaries and lists. KFP's launcher refuses
    the originals and fails the whole task.
    """
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value if v is not None]
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def named(output: str, *facts: object) -> str:
    """Return what a list shows of an artifact: `examples: 2013-01, 15,000 rows`.

    Args:
        output: name of the output.
        facts: what tells it from others of its kind, those that are empty left out.
    """
    facts_text = ", ".join(str(fact) for fact in facts if fact not in ("", None))
    name = f"{output}: {facts_text}" if facts_text else output
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def rows(count: int) -> str:
    """Return a number of rows as people write it."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def described(output: str, facts: Mapping[str, Any], *named_facts: object) -> dict[str, Any]:
    """Return the metadata of an artifact.

    Args:
        output: name of the output.
        facts: entries of the metadata; the largest are shortened where all are too much.
        named_facts: which of them the name in a list shows, as text.
    """
    return {DISPLAY_NAME: named(output, *named_facts), **_bounded(plain(dict(facts)))}


class Artifact(Protocol):
    """An output artifact as kfp hands it to a step."""

    metadata: dict[str, Any]


def tell(metadata: Mapping[str, Mapping[str, Any]], **artifacts: Artifact) -> None:
    """Write what was found of each output, by its name, into its artifact's metadata."""
    for name, artifact in artifacts.items():
        artifact.metadata.update(metadata[name])


def _size(value: Any) -> int:
    return len(json.dumps(value).encode())


def _bounded(facts: dict[str, Any]) -> dict[str, Any]:
    bounded = dict(facts)
    while _size(bounded) > MOST_BYTES:
        largest = max(bounded, key=lambda name: _size({name: bounded[name]}))
        shorter = _shortened(bounded[largest])
        if shorter == bounded[largest]:
            del bounded[largest]
        else:
            bounded[largest] = shorter
    return bounded


def _shortened(value: Any) -> Any:
    if isinstance(value, dict | list):
        return f"{len(value)} entries"
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"{value[: LONGEST_TEXT - 1]}…"
    return value
