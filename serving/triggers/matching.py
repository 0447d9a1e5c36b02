"""Which triggers an event is for. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kanaria.serving.triggers.events.event import Event, Kind
from kanaria.serving.triggers.start_conditions import (
    CloudEventType,
    DriftVerdict,
    ObjectCreated,
    When,
)
from kanaria.serving.triggers.trigger_file import Trigger

DRIFTED = "drifted"


def matched(triggers: Sequence[Trigger], events: Sequence[Event]) -> list[tuple[Trigger, Event]]:
    """Return which triggers the events of one delivery are for.

    A message of a topic is also what it holds: a trigger that answers both answers it once.

    Args:
        triggers: of the file, in its order.
        events: of one delivery, in its order.
    """
    pairs: list[tuple[Trigger, Event]] = []
    for event in events:
        for trigger in triggers:
            is_answered = any(trigger is answered for answered, _ in pairs)
            if event.kind is Kind.TOPIC and is_answered:
                continue
            if any(_is_of(event, when, trigger) for when in trigger.when):
                pairs.append((trigger, event))
    return pairs


def _is_of(event: Event, when: When, trigger: Trigger) -> bool:
    if when.request:
        return event.kind is Kind.REQUEST and event.facts["trigger"] == trigger.name
    if when.topic:
        return event.kind is Kind.TOPIC and event.facts["topic"] == when.topic
    (name,) = when.model_fields_set
    return _TESTS[name](event, getattr(when, name))


def _is_drift(event: Event, when: DriftVerdict) -> bool:
    facts = event.facts
    return (
        event.kind is Kind.DRIFT
        and facts["verdict"] == DRIFTED
        and (facts["namespace"], facts["service"]) == (when.namespace, when.service)
        and when.detector in ("", facts["detector"])
    )


def _is_alert(event: Event, labels: Mapping[str, str]) -> bool:
    has = event.facts["labels"] if event.kind is Kind.ALERT else {}
    return bool(has) and all(has.get(name) == value for name, value in labels.items())


def _is_object(event: Event, when: ObjectCreated) -> bool:
    facts = event.facts
    return (
        event.kind is Kind.OBJECT
        and facts["bucket"] == when.bucket
        and facts["name"].startswith(when.prefix)
        and facts["name"].endswith(when.suffix)
    )


def _is_event(event: Event, when: CloudEventType) -> bool:
    names = ("type", "source", "subject")
    # Whatever else it is, a CloudEvent has a type.
    return event.facts.get("type", "") == when.type and all(
        getattr(when, name) in ("", event.facts[name]) for name in names
    )


_TESTS: Mapping[str, Callable[[Event, Any], bool]] = {
    "drift": _is_drift,
    "alert": _is_alert,
    "object": _is_object,
    "event": _is_event,
}
