import pytest

from kanaria.components.shared.errors import DataError
from kanaria.serving.rollout.judgement.gates.gate import evidence_text
from kanaria.serving.rollout.observations.interval_observation import Counts
from kanaria.serving.rollout.policy.gate_budgets import panel
from kanaria.serving.rollout.policy.rollout_policy import parse

CANARY = parse("steps: [{percent: 10}, {percent: 50}]")
ONE_STEP = parse("steps: [{percent: 10}]")


def gate(name, policy=ONE_STEP):
    return next(one for one in panel(policy) if one.name == name)


def after(judge, observations):
    evidence = judge.start()
    for observation in observations:
        evidence = judge.observe(evidence, observation)
    return evidence


def test_alpha_is_split_by_weight():
    policy = parse("gates: {errors: {weight: 2}, refusals: {weight: 1}, latency: {weight: 1}}")
    alphas = {one.name: one.promise.alpha for one in panel(policy)[1:]}
    assert alphas == pytest.approx({"errors": 0.025, "refusals": 0.0125, "latency": 0.0125})


def test_strategy_basic_has_hard_rules_only():
    assert [one.name for one in panel(parse("strategy: basic"))] == ["hard_rules"]


@pytest.mark.parametrize(
    ("e_value", "text"), [(0.000204, "0.000204"), (2071.3, "2,071"), (3e7, "3e+07"), (20, "20")]
)
def test_evidence_is_written_without_a_power_of_ten_below_a_million(e_value: float, text: str):
    assert evidence_text(e_value) == text


def test_many_errors_of_the_canary_are_evidence_of_harm(minute, make_counts):
    minutes = [minute(n, make_counts(60, 4), make_counts(540, 5)) for n in range(5)]
    finding = gate("errors").judge(after(gate("errors"), minutes))
    assert finding.spent >= 1
    assert not finding.accepted


def test_errors_of_both_are_no_evidence_of_harm(minute, make_counts):
    minutes = [minute(n, make_counts(60, 30), make_counts(540, 270)) for n in range(30)]
    finding = gate("errors").judge(after(gate("errors"), minutes))
    assert finding.spent < 0.1
    assert finding.accepted


def test_a_few_errors_below_the_minimum_are_not_counted(minute, make_counts):
    minutes = [minute(1, make_counts(4, 4), make_counts(540, 0))]
    assert gate("errors").judge(after(gate("errors"), minutes)).spent == 0


def test_errors_that_are_tolerated_are_no_harm_though_stable_has_none(minute, make_counts):
    minutes = [minute(n, make_counts(1000, 4), make_counts(9000, 0)) for n in range(30)]
    assert gate("errors").judge(after(gate("errors"), minutes)).spent < 0.1


def test_a_canary_without_errors_is_accepted_beside_a_stable_one_without(minute, make_counts):
    minutes = [minute(n, make_counts(60), make_counts(540)) for n in range(14)]
    assert gate("errors").judge(after(gate("errors"), minutes)).accepted


def test_no_data_is_no_evidence(minute, make_counts):
    judge = gate("errors")
    missing = [minute(1), minute(2, make_counts(9, 9)), minute(3, None, make_counts(9))]
    assert after(judge, missing) == judge.start()


def test_evidence_of_health_begins_anew_in_every_step(minute, make_counts):
    judge = gate("errors", CANARY)
    minutes = [minute(n, make_counts(60), make_counts(540)) for n in range(30)]
    evidence = after(judge, minutes)
    assert judge.judge(evidence).accepted
    assert not judge.judge(judge.restart(evidence, 1)).accepted


def test_a_canary_that_fails_only_in_a_later_step_is_found_soon(minute, make_counts):
    judge = gate("errors", CANARY)
    good = [minute(n, make_counts(60, 1), make_counts(540, 9)) for n in range(600)]
    evidence = judge.restart(after(judge, good), 1)
    for n in range(4):
        evidence = judge.observe(
            evidence, minute(600 + n, make_counts(300, 9), make_counts(300, 3))
        )
    assert judge.judge(evidence).spent >= 1


def test_bursts_of_the_stable_revision_are_told(minute, make_counts):
    minutes = [
        minute(n, make_counts(60, 1), make_counts(540, 50 if n % 10 == 0 else 0)) for n in range(30)
    ]
    text = gate("errors").judge(after(gate("errors"), minutes)).text
    assert "come in bursts (dispersion 46.6)" in text
    assert "set variation: 3.0" in text


def test_bursts_that_the_policy_allows_for_are_not_told(minute, make_counts):
    policy = parse("steps: [{percent: 10}]\ngates: {errors: {variation: 3.1}}")
    minutes = [
        minute(n, make_counts(60, 1), make_counts(540, 50 if n % 10 == 0 else 0)) for n in range(30)
    ]
    judge = gate("errors", policy)
    assert "bursts" not in judge.judge(after(judge, minutes)).text


def test_rates_are_told_of_the_same_time(minute, make_counts):
    alone = [minute(n, make_counts(0), make_counts(600, 60)) for n in range(5)]
    beside = [minute(n, make_counts(60, 1), make_counts(540, 5)) for n in range(5, 9)]
    text = gate("errors").judge(after(gate("errors"), alone + beside)).text
    assert "canary 4/240 (1.67%), stable 20/2160 (0.93%) beside it" in text


def slow(requests, *table):
    return Counts(requests=requests, errors=0, slower=table)


def test_slow_is_what_at_most_five_percent_of_stable_exceed(minute):
    stable = slow(300, (0.1, 100), (0.2, 15), (0.5, 1))
    evidence = after(gate("latency"), [minute(1, None, stable)])
    assert evidence.bound == 0.2


def test_the_bound_needs_enough_requests(minute):
    stable = slow(150, (0.1, 50), (0.2, 1))
    assert after(gate("latency"), [minute(1, None, stable)]).bound is None
    assert after(gate("latency"), [minute(1, None, stable), minute(2, None, stable)]).bound == 0.2


def test_a_slow_canary_is_evidence_of_harm(minute):
    reference = minute(0, None, slow(540, (0.1, 20)))
    minutes = [minute(n, slow(60, (0.1, 30)), slow(540, (0.1, 20))) for n in (1, 2)]
    assert gate("latency").judge(after(gate("latency"), [reference, *minutes])).spent >= 1


def test_a_histogram_without_the_bound_is_no_data(minute):
    reference = minute(0, None, slow(540, (0.1, 20)))
    other = minute(1, slow(60, (0.3, 30)), slow(540, (0.3, 20)))
    evidence = after(gate("latency"), [reference, other])
    assert evidence.rate.canary_requests == 0


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"failure": "no such file"}, "did not load: no such file"),
        ({"oom_kills": 1}, "1 OOM kills; 0 are allowed"),
        ({"restarts": 3}, "3 restarts; 2 are allowed"),
    ],
)
def test_a_fact_stops_the_canary(minute, facts, words):
    judge = gate("hard_rules")
    assert words in judge.judge(after(judge, [minute(1, **facts)])).stop


def test_restarts_add_up_over_the_rollout(minute):
    judge = gate("hard_rules")
    minutes = [minute(n, restarts=1) for n in range(3)]
    assert judge.judge(after(judge, minutes[:2])).stop == ""
    assert judge.judge(after(judge, minutes)).stop


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests": -1, "errors": 0},
        {"requests": 1, "errors": 2},
        {"requests": 9, "errors": 0, "slower": ((0.2, 1), (0.1, 2))},
    ],
)
def test_counts_that_cannot_be_are_refused(wrong):
    with pytest.raises(DataError):
        Counts(**wrong)
