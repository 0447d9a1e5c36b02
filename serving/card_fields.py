"""What only people know of a model, for its model card, as one mapping. Pure.

Source of the sections: Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.config.keys import Key, Kind
from kanaria.components.shared.config.parameters import Faults

MOST_TEXT = 20_000
"""Characters of one text."""
ADDRESS = re.compile(r"https?://[^\s\"'<>]+")
TASK = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
NO_TASK = "other"


def _text(name: str, meaning: str) -> Key:
    return Key(name=name, kind=Kind.TEXT, meaning=meaning, default="")


CARD = (
    _text("license", "apache-2.0: SPDX identifier or name of the model's licence."),
    _text("license_url", "https://...: text of the licence."),
    _text("owner", "Team Routing, routing@example.com: who answers for the model."),
    _text("intended_use", "what it is for, and who uses it."),
    _text("out_of_scope", "what it must not be used for."),
    _text("factors", "groups, instruments and environments that its answers may depend on."),
    _text("ethical_considerations", "sensitive data, risks, harms and what was done about them."),
    _text("caveats", "what is left to know: what was not tested, what to look at."),
    _text("citation", "how to cite it."),
    Key(
        name="task",
        kind=Kind.TEXT,
        meaning="tabular-classification: name of the task, as Hugging Face's Hub has them.",
        default=NO_TASK,
    ),
    Key(
        name="datasets",
        kind=Kind.LIST,
        meaning="[nycflights13]: names of the data sets.",
        default=[],
        entries=Kind.TEXT,
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CardFields:
    """What a person wrote of a model; "" is not said. The attributes are the keys of CARD."""

    license: str = ""
    license_url: str = ""
    owner: str = ""
    intended_use: str = ""
    out_of_scope: str = ""
    factors: str = ""
    ethical_considerations: str = ""
    caveats: str = ""
    citation: str = ""
    task: str = NO_TASK
    datasets: tuple[str, ...] = ()


def parse(values: Mapping[str, Any], where: str, faults: Faults) -> CardFields:
    """Return the fields that a mapping with all keys of CARD holds.

    Args:
        values: key -> value, of the kinds of CARD.
        where: what the mapping is called in an error.
        faults: gets everything that is wrong.
    """
    for name, value in values.items():
        if isinstance(value, str):
            fits = len(value) <= MOST_TEXT
            faults.check(fits, f"{where}.{name}", value, f"write {MOST_TEXT} characters at most")
    address = values["license_url"]
    is_address = not address or ADDRESS.fullmatch(address) is not None
    faults.check(is_address, f"{where}.license_url", address, "write an address, https://...")
    is_task = TASK.fullmatch(values["task"]) is not None
    faults.check(is_task, f"{where}.task", values["task"], "write it as tabular-regression")
    datasets = tuple(name.strip() for name in values["datasets"] if isinstance(name, str))
    faults.check(all(datasets), f"{where}.datasets", list(datasets), "leave no name empty")
    return CardFields(**{**values, "datasets": datasets})
