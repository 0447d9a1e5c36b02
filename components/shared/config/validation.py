"""Tells what pydantic finds wrong the way `Faults` tells all else: name, value, remedy."""

from collections.abc import Collection

from pydantic import ValidationError

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import shown

REMEDIES = {
    "extra_forbidden": "there is no such key, remove it",
    "tuple_type": "write a list",
    "model_type": "write a mapping of its settings, {} for the defaults",
}
OFF = "literal[False]"
"""Pydantic's name for the choice to leave out a part by `false`."""


def add_invalid(
    faults: Faults, error: ValidationError, where: str = "", branches: Collection[str] = ()
) -> None:
    """Add every fault of a document to `faults`, each named by the way to it: `a.b.0`.

    Args:
        faults: gets them.
        error: what validation raised.
        where: the name of the document, before each fault's; "" for none.
        branches: names of models of which a place may hold one; pydantic puts them into the way.
    """
    for fault in error.errors(include_url=False, include_context=False):
        place = [where] * bool(where) + [str(part) for part in fault["loc"]]
        # A part is a mapping or false; the mapping's faults say what is wrong.
        if place[-1:] == [OFF]:
            continue
        name = ".".join(part for part in place if part not in branches) or "document"
        if fault["type"] == "missing":  # Its value is all that stands around it.
            faults.add(f"{name} is missing: name it")
            continue
        said = fault["msg"].removeprefix("Value error, ")
        faults.check(False, name, fault["input"], REMEDIES.get(fault["type"], said))


def first_fault(error: ValidationError) -> str:
    """Return the first fault of a document of our own making: `a.b.0=value: what is wrong`."""
    fault = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in fault["loc"]) or "document"
    return f"{place}={shown(fault['input'])}: {fault['msg']}"
