"""The gates on what models answer: predictions, disagreement, labels and inputs."""

import numpy as np
import pytest
from scipy.stats import binom

from kanaria.components.shared.errors import DataError
from kanaria.serving.protocol.comparison_document import ModelCounts
from kanaria.serving.rollout.judgement.gates.input_drift import InputEvidence
from kanaria.serving.rollout.judgement.gates.label_accuracy import loss_bounds
from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.policy.gate_budgets import panel
from kanaria.serving.rollout.policy.rollout_policy import parse

SHADOW = parse(
    "strategy: shadow\ngates: {disagreement: {limit: 0.1}, inputs: {}, labels: {weight: 2}}"
)
RUNS = 200
MOST_FALSE = binom.ppf(0.999, RUNS, 0.05)
SHARES = [0.6, 0.3, 0.1]
LIVE = parse("steps: [{percent: 10}]\ngates: {predictions: {}}")


def gate(name, policy=SHADOW):
    return next(one for one in panel(policy) if one.name == name)


def answered(pairs, apart=0, upward=None, **more):
    """Two models of two classes that both answered `pairs` rows, `apart` of them differently."""
    up = apart // 2 if upward is None else upward
    return ModelCounts(
        canary={"no": pairs - up, "yes": up},
        stable={"no": pairs - apart + up, "yes": apart - up},
        pairs=pairs,
        canary_apart={"no": apart - up, "yes": up},
        stable_apart={"no": up, "yes": apart - up},
        **more,
    )


def finding_of(name, *counts, policy=SHADOW):
    judge = gate(name, policy)
    evidence = judge.start()
    for number, models in enumerate(counts):
        observed = Observation(interval=number, now=60.0 * number, models=models)
        evidence = judge.observe(evidence, observed)
    return judge.judge(evidence)


def test_the_chance_of_a_false_rollback_is_split_over_the_gates_that_roll_back():
    alphas = {one.name: one.promise.alpha for one in panel(SHADOW) if hasattr(one, "promise")}
    assert alphas == pytest.approx(
        {"errors": 0.01, "refusals": 0.01, "latency": 0.01, "labels": 0.02}
    )


def test_models_that_hardly_disagree_lose_little_whatever_the_labels_say():
    finding = finding_of("labels", answered(1000, 2))
    assert finding.accepted
    assert 0.002 < finding.numbers["loss_high"] < 0.02


def test_models_that_disagree_need_labels():
    assert not finding_of("labels", answered(3000, 180)).accepted
    equal = answered(6000, 360, stable_right=75, canary_right=75)
    assert finding_of("labels", equal).accepted


def test_a_canary_that_is_wrong_where_they_disagree_is_harm():
    finding = finding_of("labels", answered(3000, 180, stable_right=50, canary_right=20))
    assert finding.spent >= 1
    assert not finding.accepted


def test_a_few_labels_are_no_reason_to_roll_back():
    assert finding_of("labels", answered(900, 60, stable_right=9)).spent == 0


def test_labels_that_prefer_none_are_no_harm():
    assert finding_of("labels", answered(900, 60, neither_right=60)).spent < 1


def test_a_corrected_label_counts_as_it_is_now():
    wrong, right = ({"stable_right": a, "canary_right": 40 - a} for a in (35, 20))
    corrected = finding_of("labels", answered(3000, 99, **wrong), answered(3000, 99, **right))
    assert corrected == finding_of("labels", answered(3000, 99, **right))


def test_the_loss_lies_between_its_bounds_and_labels_narrow_them():
    widths = []
    for labels in (0, 40, 400):
        low, high = loss_bounds(10_000, 600, (labels * 0.6, labels * 0.4, 0), 0.05)
        assert low < 0.06 * 0.2 < high
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_a_person_is_asked_where_models_disagree_more_than_they_may():
    assert finding_of("disagreement", answered(1000, 300)).question
    assert finding_of("disagreement", answered(1000, 100)).question == ""
    assert not finding_of("disagreement", answered(1000, 100)).accepted
    assert finding_of("disagreement", answered(1000, 30)).accepted


def test_without_a_limit_any_disagreement_is_accepted():
    assert finding_of("disagreement", answered(10, 10), policy=parse("strategy: shadow")).accepted


def test_predictions_that_lean_to_one_side_are_asked_about_in_the_shadow():
    leaning = [answered(300 * n, 60 * n, 55 * n) for n in range(1, 5)]
    finding = finding_of("predictions", *leaning)
    assert "the canary predicts otherwise" in finding.question
    assert finding.numbers["variation"] == pytest.approx(50 / 300)


