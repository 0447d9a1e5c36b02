"""The shadow phase of a rollout: who gets which requests, and when."""

from kanaria.serving.rollout.commands import Command, CommandKind, apply, begin
from kanaria.serving.rollout.decide import decide
from kanaria.serving.rollout.policy import parse
from kanaria.serving.rollout.shadow import mirrored_percent
from kanaria.serving.rollout.state import Action, Phase

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
    decision = decide(shadowed(minute).state, minute(1, ready=False), SHADOW)
    assert decision.state.phase is Phase.ROLLED_BACK
    assert "a copy of the requests" in decision.verdict.reasons[0]


def test_nothing_is_copied_under_other_strategies(drive):
    policy = parse("steps: [{percent: 10}]")
    assert {mirrored_percent(one.state, policy) for one in drive(policy, 5)} == {0}
