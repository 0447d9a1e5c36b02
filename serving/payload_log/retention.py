"""Who must give up room in a full store. Pure.

    labels    have a tenth of the store, and lose their oldest: they never cost an exchange
    events    have the rest. Each watched service is sure of an equal share of it, all others
              together of one more; what nobody uses anybody may, until its owner wants it back.

So whatever others send, a watched service keeps its share, and of the others the largest one loses
its oldest events first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Service = tuple[str, str]
"""Namespace and name."""
LABELS: Service = ("", "")
"""Stands for all labels: they belong to requests, of whatever service."""
SHARE_OF_LABELS = 0.1
MOST_SERVICES = 1000
"""That are not watched: each has a row in the store and series in the metrics."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How much is kept.

    Attributes:
        seconds: an exchange or a label older than this goes.
        megabytes: the store is held at this size by removing the oldest, as above.
        watched: services that keep their share of it, whatever others send.
    """

    seconds: float = 30 * 86_400.0
    megabytes: int = 10_000
    watched: frozenset[Service] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """What a service has in the store.

    Attributes:
        bytes: of its bodies and what lies beside them.
        horizon: time of the newest event that has gone, in seconds since 1970; what is older may
            be a repetition of what has gone, and is not taken.
    """

    bytes: int
    horizon: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """Who loses its oldest, and how many bytes."""

    service: Service
    bytes: int


def labels_loss(rooms: Mapping[Service, Room], most: int) -> Loss | None:
    """Return what labels lose in a store of `most` bytes, None for nothing."""
    over = rooms[LABELS].bytes - int(most * SHARE_OF_LABELS) if LABELS in rooms else 0
    return Loss(service=LABELS, bytes=over) if over > 0 else None


def events_loss(
    rooms: Mapping[Service, Room], watched: frozenset[Service], most: int, beyond: int = 0
) -> Loss | None:
    """Return which service's events go in a store of `most` bytes, None for nobody's.

    Args:
        rooms: what each one has.
        watched: services whose share is their own.
        most: bytes of all that is kept.
        beyond: bytes by which the store is larger than that, though what is counted may fit.
    """
    sizes = {service: one.bytes for service, one in rooms.items() if service != LABELS}
    room = int(most * (1 - SHARE_OF_LABELS))
    over = max(beyond, sum(sizes.values()) - room)
    others = {service: size for service, size in sizes.items() if service not in watched}
    used = {service: sizes[service] for service in watched & sizes.keys()}
    if others:
        used[max(others, key=lambda one: (others[one], one))] = sum(others.values())
    if over <= 0 or not used:
        return None
    # All have equal shares, so who uses most is furthest above its own.
    return Loss(service=max(used, key=lambda one: (used[one], one)), bytes=over)


def crowded(
    rooms: Mapping[Service, Room], watched: frozenset[Service], wanted: set[Service]
) -> frozenset[Service]:
    """Return which of the wanted services are too many, since they are new and not watched."""
    room = MOST_SERVICES - len(rooms.keys() - watched - {LABELS})
    new = sorted(wanted - rooms.keys() - watched)
    return frozenset(new[max(0, room) :])
