"""What a person may do to a rollout: pure functions from state to state, as data in the record.

command     allowed in            effect
---------   -------------------   ---------------------------------------------------------
approve     not over              the named step may begin, an inconclusive canary goes on, a
                                  gate's question is settled
pause       not over, not paused  traffic stays; harm still rolls back
resume      paused or waiting     watching goes on, patience begins anew
promote     not over              all traffic at the next observation of a ready canary
rollback    all but superseded    traffic back to the stable revision, at once
supersede   not over, promoted    another revision takes its place; it gets no more traffic
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.serving.rollout.decision.rollout_state import (
    OVER,
    Action,
    Approval,
    Phase,
    Question,
    State,
    Verdict,
)
from kanaria.serving.rollout.decision.rule_outcomes import Decision
from kanaria.serving.rollout.decision.situation import under_way
from kanaria.serving.rollout.policy.rollout_policy import PROMOTE, Policy


class CommandKind(StrEnum):
    """See the table of the module."""

    APPROVE = "approve"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    SUPERSEDE = "supersede"


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """What a person did.

    Attributes:
        kind: what.
        who: name of the person or system, not empty.
        when: seconds since 1970.
        step: name of the step to approve, "" for the one in question; no meaning elsewhere.
        reason: what a program found that orders it; "" of a person.
    """

    kind: CommandKind
    who: str
    when: float
    step: str = ""
    reason: str = ""


def begin(now: float) -> State:
    """Return the state of a rollout whose canary was staged at `now`, seconds since 1970."""
    return State(started=now, step_started=now, watched_since=now)


def apply(state: State, command: Command, policy: Policy) -> Decision:
    """Return the state after a command, and the action that follows at once (ROLLBACK or HOLD).

    Raises:
        ParameterError: the command is not allowed in this phase, or names no step.
    """
    allowed = set(Phase) - {Phase.SUPERSEDED}
    if command.kind is CommandKind.SUPERSEDE:
        allowed -= {Phase.ROLLED_BACK}
    elif command.kind is not CommandKind.ROLLBACK:
        allowed -= OVER
    if not command.who:
        raise ParameterError(f"{command.kind}: who={shown(command.who)}: name a person")
    if state.phase not in allowed:
        raise ParameterError(f"{command.kind}: the rollout is {state.phase}; start another")
    changed = EFFECTS[command.kind](state, command, policy)
    rolled_back = command.kind is CommandKind.ROLLBACK
    verdict = Verdict(
        action=Action.ROLLBACK if rolled_back else Action.HOLD,
        percent=changed.desired_percent,
        reasons=(_said(command),),
    )
    return Decision(verdict=verdict, state=replace(changed, last=verdict, proposed=None))


def _said(command: Command) -> str:
    text = f"{command.who}: {command.kind} {command.step}".strip()
    return f"{text}: {command.reason}" if command.reason else text


def _approve(state: State, command: Command, policy: Policy) -> State:
    names = [*(step.name for step in policy.ladder), PROMOTE, *policy.gates.on_models]
    step = command.step or state.asked_step
    if state.question is Question.NO_DATA and not command.step:
        return _resume(state, command, policy)
    if step not in names:
        raise ParameterError(f"approve: step={shown(step)}: use one of {', '.join(names)}")
    approval = Approval(step=step, who=command.who, when=command.when)
    approved = replace(state, approvals=(*state.approvals, approval))
    if state.phase is not Phase.WAITING_APPROVAL or step != state.asked_step:
        return approved
    if state.question is Question.INCONCLUSIVE and step == PROMOTE:
        approved = replace(approved, ordered_by=command.who)
    return replace(
        approved,
        phase=under_way(state),
        question=None,
        asked_step="",
        watched_since=command.when,
    )


def _pause(state: State, _command: Command, _policy: Policy) -> State:
    if state.phase is Phase.PAUSED:
        raise ParameterError("pause: the rollout is paused already; resume it to go on")
    return replace(state, phase=Phase.PAUSED, question=None, asked_step="")


def _resume(state: State, command: Command, _policy: Policy) -> State:
    if state.phase not in (Phase.PAUSED, Phase.WAITING_APPROVAL):
        raise ParameterError(f"resume: the rollout is {state.phase}; nothing holds it")
    return replace(
        state,
        phase=under_way(state),
        question=None,
        asked_step="",
        watched_since=command.when,
    )


def _order(state: State, command: Command, _policy: Policy) -> State:
    return replace(
        state,
        phase=under_way(state),
        question=None,
        asked_step="",
        ordered_by=command.who,
    )


def _roll_back(state: State, _command: Command, _policy: Policy) -> State:
    return replace(
        state,
        phase=Phase.ROLLED_BACK,
        desired_percent=0,
        question=None,
        asked_step="",
        ordered_by="",
    )


def _supersede(state: State, _command: Command, _policy: Policy) -> State:
    return replace(state, phase=Phase.SUPERSEDED, question=None, asked_step="")


EFFECTS: Mapping[CommandKind, Callable[[State, Command, Policy], State]] = {
    CommandKind.APPROVE: _approve,
    CommandKind.PAUSE: _pause,
    CommandKind.RESUME: _resume,
    CommandKind.PROMOTE: _order,
    CommandKind.ROLLBACK: _roll_back,
    CommandKind.SUPERSEDE: _supersede,
}
