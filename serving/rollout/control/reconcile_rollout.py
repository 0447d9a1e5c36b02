"""One look at a rollout: finish what was decided, and, when it is time, decide again."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from kanaria.components.shared.errors import DataError, KanariaError, NotReadyError
from kanaria.serving.rollout.control import signed_canary
from kanaria.serving.rollout.control.convergence import (
    Move,
    exposes_more,
    is_judged,
    mirrored,
    next_move,
    taken_over,
    wanted_percent,
)
from kanaria.serving.rollout.control.rollout_store import Store, Stored
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind, apply
from kanaria.serving.rollout.observations.between_readings import observation
from kanaria.serving.rollout.observations.observation_source import Models, Revisions, Source
from kanaria.serving.traffic.traffic_protocol import ServiceStatus, Traffic

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What a controller works with.

    Attributes:
        traffic: sets the traffic and tells how it is.
        store: keeps rollouts.
        source: of the numbers.
        now: the clock, seconds since 1970.
        require_signed: raises DataError of a model's URI whose release is not the signed one, see
            `signed_canary`; is asked before a canary gets more requests.
    """

    traffic: Traffic
    store: Store
    source: Source
    now: Callable[[], float]
    require_signed: Callable[[str], None] = signed_canary.require


def reconcile(world: World, stored: Stored, interval_seconds: float) -> Stored:
    """Return the rollout after one look.

    Whatever was decided before is made true first, so a controller that starts anew goes on
    where the last one died. Where that fails, the canary is judged all the same: it has the
    traffic that it has.

    Args:
        world: to work with.
        stored: the rollout as just loaded.
        interval_seconds: between two decisions.

    Raises:
        ConflictError: somebody else changed the rollout or the service in between.
        NotReadyError: the platform does not answer or does not take the traffic that was decided,
            or the service is gone.
        ParameterError, PermissionDeniedError: the platform refuses the traffic.
    """
    if stored.rollout.settled:
        return stored
    status = _status(world, stored.rollout)
    if taker := taken_over(stored.rollout, status):
        return _superseded(world, stored, taker)
    stored, status, failure = _tried(world, stored, status)
    due = _is_due(world, stored.rollout, interval_seconds)
    if due and is_judged(stored.rollout, status):
        stored = _decide(world, stored, status)
        stored, status, failure = _tried(world, stored, status)
    if failure is not None:
        raise failure
    return _settle(world, stored, status)


def _status(world: World, rollout: Rollout) -> ServiceStatus:
    target = rollout.target
    status = world.traffic.observe(target.namespace, target.service)
    if status is None:
        raise NotReadyError(f"{rollout.title}: the service is gone; there is nothing to roll out")
    return status


def _is_due(world: World, rollout: Rollout, interval_seconds: float) -> bool:
    return rollout.looked is None or world.now() - rollout.looked >= interval_seconds


def _decide(world: World, stored: Stored, status: ServiceStatus) -> Stored:
    """Observe one interval, decide, and record both before anything is done."""
    rollout, target = stored.rollout, stored.rollout.target
    revisions = Revisions(
        namespace=target.namespace,
        service=target.service,
        canary=target.canary,
        stable=target.stable,
        models=_models(rollout, status),
    )
    reading = world.source.read(revisions)
    number = 0 if rollout.state.interval is None else rollout.state.interval + 1
    memory, observed = observation(
        rollout.memory, reading, interval=number, status=status, canary=target.canary
    )
    decision = decide(rollout.state, observed, rollout.policy)
    changed = replace(rollout, state=decision.state, memory=memory, looked=reading.now)
    return world.store.save(changed, stored.version, observed)


def _models(rollout: Rollout, status: ServiceStatus) -> Models | None:
    """Return which models are to be compared, if a gate needs that."""
    if not rollout.policy.gates.on_models:
        return None
    versions, target = status.revision_versions, rollout.target
    return Models(
        canary=versions.get(target.canary, ""),
        stable=versions.get(target.stable, ""),
        since=rollout.started,
        task=rollout.policy.models.task,
        output=rollout.policy.models.output,
    )


def _converge(world: World, stored: Stored, status: ServiceStatus) -> ServiceStatus:
    """Do what is missing to the decided traffic; return the status that was read afterwards."""
    rollout = stored.rollout
    target = rollout.target
    namespace, service, canary = target.namespace, target.service, target.canary
    move = next_move(rollout, status)
    if move not in (Move.NOTHING, Move.WAIT):
        # Saving what is kept already changes nothing, and fails when an old copy was read: that
        # of a rollout which was rolled back since would give traffic to a bad canary.
        world.store.save(rollout, stored.version)
    match move:
        case Move.SHIFT:
            world.traffic.shift(namespace, service, wanted_percent(rollout), canary)
        case Move.PROMOTE:
            world.traffic.promote(namespace, service, canary)
        case Move.ROLL_BACK:
            world.traffic.rollback(namespace, service, target.stable)
        case Move.MIRROR:
            world.traffic.mirror(namespace, service, mirrored(rollout))
        case Move.NOTHING | Move.WAIT:
            return status
    return _status(world, rollout)


def _tried(
    world: World, stored: Stored, status: ServiceStatus
) -> tuple[Stored, ServiceStatus, KanariaError | None]:
    """Do what is missing; return rollout and status as they are then, and what was in the way."""
    try:
        stored = _only_signed(world, stored, status)
        return stored, _converge(world, stored, status), None
    except KanariaError as error:
        return stored, _status(world, stored.rollout), error


def _only_signed(world: World, stored: Stored, status: ServiceStatus) -> Stored:
    """Order the way back where the canary would get more requests and is not the signed release.

    The pods that are there have loaded what was there then; those that more requests bring would
    load what lies there now.
    """
    rollout = stored.rollout
    if not exposes_more(rollout, status):
        return stored
    try:
        world.require_signed(rollout.target.canary_uri)
    except DataError as error:
        LOGGER.error("%s: rolled back: %s", rollout.title, error)
        command = Command(
            kind=CommandKind.ROLLBACK,
            who=signed_canary.WHO,
            when=world.now(),
            reason=str(error),
        )
        state = apply(rollout.state, command, rollout.policy).state
        return world.store.save(replace(rollout, state=state), stored.version, command)
    return stored


def _superseded(world: World, stored: Stored, taker: str) -> Stored:
    rollout = stored.rollout
    command = Command(kind=CommandKind.SUPERSEDE, who=taker, when=world.now())
    state = apply(rollout.state, command, rollout.policy).state
    return world.store.save(replace(rollout, state=state, settled=True), stored.version, command)


def _settle(world: World, stored: Stored, status: ServiceStatus) -> Stored:
    """Note that a rollout is over and its traffic is what was decided."""
    rollout = stored.rollout
    if rollout.active or next_move(rollout, status) is not Move.NOTHING:
        return stored
    return world.store.save(replace(rollout, settled=True), stored.version)
