"""What a rule of `decide` comes to: a verdict, and the state to record before it is done. Pure."""

from dataclasses import dataclass, replace

from kanaria.serving.rollout.decision.rollout_state import Action, Phase, Question, State, Verdict
from kanaria.serving.rollout.decision.situation import Situation, enter


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What is to be done, and the state to record before doing it."""

    verdict: Verdict
    state: State

    @property
    def proposed(self) -> Verdict | None:
        """What would have been done, were the policy not to observe only."""
        return self.state.proposed


def hold(state: State, *reasons: str) -> Decision:
    """Leave the traffic as it is."""
    verdict = Verdict(action=Action.HOLD, percent=state.desired_percent, reasons=reasons)
    return Decision(verdict=verdict, state=state)


def roll_back(situation: Situation, *reasons: str) -> Decision:
    """Give the canary nothing any more."""
    state = replace(
        situation.state, phase=Phase.ROLLED_BACK, desired_percent=0, question=None, asked_step=""
    )
    verdict = Verdict(action=Action.ROLLBACK, percent=0, reasons=reasons)
    return Decision(verdict=verdict, state=state)


def ask(situation: Situation, question: Question, step: str, *reasons: str) -> Decision:
    """Ask a person before `step`; the traffic stays as it is."""
    state = replace(
        situation.state, phase=Phase.WAITING_APPROVAL, question=question, asked_step=step
    )
    percent = state.desired_percent
    return Decision(
        verdict=Verdict(action=Action.ASK, percent=percent, reasons=reasons), state=state
    )


def promote(situation: Situation, *reasons: str) -> Decision:
    """Give the canary all the traffic."""
    state = replace(
        situation.state, phase=Phase.PROMOTED, desired_percent=100, question=None, asked_step=""
    )
    verdict = Verdict(action=Action.PROMOTE, percent=100, reasons=reasons)
    return Decision(verdict=verdict, state=state)


def advance(situation: Situation, step: int, *reasons: str) -> Decision:
    """Go to step number `step` or, after the last, promote; ask before where the policy says so."""
    state, policy, name = situation.state, situation.policy, situation.step_name(step)
    if situation.observation.facts.ready is not True:
        return hold(state, f"{readiness(situation)}; traffic is not raised", *reasons)
    if name in policy.approve_before and name not in situation.approved:
        return ask(situation, Question.STEP, name, f"step {name} needs a person", *reasons)
    if step >= len(policy.ladder):
        return promote(situation, *reasons)
    percent = policy.ladder[step].percent
    entered = enter(state, step, percent, situation.observation.now, policy)
    verdict = Verdict(action=Action.SHIFT, percent=percent, reasons=reasons)
    return Decision(verdict=verdict, state=entered)


def readiness(situation: Situation) -> str:
    """Say why a canary that is not known to be ready gets no more."""
    is_unready = situation.observation.facts.ready is False
    return "the canary is not ready now" if is_unready else "readiness is not known"