def test_disagreement_to_both_sides_is_no_change_of_the_distribution():
    finding = finding_of("predictions", *(answered(300 * n, 60 * n) for n in range(1, 20)))
    assert finding.question == ""
    assert finding.accepted


def split(canary_yes, stable_yes, minutes):
    """60 and 540 rows a minute, without a row that both answered."""
    return [
        ModelCounts(
            canary={"no": (60 - canary_yes) * n, "yes": canary_yes * n},
            stable={"no": (540 - stable_yes) * n, "yes": stable_yes * n},
        )
        for n in range(1, minutes)
    ]


def test_other_shares_of_classes_are_asked_about_under_split_traffic():
    assert finding_of("predictions", *split(20, 90, 20), policy=LIVE).question
    assert finding_of("predictions", *split(10, 90, 60), policy=LIVE).question == ""


def test_a_class_that_only_the_canary_gives_is_found_among_the_others():
    splits = [
        ModelCounts(
            canary={"no": 25 * n, "yes": 25 * n} | ({"maybe": 10 * n} if n > 3 else {}),
            stable={"no": 270 * n, "yes": 270 * n},
        )
        for n in range(1, 20)
    ]
    assert "'others'" in finding_of("predictions", *splits, policy=LIVE).question


def test_rows_that_the_store_has_forgotten_are_not_bet_on():
    splits = split(10, 90, 10)
    finding = finding_of("predictions", *splits, *split(10, 90, 3), policy=LIVE)
    assert finding.question == ""


def test_drifted_inputs_block_the_promotion_and_never_roll_back():
    finding = finding_of("inputs", answered(10, windows=3, drifted=3))
    assert not finding.accepted
    assert finding.spent == 0
    assert "train it anew" in finding.text


def test_a_false_alarm_among_many_windows_blocks_nothing():
    assert finding_of("inputs", answered(10, windows=20, drifted=1)).accepted


def test_inputs_that_nobody_judged_are_not_accepted():
    assert not finding_of("inputs", answered(10)).accepted


@pytest.mark.parametrize("name", ["predictions", "disagreement", "labels", "inputs"])
def test_without_a_drift_server_a_gate_hears_nothing(name):
    judge = gate(name)
    assert judge.observe(judge.start(), Observation(interval=1, now=60.0)) == judge.start()
    assert judge.start().heard is None
    assert not judge.judge(judge.start()).accepted or name == "predictions"


@pytest.mark.parametrize(
    "wrong",
    [
        {"pairs": 1, "canary_apart": {"a": 2}, "stable_apart": {"b": 2}},
        {"pairs": 9, "canary_apart": {"a": 2}, "stable_apart": {"b": 1}},
        {"stable_right": 1},
        {"windows": 1, "drifted": 2},
        {"canary": {"a": -1}},
    ],
)
def test_totals_that_cannot_be_are_refused(wrong):
    with pytest.raises(DataError):
        ModelCounts(**wrong)


def test_equal_shares_under_split_traffic_are_seldom_asked_about():
    judge, generator, questioned = gate("predictions", LIVE), np.random.default_rng(11), 0
    for _ in range(RUNS):
        evidence, totals = judge.start(), np.zeros((2, 3), dtype=int)
        questions = []
        for minute in range(1, 25):
            totals = totals + [generator.multinomial(rows, SHARES) for rows in (60, 540)]
            canary, stable = (dict(zip("abc", row.tolist(), strict=True)) for row in totals)
            models = ModelCounts(canary=canary, stable=stable)
            observed = Observation(interval=minute, now=60.0 * minute, models=models)
            evidence = judge.observe(evidence, observed)
            questions.append(judge.judge(evidence).question)
        questioned += any(questions)
    assert questioned <= MOST_FALSE


def test_false_alarms_of_a_detector_seldom_block():
    judge, generator = gate("inputs"), np.random.default_rng(12)
    flagged = (generator.random((RUNS, 40)) < 0.05).cumsum(axis=1)
    blocked = 0
    for run in flagged.tolist():
        evidences = [
            InputEvidence(heard=0.0, windows=windows, drifted=drifted)
            for windows, drifted in enumerate(run, 1)
        ]
        blocked += any(not judge.judge(evidence).accepted for evidence in evidences)
    assert blocked <= MOST_FALSE
