"""What people and pipelines ask of rollouts: begin one, command one. Each is one recorded write."""

from dataclasses import dataclass, replace

from kanaria.components.shared.errors import ConflictError, NotReadyError, ParameterError
from kanaria.serving.rollout.control.rollout_store import Store, Stored
from kanaria.serving.rollout.control.stored_rollout import Rollout, Target
from kanaria.serving.rollout.decision.rollout_commands import Command, apply, begin
from kanaria.serving.rollout.observations.between_readings import Memory
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.rollout.traffic_strategy import Strategy
from kanaria.serving.traffic.shadow_rules import NO_COPIES
from kanaria.serving.traffic.traffic_protocol import ServiceStatus, Traffic

ATTEMPTS = 10
"""Of a command, when the controller writes at the same time; each attempt reads anew."""


def target_of(namespace: str, service: str, status: ServiceStatus | None) -> Target:
    """Return what can be rolled out: the newest revision, against the stable one. Pure.

    Raises:
        NotReadyError: there is no such service, or nothing in it to compare with.
        ParameterError: the newest revision has all the traffic already.
    """
    where = f"{namespace}/{service}"
    if status is None:
        raise NotReadyError(f"{where}: there is no such service; push a model first")
    if not status.rolled_out:
        raise NotReadyError(
            f"{where}: no revision is ready yet; the first one gets all traffic without a rollout"
        )
    if status.rolled_out == status.latest_created:
        raise ParameterError(
            f"{where}: {status.rolled_out} has all the traffic, nothing is on trial; push another "
            "model with canary_percent=0 first"
        )
    return Target(
        namespace=namespace,
        service=service,
        canary=status.latest_created,
        stable=status.rolled_out,
        canary_uri=status.storage_uri,
        stable_uri=status.revision_uris.get(status.rolled_out, ""),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """What a rollout is begun with.

    Attributes:
        policy: how to roll out.
        who: starts it, for the record.
        now: seconds since 1970.
    """

    policy: Policy
    who: str
    now: float


def start(
    store: Store, traffic: Traffic, namespace: str, service: str, beginning: Beginning
) -> Rollout:
    """Begin to roll out the newest revision; the same rollout that is active already goes on.

    Args:
        store: to keep it in.
        traffic: tells which revisions there are.
        namespace: of the service.
        service: its name.
        beginning: how to roll out, and who says so.

    Raises:
        ParameterError: nothing is on trial, a rollout is active under another policy, or nothing
            can copy the requests that strategy shadow asks for.
        NotReadyError: there is no service, or it has no stable revision.
        ConflictError: a rollout of another revision is active, or was started in between.
    """
    policy, who, now = beginning.policy, beginning.who, beginning.now
    last = store.load(namespace, service)
    status = traffic.observe(namespace, service)
    target = target_of(namespace, service, status)
    if last is not None and last.rollout.governs:
        return _going_on(last.rollout, target, policy)
    if policy.strategy is Strategy.SHADOW and policy.mirror_percent:
        _require_copies(status, f"{namespace}/{service}")
    rollout = Rollout(
        number=last.rollout.number + 1 if last else 1,
        target=target,
        policy=policy,
        started=now,
        started_by=who,
        state=begin(now),
        memory=Memory(),
    )
    try:
        store.create(rollout)
    except ConflictError:
        # The answer to our own write may have been lost.
        stored = store.load(namespace, service)
        if stored is None or (stored.rollout.started, stored.rollout.started_by) != (now, who):
            raise
    return rollout


def _require_copies(status: ServiceStatus | None, where: str) -> None:
    if status is not None and status.mirrored_percent is None:
        raise ParameterError(f"{where}: {NO_COPIES}")


def _going_on(active: Rollout, target: Target, policy: Policy) -> Rollout:
    if active.target.canary != target.canary:
        raise ConflictError(
            f"{active.title} of {active.target.canary} is active, {target.canary} is newer; "
            "its controller will note that soon: start again then"
        )
    if active.policy != policy:
        raise ParameterError(
            f"{active.title} is active under another policy; roll it back first, or go on with "
            "the one it has"
        )
    return active


def order(store: Store, namespace: str, service: str, command: Command) -> Stored:
    """Record a command to the newest rollout of a service; a controller makes it true.

    Raises:
        ParameterError: there is no rollout, or the command is not allowed now.
        ConflictError: the rollout changed each time it was tried.
    """
    for _ in range(ATTEMPTS):
        stored = newest(store, namespace, service)
        rollout = stored.rollout
        state = apply(rollout.state, command, rollout.policy).state
        try:
            changed = replace(rollout, state=state, settled=False)
            return store.save(changed, stored.version, command)
        except ConflictError as error:
            cause = error
    raise cause


def newest(store: Store, namespace: str, service: str) -> Stored:
    """Return the newest rollout of a service.

    Raises:
        ParameterError: there is none.
    """
    stored = store.load(namespace, service)
    if stored is None:
        raise ParameterError(
            f"{namespace}/{service}: there is no rollout; begin one with `kanaria rollout start`"
        )
    return stored
