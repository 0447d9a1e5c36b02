"""What starts runs, seen from here. `kanaria.pipelines.triggers` has one for each place."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from kanaria.serving.triggers.trigger_file import Start

DIGITS = 12


class RunEnd(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A run that is to begin.

    Attributes:
        run_name: the same whenever it is asked for, and no other run's.
        start: the pipeline and its parameters.
        cause: what started it, for the run's parameter `trigger`: texts by name.
    """

    run_name: str
    start: Start
    cause: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A run that has begun: its id, and the address of its page."""

    run_id: str
    link: str


class Starter(Protocol):
    """Starts runs in one place, and tells how they end.

    Every method may raise a NotReadyError where the place does not answer.
    """

    def check(self, start: Start) -> None:
        """Raise a ParameterError where a pipeline or its parameters are wrong."""

    def find(self, order: Order) -> Begun | None:
        """Return the run that has the order's name, None where there is none."""

    def start(self, order: Order) -> Begun:
        """Start a run, which `find` has not found."""

    def ended(self, run_id: str) -> tuple[RunEnd, str] | None:
        """Return how a run ended, and why where it failed; None while it goes on."""

    def under_way(self, start: Start) -> str:
        """Return the name of a run of the pipeline that goes on, whoever started it; "" if none."""


def run_name(trigger: str, key: str) -> str:
    """Return the name of the run that a trigger starts for an event.

    Args:
        trigger: its name.
        key: of the event, of any length: what is unlike gives unlike names.
    """
    digest = hashlib.sha256(f"{trigger}\n{key}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{trigger}-{digest[:DIGITS]}"
