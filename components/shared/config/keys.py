"""Mappings that a user writes: which keys there are, what each holds, what is filled in. Pure.

One table of keys checks a mapping whole, says what was meant by a wrong key, reads `--set` of a
key, and is what help and README show.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kanaria.components.shared.config.parameters import Faults


class Kind(StrEnum):
    """What a key holds, in the words of an error's remedy."""

    TEXT = "text"
    INTEGER = "an integer"
    BOOLEAN = "true or false"
    MAPPING = "a mapping"
    LIST = "a list"
    QUANTITY = "a Kubernetes quantity"
    SETTING = "text, a number, true or false"

    def holds(self, value: object) -> bool:
        """Tell whether a value is of this kind; no text is a number, and no boolean is."""
        return type(value) in TYPES[self]


TYPES: Mapping[Kind, tuple[type, ...]] = {
    Kind.TEXT: (str,),
    Kind.INTEGER: (int,),
    Kind.BOOLEAN: (bool,),
    Kind.MAPPING: (dict,),
    Kind.LIST: (list,),
    Kind.QUANTITY: (str, int, float),
    Kind.SETTING: (str, int, float, bool),
}
REMEDIES = {
    Kind.TEXT: "write text, in quotes",
    Kind.INTEGER: "write a whole number, without quotes",
    Kind.BOOLEAN: "write true or false, without quotes",
    Kind.MAPPING: "write a mapping, as {a: 1}",
    Kind.LIST: "write a list, as [a, b]",
    Kind.QUANTITY: "write a Kubernetes quantity such as 500m or 4Gi",
    Kind.SETTING: "write text, a number, true or false",
}
SHORTEST_WORD = 5
"""Letters of a last word that says enough alone."""
Table = Sequence["Key"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key of a mapping.

    Attributes:
        name: as it is written.
        kind: what it holds.
        meaning: what to type, and what it does, with the unit.
        default: what is filled in; None where the mapping needs it.
        entries: what the values of a list, or of a mapping with any keys, are; None for anything.
        keys: of a mapping that has known ones.
        common: names that are common in a mapping with any keys, for "did you mean".
    """

    name: str
    kind: Kind
    meaning: str
    default: Any = None
    entries: Kind | None = None
    keys: Table = ()
    common: tuple[str, ...] = ()


def whole(value: Any) -> Any:
    """Return JSON data with 2.0 as 2: KFP's only number is a double, and Kubernetes refuses it."""
    if isinstance(value, dict):
        return {name: whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _value(value: Any, kind: Kind) -> Any:
    value = whole(value)
    if kind is Kind.SETTING and isinstance(value, bool):
        return str(value).lower()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if kind in (Kind.QUANTITY, Kind.SETTING) and is_number else value


def read(mapping: Any, keys: Table, where: str, faults: Faults) -> dict[str, Any]:
    """Return key -> value with defaults filled in; null is the same as left out.

    Args:
        mapping: what the user wrote.
        keys: those there are.
        where: what the mapping is called in an error.
        faults: gets everything that is wrong; beside faults the defaults are returned.
    """
    if not isinstance(mapping, dict):
        faults.check(False, where, mapping, REMEDIES[Kind.MAPPING])
        mapping = {}
    table = {key.name: key for key in keys}
    for name, value in mapping.items():
        if name not in table:
            faults.check(
                False, f"{where}.{name}", value, f"no such key{hint(str(name), keys, where)}"
            )
    return {key.name: _one(mapping, key, f"{where}.{key.name}", faults) for key in keys}


def _one(mapping: Mapping[str, Any], key: Key, where: str, faults: Faults) -> Any:
    value = _value(mapping.get(key.name), key.kind)
    if value is None:
        if key.default is None:
            faults.add(f"{where} is missing: write {key.meaning.rstrip('.')}")
        value = key.default
    elif not key.kind.holds(value):
        faults.check(False, where, value, REMEDIES[key.kind])
        value = key.default
    if key.keys:
        return read(value or {}, key.keys, where, faults)
    if not key.entries:
        return value
    if key.kind is Kind.LIST:
        for entry in value:
            faults.check(key.entries.holds(entry), where, entry, REMEDIES[key.entries])
        return value
    return _entries(value, key.entries, where, faults)


def _entries(value: Mapping[str, Any], kind: Kind, where: str, faults: Faults) -> dict[str, Any]:
    entries = {name: _value(entry, kind) for name, entry in (value or {}).items()}
    for name, entry in entries.items():
        faults.check(kind.holds(entry), f"{where}.{name}", entry, REMEDIES[kind])
    return {name: entry for name, entry in entries.items() if kind.holds(entry)}


def paths(keys: Table, above: str = "") -> Iterator[str]:
    """Yield the dotted names of all keys, and of those that are common where any may stand."""
    for key in keys:
        path = f"{above}{key.name}"
        yield path
        yield from paths(key.keys, f"{path}.")
        yield from (f"{path}.{name}" for name in key.common)


def hint(name: str, keys: Table, where: str = "") -> str:
    """Return ", did you mean WHERE.KEY?" for the key that was probably meant, else ""."""
    key = nearest(name, keys, where)
    return f", did you mean {where}.{key}?" if key else ""


def nearest(name: str, keys: Table, where: str = "") -> str:
    """Return the dotted name of the key that was probably meant, "" when none is near."""
    names = list(paths(keys))
    return same(name, names, where) or _near(name, names)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def same(name: str, names: Sequence[str], where: str = "") -> str:
    """Return the dotted name that says the same in another spelling, "" if none does.

    `min_replicas` is minReplicas, `service_name` is the name in service, `logger_url` is
    logger.url, and `cpu` is resources.limits.cpu.
    """
    plain_name = _plain(name)
    for path in names:
        if plain_name in (_plain(path), _plain(where + path)):
            return path
    return next((path for path in names if plain_name == _end(path)), "")


def _end(path: str) -> str:
    """Return the last word of a dotted name: `gpu` of resources.limits.nvidia.com/gpu."""
    return _plain(re.split("[./]", path)[-1])


def _near(name: str, names: Sequence[str]) -> str:
    plain_name = _plain(name)
    for path in names:  # predictor_image, whose last word is image.
        if len(_end(path)) >= SHORTEST_WORD and plain_name.endswith(_end(path)):
            return path
    spelled = {_plain(path): path for path in names}
    spelled |= {_end(path): path for path in reversed(names)}
    matches = difflib.get_close_matches(plain_name, spelled, n=1)
    return spelled[matches[0]] if matches else ""


def find(path: Sequence[str], keys: Table) -> tuple[list[str], Kind | None]:
    """Return where a dotted name of `--set` leads, and what stands there; None for anything.

    Where any names may stand, the rest is one name: `resources.limits.nvidia.com/gpu`.
    """
    key = next((key for key in keys if key.name == path[0]), None)
    if key is None or len(path) == 1:
        return list(path), key.kind if key else None
    if key.keys:
        inner, kind = find(path[1:], key.keys)
        return [path[0], *inner], kind
    if key.entries and key.kind is Kind.MAPPING:
        return [path[0], ".".join(path[1:])], key.entries
    return list(path), None


def default_text(key: Key) -> str:
    """Return what help says of a key's default: `required`, `optional` or `default 1`."""
    if key.default is None:
        return "required"
    empty = key.default in ("", {}, []) and not isinstance(key.default, bool | int)
    return "optional" if empty else f"default {json.dumps(key.default)}"
