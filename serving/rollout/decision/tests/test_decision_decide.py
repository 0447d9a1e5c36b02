import numpy as np
import pytest

from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import begin
from kanaria.serving.rollout.decision.rollout_state import Action, Phase, Question
from kanaria.serving.rollout.policy.rollout_policy import parse

CANARY = parse("steps: [{percent: 10}, {percent: 50}]")


def actions(decisions):
    return [decision.verdict.action for decision in decisions]


def moves(decisions):
    """What happened to the traffic, without the minutes in which nothing did."""
    acted = [one.verdict for one in decisions if one.verdict.action is not Action.HOLD]
    return [(str(verdict.action), verdict.percent) for verdict in acted]


def test_a_good_canary_climbs_and_is_promoted(drive):
    assert moves(drive(CANARY, 60)) == [("shift", 10), ("shift", 50), ("promote", 100)]


def test_a_step_lasts_its_exposure(drive):
    policy = parse("steps: [{percent: 10, minimum_requests: 601}, {percent: 50}]")
    shifts = [one.state.interval for one in drive(policy, 60) if one.verdict.percent == 50]
    assert shifts[0] == 11


def test_a_step_lasts_its_time(drive):
    policy = parse("steps: [{percent: 10, minimum_minutes: 25}, {percent: 50}]")
    shifts = [one.state.interval for one in drive(policy, 60) if one.verdict.percent == 50]
    assert shifts[0] == 26  # The first minute is the warm-up.


def test_a_step_begins_with_the_warm_up(drive):
    policy = parse(
        "steps: [{percent: 10, minimum_requests: 0, minimum_minutes: 0}, {percent: 50}]\n"
        "warm_up: {minutes: 3, requests: 400}"
    )
    decisions = drive(policy, 60)
    shifts = [one.state.interval for one in decisions if one.verdict.percent == 50]
    assert shifts[0] == 8  # 400 requests are there after 7 minutes; the next one counts.
    assert "340" not in decisions[7].verdict.reasons[0]
    assert decisions[7].verdict.reasons[0].endswith("7.0 of 3 minutes (warming up)")


def test_nothing_warms_up_where_no_gate_looks_at_latency(drive):
    policy = parse(
        "steps: [{percent: 10, minimum_requests: 0, minimum_minutes: 1}, {percent: 50}]\n"
        "gates: {latency: false}"
    )
    shifts = [one.state.interval for one in drive(policy, 60) if one.verdict.percent == 50]
    assert shifts[0] == 1


@pytest.fixture
def promoted(drive):
    """A rollout whose promotion is recorded, after an hour."""
    state = drive(CANARY, 60)[-1].state
    assert state.phase is Phase.PROMOTED
    return state


def test_a_promotion_that_is_not_true_yet_is_judged(promoted, minute, healthy, make_counts):
    errs = minute(60, make_counts(300, 150, 15), make_counts(300, 5, 15), percent=50)
    assert decide(promoted, errs, CANARY).verdict.action is Action.ROLLBACK
    assert decide(promoted, healthy(60, 50), CANARY).state.phase is Phase.PROMOTED


def test_a_promotion_that_is_true_is_over(promoted, minute, make_counts):
    errs = minute(60, make_counts(300, 150, 15), make_counts(300, 5, 15), percent=100)
    assert decide(promoted, errs, CANARY).verdict.action is Action.HOLD


def test_a_promotion_without_data_stays_one(promoted, minute):
    state = promoted
    for number in range(60, 240):
        decision = decide(state, minute(number, percent=50), CANARY)
        assert decision.verdict.action is Action.HOLD
        state = decision.state
    assert state.phase is Phase.PROMOTED


def test_a_basic_rollout_promotes_what_is_ready(minute):
    policy = parse("strategy: basic")
    waiting = decide(begin(0.0), minute(1, ready=False), policy)
    assert waiting.verdict.action is Action.HOLD
    assert decide(waiting.state, minute(2), policy).verdict.action is Action.PROMOTE


def test_blue_green_switches_watches_and_promotes(minute, make_counts):
    policy = parse("strategy: blue_green")
    state, decisions = begin(0.0), []
    for n in range(30):
        live = make_counts(600, 6, 30)
        counts = {"canary": live} if state.desired_percent else {"stable": live}
        decisions.append(decide(state, minute(n, **counts), policy))
        state = decisions[-1].state
    assert moves(decisions) == [("shift", 100), ("promote", 100)]


