"""How counts and decisions are said to a person. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kanaria.serving.rollout.decision.rollout_state import Action, Question, State, Verdict
from kanaria.serving.rollout.judgement.gates.gate import Finding, RateCounts
from kanaria.serving.rollout.policy.rollout_policy import PROMOTE, Policy, Step

DONE = {
    Action.HOLD: "held",
    Action.SHIFT: "shifted",
    Action.PROMOTE: "promoted",
    Action.ROLLBACK: "rolled back",
    Action.ASK: "asked",
}
UNSAID = {
    Action.HOLD: "the evidence does not decide yet",
    Action.SHIFT: "the step before has shown enough",
    Action.PROMOTE: "every gate agrees",
}


def printable(text: str) -> str:
    """Return a text without what moves a terminal's cursor or turns the direction of writing."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def share(events: float, requests: float) -> str:
    """Return a share in percent, or "unknown" where nothing was counted."""
    return f"{100 * events / requests:.3g} %" if requests else "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Needed:
    """How many more requests of the canary the step under way needs, by estimate.

    In the shadow these are rows that both models answer.

    Attributes:
        requests: in all, rounded up; None where a gate cannot tell.
        by_gate: gate that must agree and does not yet -> its own estimate, or None.
        unit: what is counted, in words.
    """

    requests: int | None
    by_gate: Mapping[str, float | None]
    unit: str = "requests of the canary"


def compared(counts: RateCounts) -> str:
    """Return what a gate counted of both revisions in one step."""
    canary = share(counts.canary_events, counts.canary_requests)
    said = f"canary {canary} of {counts.canary_requests:,}"
    if not counts.stable_requests:
        return f"{said}, stable none beside it"
    stable = share(counts.stable_events, counts.stable_requests)
    return f"{said}, stable {stable} of {counts.stable_requests:,} beside it"


def unit_of(step: Step) -> str:
    """Return what a step asks for so many of."""
    return "requests of the canary" if step.percent else "rows that both answer"


def still_needed(estimate: Needed) -> str:
    """Return what a step still needs, or "" where it needs nothing."""
    if estimate.requests == 0:
        return ""
    lost = [gate for gate, requests in estimate.by_gate.items() if requests is None]
    if estimate.requests is None:
        return (
            f"What {', '.join(lost)} still need in this step cannot be told: too little is counted "
            "yet, or its rates do not lead there."
        )
    gates = [f"{gate} {requests:,.0f}" for gate, requests in estimate.by_gate.items()]
    each = f" ({', '.join(gates)})" * bool(gates)
    return (
        f"Still needed in this step: about {estimate.requests:,} {estimate.unit}{each}, "
        "if its rates stay as they are."
    )


def step_name(policy: Policy, step: int) -> str:
    """Return what a person calls step number `step`; the one before the first is "staged"."""
    return policy.ladder[step].name if 0 <= step < len(policy.ladder) else "staged"


def why(verdict: Verdict, findings: Sequence[Finding]) -> str:
    """Return the reasons of a verdict without what gates say every time, save of harm's worst."""
    usual = {finding.text for finding in findings}
    said = [reason for reason in verdict.reasons if reason not in usual]
    if verdict.action is Action.ROLLBACK and sum(finding.spent for finding in findings) >= 1:
        said.append(max(findings, key=lambda finding: finding.spent).text)
    if said:
        return "; ".join(said)
    return UNSAID.get(verdict.action, "; ".join(verdict.reasons))


def _then(state: State) -> str:
    name = state.asked_step
    return f"{name} all the same" if name == PROMOTE else f"begin {name} all the same"


def question_text(state: State) -> str:
    """Return what a person is asked, or ""."""
    questions = {
        Question.STEP: f"May the step {state.asked_step} begin?",
        Question.NO_DATA: "Nothing is known of the canary; is it to be watched further?",
        Question.INCONCLUSIVE: f"The evidence did not convince in time; {_then(state)}?",
        Question.FINDING: f"The gate on {state.asked_step} found something; go on all the same?",
    }
    return questions[state.question] if state.question is not None else ""
