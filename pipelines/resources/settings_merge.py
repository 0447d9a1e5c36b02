"""One setting over another: mappings key by key, lists by what their items are about. Pure."""

import json
from collections.abc import Callable, Mapping
from typing import Any

WHOLE = ("affinity", "keys")
"""What is replaced as a whole."""


def _of_source(item: Mapping[str, Any]) -> Any:
    names = [item.get(kind, {}).get("name") for kind in ("secretRef", "configMapRef")]
    return (*names, item.get("prefix", ""))


ABOUT: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "env": lambda item: item["name"],
    "envFrom": _of_source,
    "volumes": lambda item: item["mountPath"].rstrip("/"),
}
"""List -> what an item is about; an item of any other list is about itself."""


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return both settings of a step; where they differ, those that come over the others.

    A variable of `env` and a volume at a place replace those under them; what else stands in a
    list is added.
    """
    result = dict(under)
    for name, value in over.items():
        before = result.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping) and name not in WHOLE:
            result[name] = merged(before, value)
        elif isinstance(before, list) and isinstance(value, list) and name not in WHOLE:
            result[name] = _joined(before, value, ABOUT.get(name, text))
        else:
            result[name] = value
    return result


def _joined(under: list[Any], over: list[Any], about: Callable[[Any], Any]) -> list[Any]:
    subjects = [about(item) for item in over]
    return [item for item in under if about(item) not in subjects] + over


def text(value: object) -> str:
    """Return a text that equal values have in common."""
    return json.dumps(value, sort_keys=True)
