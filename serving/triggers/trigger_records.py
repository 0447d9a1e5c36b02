"""What the trigger store knows of an event: how it came, where it is, and when runs began."""

from dataclasses import dataclass
from enum import Enum

from kanaria.serving.triggers.trigger_states import TriggerState


class Delivery(Enum):
    """What a delivery of an event is."""

    NEW = "new"
    """It is kept, and will be decided on."""
    REPEATED = "repeated"
    """It was there already; it is counted, and changes nothing."""
    HOLDS = "holds"
    """It was refused, and its sender says that it still holds: it will be decided on anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Triggered:
    """An event for a trigger, and what became of it.

    Attributes:
        number: in the order of arrival.
        name: of the trigger.
        key: of the event.
        source: the way it came in.
        what: in a person's words.
        report: address of the page of what was found, "" for none.
        received: when it first came, in seconds since 1970.
        delivered: when it last came.
        deliveries: how often.
        state: see TriggerState.
        reason: why it was refused, "" where it was not.
        why: in words; of a run that failed, or does not begin yet, as well.
        pipeline: that its run is of, "" before it is decided on.
        run_name: of its run.
        run_id: of its run, "" before that has begun.
        link: address of the run's page.
        started: when the run began, None before.
        ended: when its end was seen, None before.
    """

    number: int
    name: str
    key: str
    source: str
    what: str
    report: str
    received: float
    delivered: float
    deliveries: int
    state: TriggerState
    reason: str
    why: str
    pipeline: str
    run_name: str
    run_id: str
    link: str
    started: float | None
    ended: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Starts:
    """When a trigger's runs began, in seconds since 1970.

    Attributes:
        last: None for never.
        last_good: of a run that has not failed.
        since: how many began since a moment.
    """

    last: float | None
    last_good: float | None
    since: int
