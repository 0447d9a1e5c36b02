"""The types of a pipeline's parameters: what people call them, and which values they take. Pure."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EXACT = 2**53
"""KFP keeps every number as a double, which holds integers up to this exactly."""
MOST_BYTES = 100_000
"""Of all values as JSON: a step gets them as one argument, of which Linux takes 131,072 bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterType:
    """A type.

    Attributes:
        name: what people call it.
        takes: the types of its values.
        remedy: what to do about a value of another type.
    """

    name: str
    takes: tuple[type, ...]
    remedy: str


TYPES: Mapping[str, ParameterType] = {
    "STRING": ParameterType(name="text", takes=(str,), remedy="give text, in quotes"),
    "NUMBER_INTEGER": ParameterType(
        name="whole number", takes=(int,), remedy="give a whole number"
    ),
    "NUMBER_DOUBLE": ParameterType(name="number", takes=(int, float), remedy="give a number"),
    "BOOLEAN": ParameterType(
        name="true or false", takes=(bool,), remedy="give true or false, without quotes"
    ),
    "LIST": ParameterType(name="list", takes=(list,), remedy="give a list, as [a, b]"),
    "STRUCT": ParameterType(name="mapping", takes=(dict,), remedy="give a mapping, as {a: 1}"),
}
"""KFP's name of a type -> the type."""


def name_of(definition: Mapping[str, Any]) -> str:
    """Return what people call the type of a parameter, as compiled."""
    kind = str(definition.get("parameterType"))
    return TYPES[kind].name if kind in TYPES else kind.lower()


def default_of(definition: Mapping[str, Any]) -> Any:
    """Return the default of a parameter that has one; KFP writes whole numbers with a point."""
    value = definition["defaultValue"]
    is_whole = definition.get("parameterType") == "NUMBER_INTEGER"
    return int(value) if is_whole else value


def fault(value: Any, definition: Mapping[str, Any]) -> str:
    """Return what is to be done about a value its parameter cannot take, "" if it can.

    Args:
        value: what the user gave, as JSON.
        definition: of the parameter, as compiled.
    """
    wanted = TYPES.get(str(definition.get("parameterType")))
    if wanted is None:
        return ""
    if value is None:
        default = ", or leave it out for the default" if definition.get("isOptional") else ""
        return f"{wanted.remedy}{default}"
    is_bool = isinstance(value, bool)
    if is_bool != (bool in wanted.takes) or not isinstance(value, wanted.takes):
        return wanted.remedy
    return _inexact(value)


def _inexact(value: Any) -> str:
    """Return what is to be done about numbers in a value that JSON, or KFP, does not keep."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return next((remedy for remedy in map(_inexact, inner) if remedy), "")
    if isinstance(value, float) and not math.isfinite(value):
        return "give a finite number; JSON has no other"
    if isinstance(value, int) and abs(value) > EXACT:
        return "use -2^53 to 2^53, which KFP keeps exactly"
    return ""


def too_large(values: Mapping[str, Any]) -> str:
    """Return which of the values makes them too large to be handed to a step, "" if none."""
    sizes = {name: len(json.dumps(value).encode()) for name, value in values.items()}
    if sum(sizes.values()) <= MOST_BYTES:
        return ""
    largest = max(sizes, key=lambda name: sizes[name])
    return (
        f"{largest}: its value has {sizes[largest]} bytes; all values together may have "
        f"{MOST_BYTES}: put it into a file"
    )
