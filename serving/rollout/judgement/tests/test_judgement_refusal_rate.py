"""A canary that refuses what the stable revision answers, and clients that both refuse."""

import json

import pytest

from kanaria.serving.rollout.decision.audit_record import from_line
from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import begin
from kanaria.serving.rollout.decision.rollout_state import (
    Action,
    Phase,
    Question,
    from_json,
    plain,
    to_json,
)
from kanaria.serving.rollout.judgement.gates.refusal_rate import UNMEASURED
from kanaria.serving.rollout.observations.interval_observation import Counts
from kanaria.serving.rollout.policy.gate_budgets import panel
from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.rollout.simulation.canary_simulation import (
    PROMOTED,
    ROLLED_BACK,
    Scenario,
    simulate,
)

CANARY = parse("steps: [{percent: 10}, {percent: 50}]")
BLUE_GREEN = parse("strategy: blue_green")
SHADOW = parse("strategy: shadow\ngates: {predictions: false, disagreement: false, labels: false}")
RATES = (0.0, 0.01, 0.1, 0.3, 0.6)


def counts(requests, refused):
    slow = ((0.1, requests // 20),)
    return Counts(requests=requests, errors=requests // 100, refused=refused, slower=slow)


def rolled(policy, minute, canary_refused, stable_refused, *, state=None, minutes=60, beside=True):
    """Decide minute after minute at the traffic decided; refusals are given as functions."""
    state, decisions = state or begin(0.0), []
    first = 0 if state.interval is None else state.interval + 1
    for number in range(first, first + minutes):
        shadow = policy.strategy == "shadow" and state.step == 0
        requests = 600 if shadow else 6 * state.desired_percent
        left = 600 if shadow else 600 - requests
        canary = counts(requests, canary_refused(requests)) if requests else None
        stable = counts(left, stable_refused(left)) if left else None
        observed = minute(number, canary or (counts(0, 0) if beside else None), stable)
        decisions.append(decide(state, observed, policy))
        state = decisions[-1].state
    return decisions


def moves(decisions):
    acted = [one.verdict for one in decisions if one.verdict.action is not Action.HOLD]
    return [(str(verdict.action), verdict.percent) for verdict in acted]


def share(part):
    return lambda requests: round(part * requests)


def none(_requests):
    return 0


def every(requests):
    return requests


def untold(_requests):
    return None


def refusals(policy=CANARY):
    return next(gate for gate in panel(policy) if gate.name == "refusals")


def test_a_canary_that_refuses_everything_is_rolled_back_at_its_first_look(minute):
    decisions = rolled(CANARY, minute, every, share(0.01), minutes=2)
    assert moves(decisions) == [("shift", 10), ("rollback", 0)]
    assert "harm, above all in refusals" in decisions[-1].verdict.reasons


@pytest.mark.parametrize("stable_refused", RATES)
def test_few_requests_are_enough_to_know_it(minute, stable_refused):
    gate = refusals()
    evidence, requests = gate.start(), 0
    while gate.judge(evidence).spent < 1:
        requests += 1
        observed = minute(requests, counts(1, 1), counts(9, 0))
        if requests % 10 < 10 * stable_refused:
            observed = minute(requests, counts(1, 1), counts(9, 9))
        evidence = gate.observe(evidence, observed)
    assert requests <= (12 if stable_refused <= 0.1 else 80)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("policy", [CANARY, BLUE_GREEN], ids=["canary", "blue_green"])
def test_what_clients_do_wrong_on_both_sides_is_no_harm_and_keeps_nothing_waiting(
    minute, policy, rate
):
    decisions = rolled(policy, minute, share(rate), share(rate), beside=policy is CANARY)
    assert decisions[-1].state.phase is Phase.PROMOTED
    assert ("rollback", 0) not in moves(decisions)


def test_blue_green_learns_what_is_refused_before_it_switches_and_goes_back(minute):
    decisions = rolled(BLUE_GREEN, minute, every, share(0.3), beside=False)
    assert moves(decisions) == [("shift", 100), ("rollback", 0)]


@pytest.mark.parametrize("rate", RATES)
def test_after_a_switch_few_requests_are_enough_however_many_were_refused_before(minute, rate):
    gate = refusals(BLUE_GREEN)
    before = minute(0, None, counts(3000, round(3000 * rate)))
    evidence = gate.observe(gate.start(), before)
    assert gate.judge(evidence).grounded
    evidence = gate.observe(evidence, minute(1, counts(60, 60), None))
    assert gate.judge(evidence).spent >= 1


def test_copies_that_a_shadow_refuses_end_it(minute):
    decisions = rolled(SHADOW, minute, every, share(0.01), minutes=5)
    assert moves(decisions) == [("shift", 0), ("rollback", 0)]


def test_the_mistakes_of_one_odd_client_roll_nothing_back(minute):
    odd = iter([0, 0, 5, 4])
    decisions = rolled(CANARY, minute, lambda _: next(odd, 0), share(0.0), minutes=60)
    assert decisions[-1].state.phase is Phase.PROMOTED


def test_where_refusals_are_not_told_nothing_is_known_and_nothing_waits(minute):
    decisions = rolled(CANARY, minute, untold, untold)
    assert decisions[-1].state.phase is Phase.PROMOTED
    assert UNMEASURED in decisions[10].verdict.reasons
    finding = refusals().judge(decisions[10].state.evidence["refusals"])
    assert (finding.spent, finding.accepted, dict(finding.numbers)) == (0.0, False, {})


def test_what_is_told_of_one_revision_alone_is_not_compared(minute):
    gate = refusals()
    observed = [
        minute(1, counts(60, 60), counts(540, None)),
        minute(2, counts(60, None), counts(9, 0)),
    ]
    assert [gate.observe(gate.start(), one) for one in observed] == [gate.start()] * 2


def test_refusals_that_are_told_no_more_are_silence(minute):
    state = rolled(CANARY, minute, none, none, minutes=3)[-1].state
    decisions = rolled(CANARY, minute, untold, untold, state=state, minutes=8)
    assert moves(decisions) == [("ask", 10)]
    assert decisions[-1].state.question is Question.NO_DATA
    assert "refusals" in next(one for one in decisions if moves([one])).verdict.reasons[0]


def test_a_rollout_from_before_refusals_were_counted_goes_on_with_fresh_evidence(minute):
    state = rolled(CANARY, minute, untold, untold, minutes=4)[-1].state
    before = plain(state)
    del before["evidence"]["refusals"]
    read = from_json(json.dumps(before))
    assert "refusals" not in read.evidence
    bad = rolled(CANARY, minute, every, share(0.01), state=read, minutes=1)[-1]
    assert bad.verdict.action is Action.ROLLBACK
    assert from_json(to_json(bad.state)) == bad.state


def test_a_switch_from_before_refusals_were_counted_has_no_limit_to_exceed(minute):
    state = rolled(BLUE_GREEN, minute, untold, untold, minutes=7, beside=False)[-1].state
    assert state.desired_percent == 100
    decisions = rolled(BLUE_GREEN, minute, share(0.3), none, state=state, minutes=20, beside=False)
    assert moves(decisions)[-1] == ("promote", 100)


def test_an_entry_of_a_record_from_before_tells_no_refusals():
    line = {"observation": {"interval": 1, "now": 60.0, "canary": {"requests": 9, "errors": 1}}}
    assert from_line(json.dumps(line)).canary == Counts(requests=9, errors=1, refused=None)


def test_a_policy_needs_another_judge_beside_a_gate_that_not_every_platform_feeds():
    with pytest.raises(Exception, match="errors or latency must be on"):
        parse("gates: {errors: false, latency: false}")
    assert not parse("gates: {refusals: false}").gates.refusals


ROLLOUTS = 3000


def outcome(**scenario):
    return simulate(CANARY, Scenario(**scenario), ROLLOUTS, 7)


@pytest.mark.parametrize("rate", RATES)
def test_equal_refusals_are_seldom_rolled_back_and_mostly_promoted(rate):
    decisions = outcome(canary_refused=rate, stable_refused=rate)
    assert decisions.share(ROLLED_BACK) <= 0.05
    assert decisions.share(PROMOTED) >= 0.95


@pytest.mark.parametrize("rate", RATES)
def test_a_canary_that_refuses_everything_is_never_promoted(rate):
    decisions = outcome(canary_refused=1.0, stable_refused=rate)
    assert decisions.share(ROLLED_BACK) == 1
    assert decisions.median_requests(ROLLED_BACK) <= 120


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.3])
def test_doubled_refusals_are_seldom_promoted(rate):
    decisions = outcome(canary_refused=2 * rate, stable_refused=rate)
    assert decisions.share(PROMOTED) <= 0.05
    assert decisions.share(ROLLED_BACK) >= 0.95
