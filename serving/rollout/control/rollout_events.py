"""What happens in a rollout, told once each: what `kubectl describe` shows of it. Pure.

Started, Raised, Held, Asked, Paused, Resumed, Promoted, RolledBack, Superseded. What happens again,
as a look at which nothing was changed mostly does, has the name it had before, and so is counted
and not told anew.
"""

from dataclasses import dataclass

from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.rollout_state import Action, Phase
from kanaria.serving.rollout.timeline.phrases import printable

LONGEST = 1000
"""Bytes of a message; Kubernetes takes 1,024 of an Event's note."""
STANDING = (Phase.PAUSED, Phase.WAITING_APPROVAL)
"""In which a person is waited for."""
ENDS = {
    Phase.PROMOTED: "Promoted",
    Phase.ROLLED_BACK: "RolledBack",
    Phase.SUPERSEDED: "Superseded",
}
ONCE = ("Started", *ENDS.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutEvent:
    """Something that a person wants to know.

    Attributes:
        reason: one of the module's words.
        message: what and why, on one line.
        is_warning: it is not what was hoped for, or a person is waited for.
        name: the same whoever tells of it and whenever it happens again in this rollout, and of
            nothing else in the namespace.
        is_steady: it tells that nothing changes, and so happens at every look.
        entry: how many entries the record had: at which of them it happened.
    """

    reason: str
    message: str
    is_warning: bool
    is_steady: bool
    name: str
    entry: int


def events_between(before: Rollout | None, after: Rollout) -> tuple[RolloutEvent, ...]:
    """Return what has happened between two looks at the rollouts of a service.

    Args:
        before: as it was told last; None by a program that has told nothing yet.
        after: as it is.
    """
    same = before is not None and before.number == after.number
    if not same and after.entries > 1:
        return ()  # Another program has told of it.
    events = [] if same else [_started(after)]
    reason = _reason(before if same else None, after)
    if reason:
        is_warning = reason in ("RolledBack", "Asked")
        events.append(_event(after, reason, _message(after, reason), is_warning))
    return tuple(events)


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
    if phase in STANDING and state.phase is not phase:
        return "Resumed"
    return "Held" if _is_held(before, after) else ""


def _is_held(before: Rollout | None, after: Rollout) -> bool:
    """Tell whether another look has changed nothing at a canary that a controller judges."""
    state = after.state
    is_new = after.entries > (before.entries if before else 0)
    is_hold = state.last is not None and state.last.action is Action.HOLD
    return is_new and is_hold and state.phase not in STANDING


def _message(rollout: Rollout, reason: str) -> str:
    last = rollout.state.last
    if reason == "Held":  # The text of a series stays as it was at first.
        return f"{_what(rollout, reason)}; its record says of each look why"
    return f"{_what(rollout, reason)}: {'; '.join(last.reasons) if last else ''}"


def _what(rollout: Rollout, reason: str) -> str:
    target, state = rollout.target, rollout.state
    match reason:
        case "Raised":
            return f"{target.canary} gets {state.desired_percent} % of the requests"
        case "Held":
            return f"{target.canary} stays at {state.desired_percent} %"
        case "Promoted":
            return f"{target.canary} gets all requests"
        case "RolledBack":
            return f"{target.stable} gets all requests, {target.canary} none"
        case "Asked":
            return f"{target.canary} stays at {state.desired_percent} % until a person answers"
        case _:
            return f"{target.canary} is at {state.desired_percent} %"


def _started(rollout: Rollout) -> RolloutEvent:
    target, by = rollout.target, rollout.started_by
    said = f"{target.canary} against {target.stable}, {rollout.policy.strategy}, begun by {by}"
    return _event(rollout, "Started", said, is_warning=False)


def _event(rollout: Rollout, reason: str, message: str, is_warning: bool) -> RolloutEvent:
    line = printable(" ".join(f"rollout {rollout.number}: {message}".split()))
    return RolloutEvent(
        reason=reason,
        message=_cut(line),
        is_warning=is_warning,
        is_steady=reason == "Held",
        name=f"{rollout.target.service}-rollout-{rollout.number}.{_word(rollout, reason)}",
        entry=rollout.entries,
    )


def _cut(line: str) -> str:
    """Return a line of no more bytes than may be, whole letters of it."""
    text = line.encode()
    if len(text) <= LONGEST:
        return line
    end = "…"
    return text[: LONGEST - len(end.encode())].decode(errors="ignore") + end


def _word(rollout: Rollout, reason: str) -> str:
    """Return what tells two events of a rollout apart, in letters that names may have."""
    state, word = rollout.state, reason.lower()
    if reason in ONCE:
        return word
    question_word = f"-{state.question.value.replace('_', '-')}" if state.question else ""
    return f"{word}{question_word}-{state.desired_percent}"
