"""What each step of a rollout counted by itself, and how much more the last one needs. Pure.

Counts since the start mislead where steps differ: a canary that erred twice as often in the first
step, and not in the last, is agreed to. A promotion rests on the last step alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from kanaria.serving.rollout.decision.rollout_commands import begin
from kanaria.serving.rollout.decision.rollout_state import OVER, State
from kanaria.serving.rollout.decision.shadow_step import needs_agreement
from kanaria.serving.rollout.decision.situation import asked_of, listening
from kanaria.serving.rollout.judgement.gates.gate import Gate, RateCounts
from kanaria.serving.rollout.policy.gate_budgets import panel
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.rollout.timeline.phrases import Needed, step_name, unit_of
from kanaria.serving.rollout.timeline.record_history import History, Moment, Totals


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One stretch of time in a step.

    Attributes:
        name: what a person calls it.
        percent: of the requests that the canary was to have.
        started: seconds since 1970.
        seconds: how long it took, or has taken.
        canary: all that was counted of the canary.
        stable: the same of the stable revision.
        counts: gate on rates -> what it counted in this step alone, at looks at which the canary
            had requests; no gate that had none.
    """

    name: str
    percent: int
    started: float
    seconds: float
    canary: Totals
    stable: Totals
    counts: Mapping[str, RateCounts]


def steps(history: History) -> tuple[Step, ...]:
    """Return the steps in order; an interval counts in the step that it met."""
    done: list[Step] = []
    canary, stable, since = Totals(), Totals(), history.started
    before = begin(history.started)
    for (step, percent), group in groupby(history.moments, key=_met):
        moments = list(group)
        last = moments[-1]
        done.append(
            Step(
                name=step_name(history.policy, step),
                percent=percent,
                started=since,
                seconds=last.when - since,
                canary=last.canary.minus(canary),
                stable=last.stable.minus(stable),
                counts=_counts(history.policy, before, moments),
            )
        )
        canary, stable, since, before = last.canary, last.stable, last.when, last.state
    return tuple(done)


def needed(history: History) -> Needed:
    """Estimate what the step under way needs, if all goes on as it has in this step."""
    state, policy = history.state, history.policy
    if not 0 <= state.step < len(policy.ladder) or state.phase in OVER:
        return Needed(requests=0, by_gate={})
    by_gate = _by_gate(history) if needs_agreement(state, policy) else {}
    step = policy.ladder[state.step]
    least, _ = asked_of(step, policy)
    estimates = [float(max(least - state.step_requests, 0)), *by_gate.values()]
    certain = [estimate for estimate in estimates if estimate is not None]
    whole = len(certain) == len(estimates)
    requests = math.ceil(max(certain)) if whole else None
    return Needed(requests=requests, by_gate=by_gate, unit=unit_of(step))


def _by_gate(history: History) -> dict[str, float | None]:
    state, policy = history.state, history.policy
    listens, counts = listening(state, policy), _current(history)
    estimates = {
        gate.name: gate.needed(
            state.evidence.get(gate.name, gate.start()), counts.get(gate.name, RateCounts())
        )
        for gate in panel(policy)
        if gate.name in listens
    }
    return {name: estimate for name, estimate in estimates.items() if estimate != 0.0}


def _current(history: History) -> Mapping[str, RateCounts]:
    """Return the counts of the step under way; none where it has only begun."""
    last = steps(history)[-1:]
    if not history.moments or history.moments[-1].before.step != history.state.step:
        return {}
    return last[0].counts


def _met(moment: Moment) -> tuple[int, int]:
    return moment.before.step, moment.before.desired_percent


def _counts(policy: Policy, before: State, moments: Sequence[Moment]) -> Mapping[str, RateCounts]:
    states = [before, *(moment.state for moment in moments)]
    by_gate = {
        gate.name: _gained([_counted(gate, state) for state in states]) for gate in panel(policy)
    }
    return {name: counts for name, counts in by_gate.items() if counts.looks}


def _counted(gate: Gate[Any], state: State) -> RateCounts | None:
    return gate.counted(state.evidence.get(gate.name, gate.start()))


def _gained(totals: Sequence[RateCounts | None]) -> RateCounts:
    """Add up what each look added; one at which the canary had no requests compares nothing."""
    gained = RateCounts()
    for old, new in pairwise(totals):
        if old is not None and new is not None and new.canary_requests > old.canary_requests:
            gained = RateCounts(
                looks=gained.looks + 1,
                canary_requests=gained.canary_requests + new.canary_requests - old.canary_requests,
                canary_events=gained.canary_events + new.canary_events - old.canary_events,
                stable_requests=gained.stable_requests + new.stable_requests - old.stable_requests,
                stable_events=gained.stable_events + new.stable_events - old.stable_events,
            )
    return gained