def test_blue_green_does_not_switch_before_it_knows_the_stable_revision(minute, make_counts):
    policy = parse("strategy: blue_green")
    state, decisions = begin(0.0), []
    for n in range(3):
        decisions.append(decide(state, minute(n, None, make_counts(600, 1, 30)), policy))
        state = decisions[-1].state
    assert "learning" in decisions[-1].verdict.reasons[0]
    assert moves(decisions) == []


def test_blue_green_asks_when_the_stable_revision_is_silent(minute):
    policy = parse("strategy: blue_green")
    state, decisions = begin(0.0), []
    for n in range(9):
        decisions.append(decide(state, minute(n), policy))
        state = decisions[-1].state
    assert moves(decisions) == [("ask", 0)]


def test_blue_green_returns_when_errors_exceed_twice_those_before(minute, make_counts):
    policy = parse("strategy: blue_green")
    state, decisions = begin(0.0), []
    for n in range(30):
        before, after = make_counts(600, 6, 30), make_counts(600, 30, 30)
        counts = {"canary": after} if state.desired_percent else {"stable": before}
        decisions.append(decide(state, minute(n, **counts), policy))
        state = decisions[-1].state
    assert moves(decisions) == [("shift", 100), ("rollback", 0)]


def test_a_failing_canary_is_rolled_back_with_the_numbers(drive, minute, make_counts):
    state = drive(CANARY, 3)[-1].state
    decision = decide(state, minute(3, make_counts(60, 20), make_counts(540, 5)), CANARY)
    assert decision.verdict.action is Action.ROLLBACK
    assert decision.state.phase is Phase.ROLLED_BACK
    assert any("errors: canary 22/180" in reason for reason in decision.verdict.reasons)


def test_a_canary_that_never_becomes_ready_is_given_up_without_traffic(minute):
    state, decisions = begin(0.0), []
    for n in range(20):
        decisions.append(decide(state, minute(n, ready=False), CANARY))
        state = decisions[-1].state
    assert moves(decisions) == [("rollback", 0)]
    assert {one.state.desired_percent for one in decisions} == {0}


def test_a_model_that_does_not_load_is_given_up_at_once(minute):
    decision = decide(begin(0.0), minute(0, ready=False, failure="no such file"), CANARY)
    assert decision.verdict.reasons == ("the model did not load: no such file",)


def looks(drive, minute, policy, readiness):
    """What is decided at looks after the first three, at which the canary is ready or not."""
    state, decisions = drive(policy, 3)[-1].state, []
    for n, ready in enumerate(readiness, 3):
        decisions.append(decide(state, minute(n, ready=ready), policy))
        state = decisions[-1].state
    return decisions


def test_a_canary_that_is_not_ready_at_two_looks_loses_its_traffic(drive, minute):
    decisions = looks(drive, minute, CANARY, [False, False])
    assert actions(decisions) == [Action.HOLD, Action.ROLLBACK]
    assert decisions[-1].verdict.reasons[0] == (
        "the canary was not ready at 2 looks in a row while it had 10 % of the traffic"
    )


def left_out(minute, number):
    """A minute in which the platform gave a canary that is not ready none of its requests."""
    return minute(number, ready=False, percent=0)


def test_a_canary_that_was_left_out_while_not_ready_is_told_and_rolled_back(drive, minute):
    state, decisions = drive(CANARY, 3)[-1].state, []
    for number in (3, 4):
        decisions.append(decide(state, left_out(minute, number), CANARY))
        state = decisions[-1].state
    assert actions(decisions) == [Action.HOLD, Action.ROLLBACK]
    assert decisions[-1].verdict.reasons[0] == (
        "the canary was not ready at 2 looks in a row and got none of its 10 % of the traffic"
    )


def test_silence_of_a_canary_that_is_left_out_is_told_as_what_it_is(drive, minute):
    policy = parse("unready_looks: 20\nno_data: {minutes: 5, action: rollback}")
    state = drive(policy, 3)[-1].state
    for number in range(3, 12):
        decision = decide(state, left_out(minute, number), policy)
        state = decision.state
        if decision.verdict.action is Action.ROLLBACK:
            break
    assert decision.verdict.reasons[0].startswith("no data for 5 minutes from ")
    assert decision.verdict.reasons[0].endswith(": the canary is not ready and gets no requests")


def test_one_look_at_which_it_is_not_ready_raises_and_rolls_back_nothing(drive, healthy):
    state = drive(CANARY, 9)[-1].state
    assert state.desired_percent == 50
    blink = decide(state, healthy(9, 50, ready=False), CANARY)
    assert (blink.verdict.action, blink.verdict.percent) == (Action.HOLD, 50)
    assert moves(drive(CANARY, 60, blink.state)) == [("promote", 100)]


