"""Where a rollout stands, for a terminal: one line an interval, or a short survey. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from kanaria.components.shared.times import clock, duration
from kanaria.serving.rollout.decision.rollout_state import OVER, Action, Phase, Question, State
from kanaria.serving.rollout.decision.shadow_step import in_shadow, needs_agreement
from kanaria.serving.rollout.decision.situation import MINUTE, asked_of, findings
from kanaria.serving.rollout.judgement.gates.gate import Finding
from kanaria.serving.rollout.judgement.gates.gate_registry import BY_NAME
from kanaria.serving.rollout.policy.rollout_policy import Automation, Policy
from kanaria.serving.rollout.timeline.phrases import (
    DONE,
    printable,
    question_text,
    share,
    step_name,
    unit_of,
    why,
)

CERTAIN = 100.0
"""Harm above it is told as a power of ten: its digits say nothing more."""


def line(state: State, policy: Policy, now: float) -> str:
    """Return what was seen and decided last, on one line.

        12:04:10   10%  612 requests  errors 0.3 % (stable 0.4 %)  harm 0.08/1  held: paused

    Requests, errors and slow answers are those of the canary that the gates have compared.

    Args:
        state: after the decision.
        policy: of the rollout.
        now: when it was made, seconds since 1970; shown in UTC.
    """
    gate_findings = findings(state, policy)
    parts = [clock(now, "%H:%M:%S"), f"{_traffic(state, policy):>4}", *_rates(gate_findings)]
    if in_shadow(state, policy):
        parts += [one.text for one in gate_findings if BY_NAME[one.gate].told_in_shadow]
    if _judged(gate_findings):
        spent = sum(one.spent for one in gate_findings)
        parts.append(f"harm {spent:{'.2f' if spent < CERTAIN else '.2g'}}/1")
    return printable("  ".join([*parts, _last(state, gate_findings)]))


def status(facts: Mapping[str, str], state: State, policy: Policy, now: float) -> str:
    """Return where the rollout stands, what is waited for and how to answer, in some ten lines.

    Args:
        facts: service, namespace, canary, stable, canary_uri and stable_uri, as far as known.
        state: of the rollout.
        policy: of the rollout.
        now: seconds since 1970.
    """
    return "\n".join(f"{name:12} {text}".rstrip() for name, text in rows(facts, state, policy, now))


def rows(
    facts: Mapping[str, str], state: State, policy: Policy, now: float
) -> list[tuple[str, str]]:
    """Return what `status` says: pairs of a name and a text without line breaks."""
    gate_findings = findings(state, policy)
    pairs = [
        ("service", f"{facts.get('namespace', '')}/{facts.get('service', '')}"),
        ("phase", f"{state.phase}, begun {clock(state.started)} UTC"),
        ("strategy", f"{policy.strategy}, automation {policy.automation}"),
        ("step", _step(state, policy, now)),
        ("traffic", _weights(state, policy)),
        ("canary", _revision(facts, "canary")),
        ("stable", _revision(facts, "stable")),
        *_evidence(gate_findings),
        ("last", _last(state, gate_findings)),
        *_waiting(state, policy, now),
        *(("answer", command) for command in answers(facts, state)),
    ]
    return [(name, " ".join(printable(text).split())) for name, text in pairs]


def answers(facts: Mapping[str, str], state: State) -> tuple[str, ...]:
    """Return the commands with which a person answers or ends a pause; none where none is due."""
    verbs: tuple[str, ...] = ()
    if state.question in (Question.STEP, Question.INCONCLUSIVE, Question.FINDING):
        verbs = ("approve", "rollback")
    elif state.question is Question.NO_DATA:
        verbs = ("resume", "rollback")
    elif state.phase is Phase.PAUSED:
        verbs = ("resume", "promote", "rollback")
    where = f"{facts.get('service', '')} --namespace {facts.get('namespace', '')}"
    return tuple(f"kanaria rollout {verb} {where}" for verb in verbs)


def _traffic(state: State, policy: Policy) -> str:
    if in_shadow(state, policy):
        return "shadow"
    percent_set = state.percent_seen
    desired = f"{state.desired_percent}%"
    is_as_told = _is_new(state) or percent_set in (None, state.desired_percent)
    return desired if is_as_told else f"{desired} (has {percent_set}%)"


def _is_new(state: State) -> bool:
    """Tell whether the traffic was decided after it was last seen."""
    return state.last is not None and state.last.action is not Action.HOLD


def _judged(gate_findings: Sequence[Finding]) -> bool:
    return any("harm_e_value" in one.numbers for one in gate_findings)


def _rates(gate_findings: Sequence[Finding]) -> Iterator[str]:
    rated = [one for one in gate_findings if "canary_requests" in one.numbers]
    if rated:
        requests = max(one.numbers["canary_requests"] for one in rated)
        yield f"{requests:.0f} requests"
    for one in rated:
        of = one.numbers
        canary = share(of["canary_events"], of["canary_requests"])
        stable = share(of["stable_events"], of["stable_requests"])
        yield f"{BY_NAME[one.gate].word} {canary} (stable {stable})"


def _last(state: State, gate_findings: Sequence[Finding]) -> str:
    if state.last is None:
        return "begun"
    done = DONE[state.last.action]
    if state.last.action is Action.SHIFT:
        return f"{done} to {state.last.percent}%" if state.last.percent else "put in the shadow"
    return f"{done}: {why(state.last, gate_findings)}"


def _step(state: State, policy: Policy, now: float) -> str:
    of = len(policy.ladder) + 1
    if state.phase in OVER:
        return f"{of if state.phase is Phase.PROMOTED else state.step + 1}/{of}"
    since = f"for {duration(now - state.step_started)}"
    return f"{state.step + 1}/{of} ({step_name(policy, state.step)}), {since}"


def _weights(state: State, policy: Policy) -> str:
    if in_shadow(state, policy):
        return f"canary answers nobody, gets a copy of {policy.mirror_percent}% of the requests"
    if _is_new(state):
        return f"canary {state.desired_percent}%"
    percent_set = "not known" if state.percent_seen is None else f"{state.percent_seen}%"
    return f"canary {state.desired_percent}% desired, {percent_set} seen"


def _revision(facts: Mapping[str, str], which: str) -> str:
    return f"{facts.get(which, '') or 'none'}  {facts.get(f'{which}_uri', '')}"


def _evidence(gate_findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    for one in gate_findings:
        yield one.gate, f"{one.text}{'; agrees' if one.accepted else ''}"
    if _judged(gate_findings):
        yield "harm", f"{sum(one.spent for one in gate_findings):.3g} of 1, where it is rolled back"


def _waiting(state: State, policy: Policy, now: float) -> Iterator[tuple[str, str]]:
    if state.phase is Phase.WAITING_APPROVAL:
        yield "waiting", f"for a person: {question_text(state)}"
    elif state.phase is Phase.PAUSED:
        yield "waiting", "for a person to end the pause; harm still rolls back"
    elif state.phase is Phase.STAGED:
        yield "waiting", "for a canary that is ready"
    elif state.phase is Phase.PROGRESSING and policy.ladder:
        yield "waiting", f"for {_lacking(state, policy, now)}"
    if state.proposed is not None and policy.automation is Automation.OBSERVE:
        yield "proposed", f"{state.proposed.action} at {state.proposed.percent}%"


def _lacking(state: State, policy: Policy, now: float) -> str:
    step = policy.ladder[max(state.step, 0)]
    least, long = asked_of(step, policy)
    requests = least - state.step_requests
    minutes = long - (now - state.step_started) / MINUTE
    lacking = []
    if requests > 0:
        lacking.append(f"{requests} more {unit_of(step)}")
    if minutes > 0:
        lacking.append(f"{minutes:.1f} more minutes")
    if lacking:
        return f"{' and '.join(lacking)} in step {step.name}"
    return "evidence of health" if needs_agreement(state, policy) else "data of every gate"
