"""The work of promote_model: roll out what is staged at a service, in a person's name."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kanaria.components.rollout.rollout import Targets, controlled, finish, policy_of
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.inference_service import service_mapping
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.environment import Place, connect
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind
from kanaria.serving.rollout.decision.rollout_state import Phase, State
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.traffic.find_traffic import namespace_of

logger = logging.getLogger(__name__)

STEP = "promote_model"
Names = tuple[str, str]
"""Namespace and name of a service."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PromoteRequest:
    """What to roll out, and who approves it.

    Attributes:
        service: what serves, in the words of an InferenceService; its name and namespace count.
        policy_file: URI of the policy; "" for that of the rollout under way, else the default one.
        approved_by: who approves what the policy asks a person, "" for nobody.
        interval_seconds: between two decisions; 0 to leave the rollout to the cluster's controller.
        prometheus_url: of the cluster's Prometheus, "" for the environment's.
        prometheus_queries: name of a set of queries, "" for the environment's.
        drift_server_url: of the drift server, "" for the environment's.
    """

    service: Mapping[str, Any]
    policy_file: str
    approved_by: str
    interval_seconds: int
    prometheus_url: str
    prometheus_queries: str
    drift_server_url: str


def promote(request: PromoteRequest, targets: Targets) -> tuple[bool, Outcome]:
    """Roll out the newest revision of a service, or go on with its rollout.

    Returns:
        Whether it was promoted, and the outcome, which passes too when it was handed over. What a
        rollout promoted already is left as it is.

    Raises:
        ParameterError: parameters or the policy are wrong, or nothing is on trial.
        NotReadyError: the platform does not answer, or there is no such service.
        ConflictError: a rollout of another revision is active.
    """
    faults = Faults(STEP)
    interval = request.interval_seconds
    faults.check(interval >= 0, "interval_seconds", interval, "use more than 0 seconds")
    spec = service_mapping.parse(request.service, faults, namespace_of)
    faults.raise_if_any()
    names = spec.namespace, spec.name
    policy = policy_of(request.policy_file) if request.policy_file else None
    with connect(
        prometheus_url=request.prometheus_url,
        prometheus_queries=request.prometheus_queries,
        drift_server=request.drift_server_url,
    ) as place:
        return finish(place, _rolled_out(request, names, place, policy), targets)


def _rolled_out(
    request: PromoteRequest, names: Names, place: Place, wanted: Policy | None
) -> Rollout:
    """Begin or find the rollout, approve it if asked to, and control it until it is over."""
    last = place.store.load(*names)
    if last is not None and _is_done(last.rollout, place):
        return last.rollout
    under_way = last.rollout.policy if last is not None and last.rollout.governs else None
    policy = wanted or under_way or Policy()
    if request.interval_seconds:
        place.require(policy)
    who = request.approved_by or STEP
    operations.start(
        place.store,
        place.traffic,
        *names,
        operations.Beginning(policy=policy, who=who, now=time.time()),
    )
    if request.approved_by:
        _approve(request.approved_by, names, place, policy)
    return controlled(place, *names, request.interval_seconds)


def _is_done(rollout: Rollout, place: Place) -> bool:
    """Tell whether this rollout gave the newest revision all traffic: a step may run again."""
    if rollout.state.phase is not Phase.PROMOTED or not rollout.settled:
        return False
    target = rollout.target
    status = place.traffic.observe(target.namespace, target.service)
    return status is not None and status.latest_created == target.canary


def _approve(who: str, names: Names, place: Place, policy: Policy) -> None:
    """Approve, in a person's name, what waits for him and what the policy will ask."""
    for step in _to_approve(operations.newest(place.store, *names).rollout.state, policy):
        command = Command(kind=CommandKind.APPROVE, who=who, when=time.time(), step=step)
        operations.order(place.store, *names, command)
        logger.warning("%s approved %s", who, step or "the question in hand")


def _to_approve(state: State, policy: Policy) -> list[str]:
    """Return the steps to approve, "" for a question that is about none. Pure."""
    approved = {approval.step for approval in state.approvals}
    questions = [state.asked_step] if state.phase is Phase.WAITING_APPROVAL else []
    return questions + [
        step for step in policy.approve_before if step not in {*approved, *questions}
    ]