def test_nothing_is_promoted_at_a_look_at_which_it_is_not_ready(drive, healthy):
    decisions = drive(CANARY, 60)
    promoted = next(one.state.interval for one in decisions if one.verdict.percent == 100)
    late = decide(decisions[promoted - 1].state, healthy(promoted, 50, ready=False), CANARY)
    assert late.verdict.action is Action.HOLD
    assert late.verdict.reasons[0].startswith("not ready, ")


def test_traffic_is_not_raised_at_a_look_at_which_it_is_not_ready(drive, healthy):
    decisions = drive(CANARY, 60)
    raised = next(one.state.interval for one in decisions if one.verdict.percent == 50)
    late = decide(decisions[raised - 1].state, healthy(raised, 10, ready=False), CANARY)
    assert late.verdict.action is Action.HOLD
    assert late.verdict.reasons[0] == "the canary is not ready now; traffic is not raised"


def test_a_canary_that_flaps_is_rolled_back(drive, minute):
    decisions = looks(drive, minute, CANARY, [False, True] * 4)
    assert actions(decisions)[5:7] == [Action.HOLD, Action.ROLLBACK]
    assert "not ready at 4 of 9 looks" in decisions[6].verdict.reasons[0]


def test_only_the_last_looks_count(drive, minute):
    policy = parse("steps: [{percent: 10, minimum_requests: 1000000}]\nno_data: {minutes: 1000}")
    seldom = ([False] + [True] * 6) * 20
    assert Action.ROLLBACK not in actions(looks(drive, minute, policy, seldom))
    often = ([False] + [True] * 4) * 20
    assert Action.ROLLBACK in actions(looks(drive, minute, policy, often))


def test_looks_at_which_readiness_is_not_known_are_none(drive, minute):
    assert actions(looks(drive, minute, CANARY, [False, None, None, False]))[-1] is Action.ROLLBACK
    assert Action.ROLLBACK not in actions(looks(drive, minute, CANARY, [False, True, False]))


@pytest.mark.parametrize("number", [1, 5])
def test_the_policy_says_at_how_many_looks(drive, minute, number):
    policy = parse(f"steps: [{{percent: 10}}, {{percent: 50}}]\nunready_looks: {number}")
    decisions = actions(looks(drive, minute, policy, [False] * number))
    assert decisions == [Action.HOLD] * (number - 1) + [Action.ROLLBACK]


def test_looks_before_the_canary_had_requests_do_not_count(healthy):
    state = begin(0.0)
    for n, ready in enumerate([False] * 9 + [True, True, False]):
        decision = decide(state, healthy(n, state.desired_percent, ready=ready), CANARY)
        state = decision.state
    assert (decision.verdict.action, decision.verdict.percent) == (Action.HOLD, 10)


def test_unknown_readiness_raises_no_traffic(minute):
    assert decide(begin(0.0), minute(0, ready=None), CANARY).verdict.action is Action.HOLD


def silent_for(minutes, policy, drive, minute):
    state, decisions = drive(policy, 3)[-1].state, []
    for n in range(3, 3 + minutes):
        decisions.append(decide(state, minute(n), policy))
        state = decisions[-1].state
    return decisions


def test_silence_asks_once_and_never_passes_nor_rolls_back(drive, minute):
    decisions = silent_for(600, CANARY, drive, minute)
    assert moves(decisions) == [("ask", 10)]
    assert decisions[-1].state.question is Question.NO_DATA


def test_silence_rolls_back_where_the_policy_says_so(drive, minute):
    policy = parse("no_data: {minutes: 5, action: rollback}")
    assert moves(silent_for(10, policy, drive, minute)) == [("rollback", 0)]


def test_the_question_about_silence_ends_with_the_silence(drive, minute):
    state = silent_for(10, CANARY, drive, minute)[-1].state
    assert moves(drive(CANARY, 60, state)) == [("shift", 50), ("promote", 100)]


def test_a_gate_without_its_data_is_silence(drive, minute):
    from kanaria.serving.rollout.observations.interval_observation import Counts

    state, decisions = drive(CANARY, 3)[-1].state, []
    for n in range(3, 12):
        canary, stable = (Counts(requests=number, errors=0) for number in (60, 540))
        decisions.append(decide(state, minute(n, canary, stable), CANARY))
        state = decisions[-1].state
    assert moves(decisions) == [("ask", 10)]
    assert (
        "latency"
        in next(one for one in decisions if one.verdict.action is Action.ASK).verdict.reasons[0]
    )


