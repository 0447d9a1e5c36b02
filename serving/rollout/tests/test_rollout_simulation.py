"""What the policies promise, over thousands of simulated rollouts with a look every minute."""

import pytest

from kanaria.serving.rollout.commands import begin
from kanaria.serving.rollout.decide import decide
from kanaria.serving.rollout.observation import Counts, Observation, RevisionFacts
from kanaria.serving.rollout.policy import parse
from kanaria.serving.rollout.simulate import (
    PROMOTED,
    ROLLED_BACK,
    UNDECIDED,
    Scenario,
    simulate,
)
from kanaria.serving.rollout.state import Phase

ALL_GATES = parse("steps: [{percent: 10}]")
ERRORS_ALONE = parse("steps: [{percent: 10}]\ngates: {latency: false, refusals: false}")
RAMP = parse("steps: [{percent: 10}, {percent: 25}, {percent: 50}]")
ROLLOUTS = 4000


def outcome(policy, seed=7, rollouts=ROLLOUTS, **scenario):
    return simulate(policy, Scenario(**scenario), rollouts, seed)


@pytest.mark.parametrize("policy", [ALL_GATES, ERRORS_ALONE, RAMP], ids=["all", "errors", "ramp"])
def test_a_canary_that_is_no_worse_is_seldom_rolled_back(policy):
    assert outcome(policy).share(ROLLED_BACK) <= 0.05


def test_a_good_canary_is_promoted_soon():
    found = outcome(ALL_GATES)
    assert found.share(PROMOTED) >= 0.95
    assert found.median_requests(PROMOTED) <= 1000


@pytest.mark.parametrize(
    ("policy", "median"), [(ALL_GATES, 1500), (ERRORS_ALONE, 1100)], ids=["all", "errors"]
)
def test_doubled_errors_are_rolled_back_soon_and_seldom_promoted(policy, median):
    found = outcome(policy, canary_errors=0.02)
    assert found.share(PROMOTED) <= 0.05
    assert found.share(ROLLED_BACK) >= 0.95
    assert found.median_requests(ROLLED_BACK) <= median


def test_doubled_slow_answers_are_rolled_back():
    found = outcome(ALL_GATES, canary_slow=0.10)
    assert found.share(ROLLED_BACK) >= 0.99


def test_a_canary_without_errors_beside_a_stable_one_without_is_promoted():
    clean = {"canary_errors": 0.0, "stable_errors": 0.0}
    found = outcome(ALL_GATES, **clean)
    assert found.share(PROMOTED) >= 0.95
    assert found.median_requests(PROMOTED) <= 1000


@pytest.mark.parametrize("shape", [2.0, 0.5, 0.2])
def test_bursts_that_hit_both_revisions_break_no_promise(shape):
    assert outcome(ALL_GATES, burst_shape=shape).share(ROLLED_BACK) <= 0.05
    doubled = outcome(ALL_GATES, burst_shape=shape, canary_errors=0.02)
    assert doubled.share(PROMOTED) <= 0.05


def test_bursts_of_one_revision_alone_do_break_it():
    # This states a known limit: decision 0012 tells the same figure.
    found = outcome(ALL_GATES, burst_shape=0.5, shared_bursts=False)
    assert 0.15 <= found.share(ROLLED_BACK) <= 0.25


def observations(trace, rollout):
    """The counts of one simulated rollout as a controller would observe them."""
    for number, minute in enumerate(trace):
        counts = []
        requests = (minute.canary_requests[rollout], minute.stable_requests[rollout])
        for index, total in enumerate(requests):
            errors, refused, slow = (
                int(minute.of(name)[index][rollout]) for name in ("errors", "refusals", "latency")
            )
            slower = ((0.1, slow),)
            counts.append(
                Counts(requests=int(total), errors=errors, refused=refused, slower=slower)
            )
        yield Observation(
            interval=number,
            now=60.0 * number,
            canary=counts[0],
            stable=counts[1],
            facts=RevisionFacts(ready=True),
        )


@pytest.mark.parametrize("policy", [ALL_GATES, RAMP], ids=["one step", "ramp"])
@pytest.mark.parametrize(("canary_errors", "refused"), [(0.01, 0.1), (0.02, 0.1), (0.01, 0.17)])
def test_the_arrays_decide_as_decide_does(policy, canary_errors, refused):
    trace = []
    scenario = Scenario(
        canary_errors=canary_errors, canary_refused=refused, stable_refused=0.1, minutes=90
    )
    found = simulate(policy, scenario, 25, 3, trace)
    ends = {Phase.PROMOTED: PROMOTED, Phase.ROLLED_BACK: ROLLED_BACK}
    for rollout in range(25):
        state, ended = begin(0.0), scenario.minutes
        for seen in observations(trace, rollout):
            state = decide(state, seen, policy).state
            if state.phase in ends:
                ended = seen.interval
                break
        assert ends.get(state.phase, UNDECIDED) == found.outcomes[rollout]
        assert ended == found.minutes[rollout]
