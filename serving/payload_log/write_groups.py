"""Merges what arrives together before it is put into the store. Pure.

Within a group it is as in the store: a half that is there stays, the later label of a row counts.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from kanaria.serving.payload_log.exchanges import Label, Outcome
from kanaria.serving.payload_log.retention import Service
from kanaria.serving.protocol.payload_cloud_event import Event, Kind

Key = tuple[str, str, str, str]
"""Namespace, service, component and id of an exchange."""
Facts = tuple[str, str, float]
"""Its version, request id and time."""
Half = tuple[Key, Kind]
LabelKey = tuple[str, int]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """An event and the number of instances in its body."""

    event: Event
    rows: int


Item = Counted | Label


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """What is to be put into the store, each exchange, half and row once."""

    exchanges: dict[Key, Facts] = field(default_factory=dict)
    halves: dict[Half, Counted] = field(default_factory=dict)
    labels: dict[LabelKey, Label] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """What is taken.

    Attributes:
        oldest: time of the oldest label and event that is, in seconds since 1970.
        horizons: of the events of services, which must be younger than these too.
        crowded: services of which nothing is taken.
    """

    oldest: float
    horizons: Mapping[Service, float] = field(default_factory=dict)
    crowded: frozenset[Service] = frozenset()

    def refusal(self, item: Item) -> Outcome | None:
        """Return why an item is not taken, None where it is."""
        oldest = self.oldest
        if isinstance(item, Counted):
            service = (item.event.namespace, item.event.service)
            oldest = max(oldest, self.horizons.get(service, oldest))
            if service in self.crowded:
                return Outcome.REFUSED
        return Outcome.EXPIRED if _time(item) < oldest else None


def gather(items: Iterable[Item], admission: Admission) -> Group:
    """Return what is taken, in the order of arrival."""
    group = Group()
    for item in items:
        if admission.refusal(item):
            continue
        if isinstance(item, Label):
            newest = group.labels.setdefault((item.request_id, item.row), item)
            if _order(item) > _order(newest):
                group.labels[item.request_id, item.row] = item
            continue
        key, (version, request_id, time) = half_of(item.event)[0], _facts(item.event)
        if key in group.exchanges:
            facts = group.exchanges[key]
            version, request_id = max(version, facts[0]), max(request_id, facts[1])
            time = min(time, facts[2])
        group.exchanges[key] = (version, request_id, time)
        group.halves.setdefault(half_of(item.event), item)
    return group


def outcomes(
    items: Sequence[Item],
    admission: Admission,
    group: Group,
    halves: set[Half],
    labels: set[LabelKey],
) -> list[Outcome]:
    """Return what became of each item.

    Args:
        items: all of them, in the order of their arrival.
        admission: as `gather` was told.
        group: what it made of them.
        halves: of the group, those that were new to the store.
        labels: of the group, those that the store took.
    """
    halves, labels, became = set(halves), set(labels), []
    for item in items:
        if refusal := admission.refusal(item):
            became.append(refusal)
        elif isinstance(item, Label):
            place = (item.request_id, item.row)
            became.append(_first(labels, place, counts=group.labels[place] is item))
        else:
            became.append(_first(halves, half_of(item.event), counts=True))
    return became


def _first(left: set[T], one: T, *, counts: bool) -> Outcome:
    """Say NEW for the one item in which something came, of any number of equal ones."""
    if one not in left or not counts:
        return Outcome.REPEATED
    left.remove(one)
    return Outcome.NEW


def half_of(event: Event) -> Half:
    """Return what an event is one half of, and which."""
    return (event.namespace, event.service, event.component, event.id), event.kind


def written(label: Label) -> str:
    """Return a label's value as the store keeps it."""
    return json.dumps(label.value)


def _order(label: Label) -> tuple[float, str]:
    return label.time, written(label)


def _facts(event: Event) -> Facts:
    return event.version, event.request_id, event.time


def _time(item: Item) -> float:
    return item.time if isinstance(item, Label) else item.event.time