def test_what_convinces_nobody_is_asked(minute, make_counts, drive):
    policy = parse("steps: [{percent: 10}]\ninconclusive_minutes: 30")
    state = drive(policy, 1)[-1].state
    decisions = []
    for n in range(1, 36):
        # Between equal and doubled: neither harm nor health is shown.
        canary, stable = make_counts(60, 1 + n % 2, 3), make_counts(540, 9, 27)
        decisions.append(decide(state, minute(n, canary, stable), policy))
        state = decisions[-1].state
    assert moves(decisions) == [("ask", 10)]
    assert state.question is Question.INCONCLUSIVE


def test_observing_never_acts_and_says_what_it_would_do(minute, make_counts):
    policy = parse("automation: observe\nsteps: [{percent: 10}]")
    state, decisions = begin(0.0), []
    for n in range(40):
        observed = minute(n, make_counts(60, 0, 3), make_counts(540, 5, 27), percent=10 * (n > 2))
        decisions.append(decide(state, observed, policy))
        state = decisions[-1].state
    assert set(actions(decisions)) == {Action.HOLD}
    proposed = [
        (str(one.proposed.action), one.proposed.percent) for one in decisions if one.proposed
    ]
    assert proposed[0] == ("shift", 10)
    assert proposed[-1] == ("promote", 100)


def test_observing_proposes_the_rollback_of_a_failing_canary(minute, make_counts):
    policy = parse("automation: observe\nsteps: [{percent: 10}]")
    state = begin(0.0)
    for n in range(5):
        observed = minute(n, make_counts(60, 9), make_counts(540, 5), percent=10)
        state = decide(state, observed, policy).state
    assert state.proposed.action is Action.ROLLBACK
    assert state.desired_percent == 10


def test_going_back_and_up_again_makes_no_new_wealth(minute, make_counts):
    policy = parse("automation: observe\nsteps: [{percent: 10}, {percent: 30}, {percent: 50}]")
    state, wealth = begin(0.0), []
    for n, percent in enumerate([0, 10, 30, 50, 0, 50, 0, 10, 50, 0, 30, 50]):
        none = make_counts(0)
        state = decide(state, minute(n, none, none, percent=percent), policy).state
        wealth.append(float(np.exp(state.evidence["errors"].harm_by_ratio).sum()))
    assert wealth[:4] == pytest.approx([0.7, 0.7, 0.85, 1.0])
    assert wealth[4:] == pytest.approx([1.0] * 8)


def test_a_step_that_was_jumped_over_brings_nothing_later(minute, make_counts):
    policy = parse("automation: observe\nsteps: [{percent: 10}, {percent: 30}, {percent: 50}]")
    state = begin(0.0)
    for n, percent in enumerate([50, 0, 30, 50, 10, 30]):
        none = make_counts(0)
        state = decide(state, minute(n, none, none, percent=percent), policy).state
    assert np.exp(state.evidence["errors"].harm_by_ratio).sum() == pytest.approx(0.85)


def test_observing_without_steps_follows_any_share_that_others_set(minute):
    policy = parse("automation: observe\nstrategy: basic")
    state = decide(begin(0.0), minute(1, percent=30), policy).state
    assert (state.phase, state.desired_percent) == (Phase.PROGRESSING, 30)
    assert state.proposed.action is Action.PROMOTE


def test_the_steps_a_policy_names_wait_for_a_person(drive):
    policy = parse("automation: approve\napprove_before: [50%]")
    decisions = drive(policy, 60)
    assert moves(decisions) == [("shift", 10), ("ask", 10)]
    assert decisions[-1].state.asked_step == "50%"


def test_harm_rolls_back_while_a_person_is_asked(drive, minute, make_counts):
    policy = parse("automation: approve\napprove_before: [50%]")
    state = drive(policy, 30)[-1].state
    decision = decide(state, minute(30, make_counts(60, 40), make_counts(540, 5)), policy)
    assert decision.verdict.action is Action.ROLLBACK


def test_an_interval_seen_again_gives_the_same_decision(drive, healthy):
    for decision in drive(CANARY, 40):
        again = healthy(decision.state.interval, 99, restarts=9)
        assert decide(decision.state, again, CANARY) == decision


@pytest.mark.parametrize("phase", [Phase.PROMOTED, Phase.ROLLED_BACK, Phase.SUPERSEDED])
def test_a_rollout_that_is_over_stays_as_it_is(healthy, phase):
    from dataclasses import replace

    state = replace(begin(0.0), phase=phase)
    decision = decide(state, healthy(5, failure="late"), CANARY)
    assert decision.verdict.action is Action.HOLD
    assert decision.state.phase is phase
