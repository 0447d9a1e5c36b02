"""The loop around `look`: one rollout until it is settled, or all rollouts of a namespace."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kanaria.components.shared.errors import ConflictError, KanariaError, NotReadyError
from kanaria.serving.rollout.control.lease import Lease
from kanaria.serving.rollout.control.look import World, look
from kanaria.serving.rollout.control.orders import newest
from kanaria.serving.rollout.control.store import Stored

LOGGER = logging.getLogger(__name__)
INTERVAL_SECONDS = 60.0
POLL_SECONDS = 2.0
"""Between two looks for a person's command; also how soon a lost lease is noticed."""
FAILURES = 30
"""Looks in a row that may fail before a controller of one rollout gives up."""

Heard = Callable[[Stored], None]
LeaseOf = Callable[[str, str], Lease]


def run(
    world: World,
    namespace: str,
    service: str,
    *,
    lease: Lease,
    heard: Heard,
    interval_seconds: float = INTERVAL_SECONDS,
    poll_seconds: float = POLL_SECONDS,
) -> Stored:
    """Work on the newest rollout of a service until it is settled; return it as it is then.

    While another controller holds the lease, this one only watches.

    Args:
        world: to work with.
        namespace: of the service.
        service: its name.
        lease: of the service.
        heard: is told of the rollout after every look that changed it.
        interval_seconds: between two decisions.
        poll_seconds: between two looks.

    Raises:
        ParameterError: there is no rollout.
        NotReadyError, ConflictError: looking failed too often in a row; the last reason.
        PermissionDeniedError: the account may not do what a rollout needs.
    """
    stored = newest(world.store, namespace, service)
    heard(stored)
    failures = 0
    with _released(lease):
        while not stored.rollout.settled:
            try:
                found = _once(world, stored, lease, interval_seconds)
                failures = 0
            except (ConflictError, NotReadyError) as error:
                failures += 1
                LOGGER.warning("%s: %s", stored.rollout.title, error)
                if failures >= FAILURES:
                    raise
                found = stored
            if found.rollout.number != stored.rollout.number:
                raise ConflictError(f"{found.rollout.title} has taken the place of this one")
            if found.version != stored.version:
                stored = found
                heard(stored)
            if not stored.rollout.settled:
                time.sleep(min(poll_seconds, interval_seconds))
    return stored


def _once(world: World, stored: Stored, lease: Lease, interval_seconds: float) -> Stored:
    target = stored.rollout.target
    holds = lease.hold()
    found = newest(world.store, target.namespace, target.service)
    return look(world, found, interval_seconds) if holds else found


@contextmanager
def _released(lease: Lease) -> Iterator[None]:
    try:
        yield
    finally:
        lease.release()


def serve(
    world: World,
    namespace: str,
    *,
    lease_of: LeaseOf,
    heard: Heard,
    interval_seconds: float = INTERVAL_SECONDS,
    poll_seconds: float = POLL_SECONDS,
) -> None:
    """Work on the rollouts of all services of a namespace, for ever.

    A rollout that cannot be worked on is logged and tried again; the others go on.
    """
    leases: dict[str, Lease] = {}
    while True:
        try:
            for service in world.store.services(namespace):
                lease = leases.setdefault(service, lease_of(namespace, service))
                _attend(world, namespace, service, lease, heard, interval_seconds)
        except KanariaError as error:
            LOGGER.warning("%s: %s", namespace, error)
        time.sleep(min(poll_seconds, interval_seconds))


def _attend(
    world: World,
    namespace: str,
    service: str,
    lease: Lease,
    heard: Heard,
    interval_seconds: float,
) -> None:
    try:
        stored = newest(world.store, namespace, service)
        if stored.rollout.settled:
            lease.release()
            return
        found = _once(world, stored, lease, interval_seconds)
    except KanariaError as error:
        LOGGER.warning("%s/%s: %s", namespace, service, error)
        return
    if found.version != stored.version:
        heard(found)
