"""What the gates on models promise, over thousands of shadows with a look every minute."""

import pytest

from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import begin
from kanaria.serving.rollout.decision.rollout_state import Action, Phase
from kanaria.serving.rollout.observations.interval_observation import Observation, RevisionFacts
from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.rollout.simulation.shadow_simulation import (
    PROMOTED,
    QUESTION,
    ROLLED_BACK,
    UNDECIDED,
    ShadowScenario,
    simulate,
)

SHADOW = parse("strategy: shadow")
ROLLOUTS = 2000


def outcome(policy=SHADOW, **scenario):
    return simulate(policy, ShadowScenario(**scenario), ROLLOUTS, 7)


def test_a_canary_that_is_right_as_often_is_seldom_rolled_back_and_promoted_by_labels():
    characteristics = outcome()
    assert characteristics.share(ROLLED_BACK) <= 0.05
    assert characteristics.share(QUESTION) <= 0.05
    assert characteristics.share(PROMOTED) >= 0.9


def test_two_points_of_accuracy_are_found_with_a_hundred_labels():
    characteristics = outcome(loss=0.02)
    assert characteristics.share(ROLLED_BACK) >= 0.95
    assert characteristics.share(PROMOTED) <= 0.05
    assert characteristics.median(characteristics.labels, ROLLED_BACK) <= 100


def test_labels_that_come_late_break_no_promise():
    assert outcome(delay=40, minutes=90).share(ROLLED_BACK) <= 0.05
    assert outcome(loss=0.02, delay=40, minutes=90).share(PROMOTED) <= 0.05


def test_models_that_hardly_disagree_need_no_label():
    characteristics = outcome(disagreement=0.005, labels=0)
    assert characteristics.share(PROMOTED) >= 0.99


def test_a_canary_that_disagrees_as_often_as_it_may_lose_is_not_promoted_without_labels():
    assert outcome(disagreement=0.02, loss=0.02, labels=0, minutes=100).share(PROMOTED) <= 0.05


def test_a_person_is_asked_about_predictions_that_lean_to_one_side():
    assert outcome(upward=0.9).share(QUESTION) >= 0.95


def observed(totals, rollout, minute):
    return Observation(
        interval=minute,
        now=60.0 * minute,
        facts=RevisionFacts(ready=True),
        models=None if totals is None else totals.counts(rollout),
    )


@pytest.mark.parametrize("scenario", [{}, {"loss": 0.02}, {"upward": 0.8}, {"disagreement": 0.004}])
def test_the_arrays_decide_as_decide_does(scenario):
    policy = parse("strategy: shadow\ngates: {disagreement: {limit: 0.2}}")
    trace = []
    characteristics = simulate(policy, ShadowScenario(minutes=50, **scenario), 20, 3, trace)
    ends = {Phase.PROMOTED: PROMOTED, Phase.ROLLED_BACK: ROLLED_BACK}
    for rollout in range(20):
        state, ended, labels = begin(0.0), UNDECIDED, 0
        for minute, totals in enumerate([None, *trace]):
            decision = decide(state, observed(totals, rollout, minute), policy)
            state = decision.state
            labels = 0 if totals is None else totals.labels[rollout]
            outcome_so_far = QUESTION if decision.verdict.action is Action.ASK else UNDECIDED
            ended = ends.get(state.phase, outcome_so_far)
            if ended != UNDECIDED:
                break
        assert ended == characteristics.outcomes[rollout]
        assert labels == characteristics.labels[rollout]
