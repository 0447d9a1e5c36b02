from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_records import policies, records

from kanaria.serving.rollout.judgement.gates.gate import RateCounts
from kanaria.serving.rollout.policy.gate_budgets import panel
from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.rollout.simulation import canary_simulation, shadow_simulation
from kanaria.serving.rollout.simulation.scenario import Scenario
from kanaria.serving.rollout.simulation.shadow_simulation import ShadowScenario
from kanaria.serving.rollout.timeline import record_history
from kanaria.serving.rollout.timeline.step_counts import Needed, needed, steps

RAMP = parse("steps: [{percent: 10}, {percent: 50}]")
NO_WAIT = "minimum_requests: 0, minimum_minutes: 0"
NO_WARM_UP = "warm_up: {minutes: 0, requests: 0}"


def judged_by(gate, percent):
    """A policy of one step, which ends when one gate on rates agrees."""
    others = ", ".join(f"{name}: false" for name in {"errors", "refusals", "latency"} - {gate})
    return parse(f"steps: [{{percent: {percent}, {NO_WAIT}}}]\n{NO_WARM_UP}\ngates: {{{others}}}")


@settings(deadline=None)
@given(st.data())
def test_the_steps_of_every_record_count_everything_once(data):
    policy = data.draw(policies)
    read = record_history.read({}, policy, 0.0, data.draw(records(policy)))
    for which in ("canary", "stable"):
        whole = getattr(read.moments[-1], which) if read.moments else record_history.Totals()
        for what in ("requests", "errors"):
            summed = sum(getattr(getattr(step, which), what) for step in steps(read))
            assert summed == getattr(whole, what)


def test_a_step_counts_the_intervals_that_met_it(facts, started, make_record):
    staged, first, second = steps(record_history.read(facts, RAMP, started, make_record(RAMP, 200)))
    assert [(one.name, one.percent) for one in (staged, first, second)] == [
        ("staged", 0),
        ("10%", 10),
        ("50%", 50),
    ]
    assert staged.canary.requests == 0
    assert first.canary.requests >= 300
    assert 0.05 < first.canary.requests / first.stable.requests < 0.2


def test_an_interval_that_was_recorded_twice_counts_once(facts, started, make_record):
    entries = make_record(RAMP, 10)
    once, twice = (
        steps(record_history.read(facts, RAMP, started, record))
        for record in (entries, [*entries, entries[-1]])
    )
    assert [one.canary for one in once] == [one.canary for one in twice]
    assert [one.counts for one in once] == [one.counts for one in twice]


def test_a_step_has_the_events_of_its_own_looks_alone(facts, started, make_record):
    """Pooled, the canary errs more often; in the step that decides it does not."""
    entries = make_record(RAMP, 60, errors=lambda minute: 0.03 if minute < 8 else 0.01)
    read = record_history.read(facts, RAMP, started, entries)
    last = steps(read)[-1]
    counted = [
        entry
        for entry, moment in zip(entries, read.moments, strict=True)
        if moment.before.step == 1 and entry.canary.requests
    ]
    assert last.counts["errors"] == RateCounts(
        looks=len(counted),
        canary_requests=sum(one.canary.requests for one in counted),
        canary_events=sum(one.canary.errors for one in counted),
        stable_requests=sum(one.stable.requests for one in counted),
        stable_events=sum(one.stable.errors for one in counted),
    )


def test_what_was_counted_before_a_step_is_not_its_own(facts, started, make_record):
    """Refusals of the stable revision that were counted before the canary had any request."""
    entries = make_record(RAMP, 6, refused=(0.02, 0.02))
    read = record_history.read(facts, RAMP, started, entries)
    staged, first = steps(read)
    assert staged.counts == {}
    assert first.counts["refusals"].stable_requests == first.counts["errors"].stable_requests


def test_before_its_last_step_a_rollout_needs_only_what_the_step_asks_for(
    facts, started, make_record
):
    read = record_history.read(facts, RAMP, started, make_record(RAMP, 5))
    step = read.state.step_requests
    assert read.state.step == 0
    assert needed(read) == Needed(requests=320 - step, by_gate={})


