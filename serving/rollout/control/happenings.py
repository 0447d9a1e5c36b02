"""What happens in a rollout, told once each: what `kubectl describe` shows of it. Pure.

Started, Raised, Asked, Paused, Resumed, Promoted, RolledBack, Superseded. Holding is no event:
a rollout mostly holds, and its record has every interval.
"""

from dataclasses import dataclass

from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.timeline.phrases import printable

LONGEST = 1000
"""Characters of a message; Kubernetes takes 1,024 bytes of an Event's note."""
ENDS = {
    Phase.PROMOTED: "Promoted",
    Phase.ROLLED_BACK: "RolledBack",
    Phase.SUPERSEDED: "Superseded",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """Something that a person wants to know.

    Attributes:
        reason: one of the module's words.
        message: what and why, on one line.
        is_warning: it is not what was hoped for, or a person is waited for.
        name: the same whoever tells of it, and of nothing else in the namespace.
    """

    reason: str
    message: str
    is_warning: bool
    name: str


def happened(before: Rollout | None, after: Rollout) -> tuple[Happening, ...]:
    """Return what has happened between two looks at the rollouts of a service.

    Args:
        before: as it was told last; None by a program that has told nothing yet.
        after: as it is.
    """
    same = before is not None and before.number == after.number
    if not same and after.entries > 1:
        return ()  # Another program has told of it.
    happenings = [] if same else [_started(after)]
    reason = _reason(before if same else None, after)
    if reason:
        why = "; ".join(after.state.last.reasons) if after.state.last else ""
        is_warning = reason in ("RolledBack", "Asked")
        happenings.append(_happening(after, reason, f"{_what(after, reason)}: {why}", is_warning))
    return tuple(happenings)


def _reason(before: Rollout | None, after: Rollout) -> str:
    was = before.state if before else None
    state = after.state
    phase = was.phase if was else Phase.STAGED
    if state.phase in ENDS:
        return ENDS[state.phase] if phase is not state.phase else ""
    if state.question and (not was or was.question != state.question):
        return "Asked"
    if state.phase is Phase.PAUSED and phase is not Phase.PAUSED:
        return "Paused"
    if state.desired_percent > (was.desired_percent if was else 0):
        return "Raised"
    held = phase in (Phase.PAUSED, Phase.WAITING_APPROVAL)
    return "Resumed" if held and state.phase is not phase else ""


def _what(rollout: Rollout, reason: str) -> str:
    target, state = rollout.target, rollout.state
    match reason:
        case "Raised":
            return f"{target.canary} gets {state.desired_percent} % of the requests"
        case "Promoted":
            return f"{target.canary} gets all requests"
        case "RolledBack":
            return f"{target.stable} gets all requests, {target.canary} none"
        case "Asked":
            return f"{target.canary} stays at {state.desired_percent} % until a person answers"
        case _:
            return f"{target.canary} is at {state.desired_percent} %"


def _started(rollout: Rollout) -> Happening:
    target, by = rollout.target, rollout.started_by
    said = f"{target.canary} against {target.stable}, {rollout.policy.strategy}, begun by {by}"
    return _happening(rollout, "Started", said, is_warning=False)


def _happening(rollout: Rollout, reason: str, message: str, is_warning: bool) -> Happening:
    line = printable(" ".join(f"rollout {rollout.number}: {message}".split()))
    count = 0 if reason == "Started" else rollout.entries
    return Happening(
        reason=reason,
        message=line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…",
        is_warning=is_warning,
        name=f"{rollout.target.service}-rollout-{rollout.number}.{count}-{reason.lower()}",
    )
