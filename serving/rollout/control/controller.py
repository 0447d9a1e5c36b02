"""The loop around `reconcile`: one rollout until it is settled, or all rollouts of a namespace."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kanaria.components.shared.errors import ConflictError, KanariaError, NotReadyError
from kanaria.serving.rollout.control.failures import FailureListener, Failures, log_failure
from kanaria.serving.rollout.control.lease import Lease
from kanaria.serving.rollout.control.operations import newest
from kanaria.serving.rollout.control.reconcile_rollout import World, reconcile
from kanaria.serving.rollout.control.rollout_store import Stored
from kanaria.serving.rollout.control.service_threads import LeaseOf, Listener, ServiceThreads

LOGGER = logging.getLogger(__name__)
INTERVAL_SECONDS = 60.0
POLL_SECONDS = 2.0
"""Between two looks for a person's command; also how soon a lost lease is noticed."""
FIRST_PAUSE_SECONDS = 0.1
"""After a change; each further pause is twice as long, up to what is asked for."""
FAILURES = 30
"""Looks in a row that may fail before a controller of one rollout gives up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often a controller looks and decides, and for how long.

    Attributes:
        interval_seconds: between two decisions; also the longest pause where it is shorter.
        poll_seconds: the longest pause between two looks at a service.
        patience_seconds: after which a controller of one rollout gives up.
    """

    interval_seconds: float = INTERVAL_SECONDS
    poll_seconds: float = POLL_SECONDS
    patience_seconds: float = math.inf

    @property
    def pause_seconds(self) -> float:
        """The longest pause; with interval 0, which decides at every look, that between looks."""
        return min(self.poll_seconds, self.interval_seconds or self.poll_seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listeners:
    """Who is told of what a controller does; called from several threads.

    Attributes:
        changed: is told of a rollout after every look that changed it.
        failed: is told of what cannot be worked on, see `failures`.
    """

    changed: Listener
    failed: FailureListener = log_failure


PACE = Pace()


def run(
    world: World, stored: Stored, *, lease: Lease, listener: Listener, pace: Pace = PACE
) -> Stored:
    """Work on a rollout until it is settled; return it as it is then.

    While another controller holds the lease, this one only watches.

    Args:
        world: to work with.
        stored: the newest rollout of its service.
        lease: of the service.
        listener: is told of the rollout after every look that changed it.
        pace: of its looks and decisions.

    Raises:
        NotReadyError, ConflictError: looking failed too often in a row, the last reason; or the
            rollout is not settled in time.
        PermissionDeniedError: the account may not do what a rollout needs.
    """
    listener(stored)
    deadline, failures, pause = time.monotonic() + pace.patience_seconds, 0, 0.0
    with _released(lease):
        while not stored.rollout.settled:
            try:
                attended = _once(world, stored, lease, pace)
                failures = 0
            except (ConflictError, NotReadyError) as error:
                failures += 1
                LOGGER.warning("%s: %s", stored.rollout.title, error)
                if failures >= FAILURES:
                    raise
                attended = stored
            if attended.rollout.number != stored.rollout.number:
                raise ConflictError(f"{attended.rollout.title} has taken the place of this one")
            pause = min(max(2 * pause, FIRST_PAUSE_SECONDS), pace.pause_seconds)
            if attended.version != stored.version:
                stored, pause = attended, min(FIRST_PAUSE_SECONDS, pace.pause_seconds)
                listener(stored)
            if not stored.rollout.settled:
                _require_patience(stored, deadline, pace)
                time.sleep(pause)
    return stored


def _require_patience(stored: Stored, deadline: float, pace: Pace) -> None:
    if time.monotonic() > deadline:
        rollout = stored.rollout
        raise NotReadyError(
            f"{rollout.title}: {rollout.state.desired_percent} % for {rollout.target.canary} is "
            f"recorded and was asked for, but is not live after {pace.patience_seconds:g} s; look "
            "at the service's status"
        )


def _once(world: World, stored: Stored, lease: Lease, pace: Pace) -> Stored:
    target = stored.rollout.target
    holds = lease.hold()
    stored = newest(world.store, target.namespace, target.service)
    return reconcile(world, stored, pace.interval_seconds) if holds else stored


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
    listeners: Listeners,
    pace: Pace = PACE,
) -> None:
    """Work on the rollouts of all services of a namespace until a signal ends it.

    Each service is attended by a thread, see `service_threads`: what cannot be worked on is told
    once and tried again, and holds up none of the others.

    Args:
        world: to work with, from several threads.
        namespace: whose services.
        lease_of: (namespace, service) -> lease.
        listeners: to whom all this is told.
        pace: of looks and decisions; its patience has no end.
    """
    versions: dict[str, str] = {}

    def tell(service: str, stored: Stored) -> None:
        if versions.setdefault(service, stored.version) != stored.version:
            versions[service] = stored.version
            listeners.changed(stored)

    def attend_service(service: str, lease: Lease) -> bool:
        stored = newest(world.store, namespace, service)
        # A person has changed it, or a look that failed after it had recorded what it decided.
        tell(service, stored)
        if not stored.rollout.settled:
            tell(service, _once(world, stored, lease, pace))
        return not stored.rollout.settled

    failures = Failures(namespace, listeners.failed)
    with ServiceThreads(
        attend_service, lambda service: lease_of(namespace, service), failures
    ) as threads:
        while True:
            try:
                threads.begin(world.store.services(namespace))
            except KanariaError as error:
                failures.tell("", error)
            else:
                failures.over("")
            time.sleep(min(pace.poll_seconds, pace.interval_seconds))