def test_what_is_over_needs_nothing(facts, started, make_record):
    read = record_history.read(facts, RAMP, started, make_record(RAMP, 300))
    assert read.state.phase == "promoted"
    assert needed(read) == Needed(requests=0, by_gate={})


def test_a_canary_at_the_margin_gets_no_estimate(facts, started, make_record):
    policy = parse(
        f"steps: [{{percent: 50, {NO_WAIT}}}]\ngates: {{latency: false, refusals: false}}"
    )
    read = record_history.read(
        facts, policy, started, make_record(policy, 8, errors=lambda _: 0.02, seed=2)
    )
    assert read.state.step == 0
    assert needed(read).requests is None
    assert needed(read).by_gate == {"errors": None}


def of_the_step(rate, canary, stable, looks=100_000):
    """Many looks with so many requests each, at equal rates of both revisions."""
    return RateCounts(
        looks=looks,
        canary_requests=looks * canary,
        canary_events=round(looks * canary * rate),
        stable_requests=looks * stable,
        stable_events=round(looks * stable * rate),
    )


@pytest.mark.parametrize("percent", [10, 50])
@pytest.mark.parametrize(
    ("gate", "rate"), [("errors", 0.01), ("errors", 0.0005), ("latency", 0.05)]
)
def test_the_estimate_is_near_the_mean_of_simulated_rollouts(gate, rate, percent):
    """It leaves out the last look's overshoot, and what is lost while stable's rate is learnt."""
    policy = judged_by(gate, percent)
    kind = "slow" if gate == "latency" else "errors"
    scenario = Scenario(**{f"canary_{kind}": rate, f"stable_{kind}": rate}, minutes=600)
    simulated = canary_simulation.simulate(policy, scenario, 2000, seed=3)
    promoted = simulated.outcomes == canary_simulation.PROMOTED
    judge = panel(policy)[1]
    evidence = judge.start()
    alone = {"stable_requests": 600, "stable_events": round(600 * rate)}
    if gate == "latency":
        evidence = replace(evidence, rate=replace(evidence.rate, **alone))
    else:
        evidence = replace(evidence, **alone)
    a_look = scenario.requests * percent // 100
    estimate = judge.needed(evidence, of_the_step(rate, a_look, scenario.requests - a_look))
    mean = float(np.mean(simulated.requests[promoted])) - a_look / 2
    assert 0.7 * mean <= estimate <= 1.1 * mean


def test_half_of_the_evidence_needs_half_of_the_requests():
    judge = panel(judged_by("errors", 50))[1]
    whole = replace(judge.start(), stable_requests=600, stable_events=6)
    half = replace(whole, health=-np.log(judge.promise.beta) / 2)
    step = of_the_step(0.01, 300, 300)
    assert judge.needed(half, step) == pytest.approx(judge.needed(whole, step) / 2)


def test_the_rows_that_labels_need_are_those_of_simulated_shadows():
    policy = parse(
        f"strategy: shadow\nsteps: [{{percent: 0, {NO_WAIT}}}]\n"
        "gates: {errors: false, refusals: false, latency: false, predictions: false}"
    )
    scenario = ShadowScenario(disagreement=0.06, labels=5)
    trace = []
    simulated = shadow_simulation.simulate(policy, scenario, 400, seed=4, trace=trace)
    gate = next(one for one in panel(policy) if one.name == "labels")
    estimates = []
    for rollout in range(50):
        totals = trace[9].counts(rollout)
        evidence = replace(
            gate.start(),
            pairs=totals.pairs,
            disagreements=totals.disagreements,
            stable_right=totals.stable_right,
            canary_right=totals.canary_right,
        )
        estimate = gate.needed(evidence, RateCounts())
        estimates.append(np.inf if estimate is None else totals.pairs + estimate)
    median = simulated.median(simulated.rows, shadow_simulation.PROMOTED)
    assert float(np.median(estimates)) == pytest.approx(median, rel=0.3)
