"""What a canary's slow answers count for while it warms up, minute by minute."""

import pytest

from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import begin
from kanaria.serving.rollout.decision.rollout_state import Action, Phase, from_json, to_json
from kanaria.serving.rollout.policy.rollout_policy import parse

DEFAULT = parse("strategy: canary")
TWO = "warm_up: {minutes: 2}"


@pytest.fixture
def serve(minute, make_counts):
    """Look minute after minute at a canary with `slow(minutes in the step)` of its answers slow."""

    def looks(policy, slow, minutes=60, requests=600, errors=0.0, clock=lambda n: 60.0 * n):
        state, decisions = begin(0.0), []
        for n in range(minutes):
            canary = requests * state.desired_percent // 100
            stable = requests - canary
            since = n - round(state.step_started / 60)
            observed = minute(
                n,
                make_counts(canary, round(canary * errors), round(canary * slow(since))),
                make_counts(stable, 0, stable // 20),
            )
            decisions.append(decide(state, at(observed, clock(n)), policy))
            state = decisions[-1].state
        return decisions

    return looks


def at(observed, now):
    from dataclasses import replace

    return replace(observed, now=now)


def ends(decisions):
    return decisions[-1].state.phase


def cold(minutes):
    return lambda since: 0.9 if since <= minutes else 0.05


def test_a_cold_start_in_every_step_is_no_harm(serve):
    assert ends(serve(DEFAULT, cold(1))) is Phase.PROMOTED


def test_a_start_that_is_cold_for_longer_needs_a_longer_warm_up(serve):
    assert ends(serve(DEFAULT, cold(4))) is Phase.ROLLED_BACK
    longer = parse("warm_up: {minutes: 4}")
    assert ends(serve(longer, cold(4))) is Phase.PROMOTED


def test_a_canary_that_stays_slow_is_rolled_back_at_the_first_look_that_counts(serve):
    decisions = serve(DEFAULT, lambda _since: 0.9)
    assert [one.verdict.action for one in decisions].index(Action.ROLLBACK) == 2


def test_errors_are_harm_in_the_first_look(serve):
    decisions = serve(DEFAULT, lambda _since: 0.05, errors=0.2)
    assert [one.verdict.action for one in decisions].index(Action.ROLLBACK) == 1


def test_a_canary_with_few_requests_is_cold_for_so_many(serve):
    # Four requests a minute: the warm-up ends by requests, not by minutes.
    def slow(since):
        return 1.0 if since <= 20 else 0.0

    by_requests = parse("steps: [{percent: 10}]\nwarm_up: {requests: 100}")
    assert ends(serve(by_requests, slow, requests=40, minutes=500)) is Phase.PROMOTED
    by_minutes = parse("steps: [{percent: 10}]\nwarm_up: {requests: 0}")
    assert ends(serve(by_minutes, slow, requests=40, minutes=500)) is Phase.ROLLED_BACK


def test_a_long_warm_up_is_no_silence(serve):
    policy = parse("warm_up: {minutes: 30}\nno_data: {minutes: 3}")
    decisions = serve(policy, lambda _since: 0.05, minutes=120)
    assert Action.ASK not in [one.verdict.action for one in decisions]
    assert ends(decisions) is Phase.PROMOTED


def test_a_clock_that_is_set_back_prolongs_no_warm_up(serve):
    decisions = serve(
        DEFAULT, lambda _since: 0.9, clock=lambda n: 60.0 * n - (86_400.0 if n > 0 else 0.0)
    )
    assert [one.verdict.action for one in decisions].index(Action.ROLLBACK) <= 3


def test_a_controller_that_died_in_the_warm_up_goes_on_with_it(serve, minute, make_counts):
    state = serve(parse(TWO), cold(2), minutes=2)[-1].state
    observed = minute(2, make_counts(60, 0, 54), make_counts(540, 0, 27))
    assert decide(from_json(to_json(state)), observed, parse(TWO)) == decide(
        state, observed, parse(TWO)
    )
    assert decide(state, observed, parse(TWO)).verdict.action is Action.HOLD
