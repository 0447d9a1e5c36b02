"""What `decide` looks at: the state with this interval's evidence, and what the gates find."""

from dataclasses import dataclass, replace
from typing import Any

from kanaria.serving.rollout.decision.rollout_state import OVER, Phase, Question, State
from kanaria.serving.rollout.decision.shadow_step import in_shadow
from kanaria.serving.rollout.judgement.gates.gate import Finding, Gate
from kanaria.serving.rollout.judgement.gates.gate_kind import GateKind, Needs
from kanaria.serving.rollout.judgement.gates.gate_registry import BY_NAME
from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.policy.gate_budgets import kinds, panel
from kanaria.serving.rollout.policy.rollout_policy import (
    PROMOTE,
    Automation,
    Policy,
    Step,
    WarmUp,
)
from kanaria.serving.rollout.traffic_strategy import Strategy

MINUTE = 60.0
FLAPPING, REMEMBERED = 2, 10
"""Twice the looks that a canary may not be ready in a row, among the last ten times as many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """One moment of a rollout.

    Attributes:
        state: with the evidence of this interval.
        observation: of this interval.
        policy: of the rollout.
        findings: of all gates.
        listening: names of the gates that must have data, and agree to what follows.
        silent: names of the gates that have had no data for too long.
        unheard: names of the gates that had no data in this interval.
        warming: the canary warmed up in this interval: its slow answers are no evidence.
    """

    state: State
    observation: Observation
    policy: Policy
    findings: tuple[Finding, ...]
    listening: tuple[str, ...]
    silent: tuple[str, ...]
    unheard: tuple[str, ...]
    warming: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """What every gate finds, in words."""
        return tuple(finding.text for finding in self.findings)

    @property
    def accepted(self) -> bool:
        """Whether every gate that listens agrees to what follows, or a person does in its place."""
        agreed = {finding.gate for finding in self.findings if finding.accepted}
        return agreed | self.approved >= set(self.listening)

    @property
    def approved(self) -> set[str]:
        """Names of the steps, and of the gates' questions, that a person has approved."""
        return {approval.step for approval in self.state.approvals}

    @property
    def spent(self) -> float:
        """What the evidence of harm has used up; at 1 the canary is rolled back."""
        return sum(finding.spent for finding in self.findings)

    def step_name(self, step: int) -> str:
        """Return the name of step number `step`; the one after the last is the promotion."""
        ladder = self.policy.ladder
        return ladder[step].name if step < len(ladder) else PROMOTE


def findings(state: State, policy: Policy) -> tuple[Finding, ...]:
    """Return what every gate finds in the evidence of a state."""
    gates = panel(policy)
    return tuple(gate.judge(state.evidence.get(gate.name, gate.start())) for gate in gates)


def assess(state: State, observation: Observation, policy: Policy) -> Situation:
    """Return the situation after an interval; a rollout that is over learns nothing more."""
    warming = False
    if not is_over(state, observation, policy):
        state = _mirror(state, observation, policy)
        warming = warms_up(state, policy)
        state = _learn(state, observation, policy)
    silent = _silent(state, observation, policy)
    if state.question is Question.NO_DATA and not silent:
        state = replace(state, phase=under_way(state), question=None, asked_step="")
    return Situation(
        state=state,
        observation=observation,
        policy=policy,
        findings=findings(state, policy),
        listening=listening(state, policy),
        silent=silent,
        unheard=_unheard(state, observation, policy),
        warming=warming,
    )


def is_over(state: State, observation: Observation, policy: Policy) -> bool:
    """Tell whether nothing is left to judge: a promoted canary has all traffic, or nobody knows.

    The promotion of one that has less is only recorded: until it comes true, harm rolls it back.
    """
    if state.phase is not Phase.PROMOTED or policy.automation is Automation.OBSERVE:
        return state.phase in OVER
    return observation.percent in (None, 100)


def listening(state: State, policy: Policy) -> tuple[str, ...]:
    """Return the names of the gates that must have data of this step.

    Not every platform tells refusals: they are judged where it does. Gates on pairs of answers
    have data in the shadow alone. There, not every platform counts the copies of requests: errors
    and latency, too, judge where it does.
    """
    heard = {name for name, evidence in state.evidence.items() if evidence.heard is not None}
    shadow = in_shadow(state, policy)
    is_past = policy.strategy is Strategy.SHADOW and not shadow
    able = [kind for kind in kinds(policy) if not (is_past and kind.needs is Needs.ANSWERS)]
    return tuple(kind.name for kind in able if kind.name in heard or not _may_lack(kind, shadow))


def _may_lack(kind: GateKind, shadow: bool) -> bool:
    return kind.optional or (shadow and kind.needs is Needs.REQUESTS)


def exposed(state: State) -> bool:
    """Tell whether the canary has requests: a share of them, or a copy in the shadow."""
    return state.desired_percent > 0 or state.step >= 0


def warm_up_of(policy: Policy) -> WarmUp:
    """Return the warm-up of every step: none where no gate minds that a canary is cold."""
    is_cold = any(kind.cold for kind in policy.gates.kinds)
    return policy.warm_up if is_cold else WarmUp(minutes=0, requests=0)


def asked_of(step: Step, policy: Policy) -> tuple[int, float]:
    """Return the requests and the minutes that a step asks for, its warm-up included."""
    warm_up = warm_up_of(policy)
    return step.minimum_requests + warm_up.requests, step.minimum_minutes + warm_up.minutes


