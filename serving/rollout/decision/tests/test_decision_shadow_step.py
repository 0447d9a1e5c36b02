"""The shadow phase of a rollout: who gets which requests, and when."""

from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind, apply, begin
from kanaria.serving.rollout.decision.rollout_state import Action, Phase, Question
from kanaria.serving.rollout.decision.shadow_step import mirrored_percent
from kanaria.serving.rollout.policy.rollout_policy import parse

SHADOW = parse("strategy: shadow\nmirror_percent: 40\nsteps: [{percent: 0}, {percent: 10}]")


def shadowed(minute):
    return decide(begin(0.0), minute(0), SHADOW)


def test_a_canary_that_is_ready_gets_a_copy_and_no_traffic(minute):
    decision = shadowed(minute)
    assert decision.verdict.action is Action.SHIFT
    assert decision.state.desired_percent == 0
    assert mirrored_percent(begin(0.0), SHADOW) == 0
    assert mirrored_percent(decision.state, SHADOW) == 40


def test_copying_goes_on_while_a_person_pauses_and_ends_with_the_rollout(minute):
    state = shadowed(minute).state
    for kind, percent in ((CommandKind.PAUSE, 40), (CommandKind.ROLLBACK, 0)):
        state = apply(state, Command(kind=kind, who="kim", when=60.0), SHADOW).state
        assert mirrored_percent(state, SHADOW) == percent


def test_a_shadow_that_stops_being_ready_is_given_up(minute):
    once = decide(shadowed(minute).state, minute(1, ready=False), SHADOW)
    decision = decide(once.state, minute(2, ready=False), SHADOW)
    assert decision.state.phase is Phase.ROLLED_BACK
    assert "a copy of the requests" in decision.verdict.reasons[0]


def test_nothing_is_copied_under_other_strategies(drive):
    policy = parse("steps: [{percent: 10}]")
    assert {mirrored_percent(one.state, policy) for one in drive(policy, 5)} == {0}


JUDGED = parse("strategy: shadow\nsteps: [{percent: 0}, {percent: 10}]\ngates: {inputs: {}}")


def shadow(minute, answered, minutes, policy=JUDGED, **each):
    """Decide minute after minute on 100 rows that both answered; `each` are totals a row in 100."""
    state, decisions = begin(0.0), []
    for n in range(minutes):
        totals = {name: count * n for name, count in each.items()}
        models = answered(100 * n, totals.pop("apart", 0), **totals)
        decisions.append(decide(state, minute(n, models=models), policy))
        state = decisions[-1].state
    return decisions


def moves(decisions):
    acted = [one.verdict for one in decisions if one.verdict.action is not Action.HOLD]
    return [(str(verdict.action), verdict.percent) for verdict in acted]


def test_models_that_agree_leave_the_shadow_without_a_label(minute, answered):
    decisions = shadow(minute, answered, 30, windows=1)
    assert moves(decisions)[:2] == [("shift", 0), ("shift", 10)]


def test_a_shadow_alone_is_promoted(minute, answered):
    decisions = shadow(minute, answered, 30, parse("strategy: shadow"))
    assert moves(decisions) == [("shift", 0), ("promote", 100)]


def test_a_canary_that_is_wrong_where_they_disagree_is_rolled_back(minute, answered):
    decisions = shadow(minute, answered, 60, apart=6, stable_right=4, canary_right=1, windows=1)
    assert moves(decisions) == [("shift", 0), ("rollback", 0)]
    last = next(one.verdict for one in decisions if one.verdict.action is Action.ROLLBACK)
    assert "harm, above all in labels" in last.reasons[0]


def test_disagreement_without_labels_ends_with_a_question(minute, answered):
    decisions = shadow(minute, answered, 130, apart=6, windows=1)
    assert moves(decisions) == [("shift", 0), ("ask", 0)]
    assert decisions[-1].state.asked_step == "10%"
    approved = apply(
        decisions[-1].state, Command(kind=CommandKind.APPROVE, who="kim", when=7800.0), JUDGED
    )
    going_on = decide(approved.state, minute(131, models=answered(13100, 786)), JUDGED)
    assert going_on.verdict.percent == 10


def test_drifted_inputs_keep_a_canary_in_the_shadow_and_never_roll_back(minute, answered):
    decisions = shadow(minute, answered, 40, windows=1, drifted=1)
    assert moves(decisions) == [("shift", 0)]
    assert any("train it anew" in reason for reason in decisions[-1].verdict.reasons)


def test_a_question_of_a_gate_waits_for_a_person_and_is_asked_once(minute, answered):
    policy = parse("strategy: shadow\ngates: {disagreement: {limit: 0.01}, labels: {margin: 0.5}}")
    decisions = shadow(minute, answered, 30, policy, apart=6)
    assert moves(decisions) == [("shift", 0), ("ask", 0)]
    assert (decisions[-1].state.question, decisions[-1].state.asked_step) == (
        Question.FINDING,
        "disagreement",
    )
    command = Command(kind=CommandKind.APPROVE, who="kim", when=1800.0)
    state = apply(decisions[-1].state, command, policy).state
    assert decide(state, minute(30, models=answered(3000, 180)), policy).verdict.action is (
        Action.PROMOTE
    )


def test_a_silent_drift_server_asks_a_person(minute):
    state, decisions = begin(0.0), []
    for n in range(10):
        decisions.append(decide(state, minute(n), JUDGED))
        state = decisions[-1].state
    assert moves(decisions) == [("shift", 0), ("ask", 0)]
    assert state.question is Question.NO_DATA


def test_late_labels_still_roll_back_a_canary_that_has_left_the_shadow(
    minute, answered, make_counts
):
    state = shadow(minute, answered, 8, windows=1)[-1].state
    assert state.desired_percent == 10
    late = answered(5000, 60, stable_right=55, canary_right=5)
    observed = minute(9, make_counts(60), make_counts(540), models=late)
    assert decide(state, observed, JUDGED).verdict.action is Action.ROLLBACK


def test_after_the_shadow_errors_and_latency_decide_without_pairs(minute, answered, make_counts):
    policy = parse("strategy: shadow\nsteps: [{percent: 0}, {percent: 10}]")
    state = shadow(minute, answered, 8, policy)[-1].state
    decisions = []
    for n in range(9, 40):
        observed = minute(n, make_counts(60, 1, 3), make_counts(540, 9, 27))
        decisions.append(decide(state, observed, policy))
        state = decisions[-1].state
    assert moves(decisions) == [("promote", 100)]
