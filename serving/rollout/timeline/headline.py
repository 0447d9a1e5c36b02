"""The verdict on a rollout in one sentence, with the light it shows. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from kanaria.components.shared.times import clock, duration
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.decision.shadow_step import in_shadow
from kanaria.serving.rollout.policy.rollout_policy import PROMOTE, Automation
from kanaria.serving.rollout.timeline.phrases import question_text, why
from kanaria.serving.rollout.timeline.record_history import History, Moment


class Light(StrEnum):
    """What a glance tells; each is also said in words."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, kw_only=True, slots=True)
class Headline:
    """The light and the sentence."""

    light: Light
    sentence: str


LIGHTS = {Phase.PROMOTED: Light.GREEN, Phase.ROLLED_BACK: Light.RED}


def headline(history: History) -> Headline:
    """Return the verdict: how the rollout ended and why, or where it stands."""
    phase = history.state.phase
    light = LIGHTS.get(phase, Light.YELLOW)
    return Headline(light=light, sentence=_sentence(history, phase))


def _sentence(history: History, phase: Phase) -> str:
    turn = _turn(history, phase)
    since = duration((turn.when if turn else history.ended) - history.started)
    requests = f"{turn.canary.requests if turn else 0:,} requests of the canary"
    mirrored = history.policy.automation is Automation.OBSERVE and turn is not None and not turn.who
    reason = "others set the traffic, this only observes" if mirrored else _reason(turn)
    approved = [one.who for one in history.state.approvals if one.step == PROMOTE]
    if phase is Phase.PROMOTED:
        consent = f"; approved by {', '.join(approved)}" if approved else ""
        return f"Promoted after {since} and {requests}: {reason}{consent}."
    if phase is Phase.ROLLED_BACK:
        return f"Rolled back after {since} and {requests}: {reason}."
    if phase is Phase.SUPERSEDED:
        return f"Superseded after {since} by {turn.who if turn else 'another'}."
    if phase is Phase.WAITING_APPROVAL:
        begun = clock(turn.when if turn else history.started)
        return f"Waiting for a person since {begun} UTC. {question_text(history.state)}"
    if phase is Phase.PAUSED:
        return f"Paused at {history.state.desired_percent} % of the traffic: {reason}."
    if phase is Phase.STAGED:
        return f"Staged without traffic for {since}: {_last(history)}."
    if in_shadow(history.state, history.policy):
        return f"In the shadow of the stable revision: {_last(history)}."
    return f"Under way at {history.state.desired_percent} % of the traffic: {_last(history)}."


def _turn(history: History, phase: Phase) -> Moment | None:
    """Return the moment at which the rollout came into its present phase."""
    turns = (one for one in reversed(history.moments) if one.before.phase is not phase)
    return next(turns, None)


def _reason(moment: Moment | None) -> str:
    if moment is None:
        return "nothing is recorded yet"
    if moment.who:
        return f"ordered by {moment.who}"
    return why(moment.decision.verdict, moment.findings).rstrip(".")


def _last(history: History) -> str:
    return _reason(history.moments[-1] if history.moments else None)