def warms_up(state: State, policy: Policy) -> bool:
    """Tell whether the canary warms up in the interval that follows on a state."""
    warm_up = warm_up_of(policy)
    last_look = state.step_started if state.seen_until is None else state.seen_until
    # A clock that was set back is no reason to look away.
    early = 0 <= last_look - state.step_started < warm_up.minutes * MINUTE
    return state.step >= 0 and (early or state.step_requests < warm_up.requests)


def unready(state: State, policy: Policy) -> str:
    """Return how a canary with requests failed to be ready for too long or too often, or ""."""
    row = 0
    while row < len(state.readiness) and not state.readiness[-1 - row]:
        row += 1
    looks, missed = len(state.readiness), state.readiness.count(False)
    if row >= policy.unready_looks:
        return f"not ready at {row} looks in a row"
    if missed >= FLAPPING * policy.unready_looks:
        return f"not ready at {missed} of {looks} looks"
    return ""


def under_way(state: State) -> Phase:
    """Return the phase of a rollout that neither waits nor pauses."""
    return Phase.STAGED if state.step < 0 else Phase.PROGRESSING


def enter(state: State, step: int, percent: int, now: float, policy: Policy) -> State:
    """Return the state at the start of step number `step`, with fresh evidence for it.

    Each step brings its wealth once: a canary that others take back and raise again is judged by
    what was known of it.
    """
    evidence = dict(state.evidence)
    for gate in panel(policy) if step > max(state.highest_step, 0) else ():
        evidence[gate.name] = gate.restart(evidence.get(gate.name, gate.start()), step)
    return replace(
        state,
        phase=Phase.PROGRESSING,
        step=step,
        highest_step=max(state.highest_step, step),
        desired_percent=percent,
        step_started=now,
        step_requests=0,
        watched_since=now,
        question=None,
        asked_step="",
        evidence=evidence,
    )


def _learn(state: State, observation: Observation, policy: Policy) -> State:
    evidence = {
        gate.name: _observed(gate, state, observation, warms_up(state, policy))
        for gate in panel(policy)
    }
    return replace(
        state,
        evidence=evidence,
        step_requests=_exposure(state, observation, policy),
        interval=observation.interval,
        percent_seen=observation.percent,
        seen_until=observation.now,
        readiness=_readiness(state, observation, policy),
    )


def _observed(gate: Gate[Any], state: State, observation: Observation, warming: bool) -> Any:
    evidence = state.evidence.get(gate.name, gate.start())
    return gate.warm(evidence, observation) if warming else gate.observe(evidence, observation)


def _readiness(state: State, observation: Observation, policy: Policy) -> tuple[bool, ...]:
    """Return the last looks; one at which readiness is not known is none."""
    if not exposed(state):
        return ()
    ready = observation.facts.ready
    looks = state.readiness if ready is None else (*state.readiness, ready)
    return looks[-REMEMBERED * policy.unready_looks :]


def _exposure(state: State, observation: Observation, policy: Policy) -> int:
    """Return what the step has shown: requests of the canary, or rows that both models answered.

    The latter in the shadow, where gates compare them row by row.
    """
    if in_shadow(state, policy) and any(k.needs is Needs.ANSWERS for k in policy.gates.kinds):
        pairs = observation.models.pairs if observation.models is not None else 0
        return max(state.step_requests, pairs)
    return state.step_requests + (observation.canary.requests if observation.canary else 0)


def _mirror(state: State, observation: Observation, policy: Policy) -> State:
    """While only observing, follow the traffic that others set."""
    percent = observation.percent
    if policy.automation is not Automation.OBSERVE or percent in (None, state.desired_percent):
        return state
    below = [step for step, one in enumerate(policy.ladder) if one.percent <= percent]
    if percent == 0:
        return replace(state, phase=Phase.STAGED, step=-1, desired_percent=0)
    if percent == 100 and not any(one.percent == 100 for one in policy.ladder):
        return replace(state, phase=Phase.PROMOTED, desired_percent=100)
    # Strategy basic has no steps: whatever part others give the canary, promotion comes next.
    step = max(below, default=0 if policy.ladder else -1)
    if step > state.step:
        return enter(state, step, percent, observation.now, policy)
    return replace(state, phase=Phase.PROGRESSING, desired_percent=percent)


def _unheard(state: State, observation: Observation, policy: Policy) -> tuple[str, ...]:
    heard = {name: evidence.heard for name, evidence in state.evidence.items()}
    names = listening(state, policy)
    return tuple(name for name in names if heard.get(name) != observation.now)


def _silent(state: State, observation: Observation, policy: Policy) -> tuple[str, ...]:
    """Return the gates without data for too long.

    Before the canary has traffic there is nothing to compare, so only facts count; but blue/green
    learns then what the stable revision does.
    """
    waits = policy.strategy is not Strategy.BLUE_GREEN and not exposed(state)
    patience, listens = policy.no_data.minutes * MINUTE, listening(state, policy)
    if waits:
        listens = tuple(name for name in listens if BY_NAME[name].needs is Needs.FACTS)

    def seconds(name: str) -> float:
        heard = state.evidence[name].heard if name in state.evidence else None
        return observation.now - max(heard or state.watched_since, state.watched_since)

    return tuple(name for name in listens if seconds(name) >= patience)
