from dataclasses import replace
from itertools import product

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind, apply, begin
from kanaria.serving.rollout.decision.rollout_state import Action, Approval, Phase
from kanaria.serving.rollout.policy.rollout_policy import parse

CANARY = parse("steps: [{percent: 10}, {percent: 50}]")
ASKING = parse("automation: approve\napprove_before: [10%, 50%, promote]")


def do(state, kind, policy=CANARY, step="", who="kim", when=9e3):
    return apply(state, Command(kind=CommandKind(kind), who=who, when=when, step=step), policy)


def test_an_approval_keeps_who_when_and_what(drive):
    state = drive(ASKING, 5)[-1].state
    approved = do(state, "approve", ASKING, when=400.0).state
    assert approved.approvals == (Approval(step="10%", who="kim", when=400.0),)
    assert approved.desired_percent == 0


def test_an_approved_step_begins_at_the_next_look(drive):
    state = drive(ASKING, 5)[-1].state
    later = drive(ASKING, 6, do(state, "approve", ASKING).state)
    assert later[-1].verdict.action is Action.SHIFT


def test_an_approval_given_beforehand_counts(drive):
    state = do(begin(0.0), "approve", ASKING, step="10%").state
    assert drive(ASKING, 1, state)[-1].verdict.percent == 10


def test_an_unknown_step_cannot_be_approved():
    with pytest.raises(ParameterError, match=r"step='20%': use one of 10%, 50%, promote"):
        do(begin(0.0), "approve", ASKING, step="20%")


def test_nobody_cannot_command():
    with pytest.raises(ParameterError, match="name a person"):
        do(begin(0.0), "pause", who="")


def test_a_paused_rollout_stays_where_it_is_until_resumed(drive):
    paused = do(drive(CANARY, 3)[-1].state, "pause").state
    waiting = drive(CANARY, 60, paused)
    assert {one.verdict.percent for one in waiting} == {10}
    resumed = do(waiting[-1].state, "resume", when=60.0 * 59).state
    assert drive(CANARY, 120, resumed)[-1].state.phase is Phase.PROMOTED


def test_harm_rolls_back_a_paused_rollout(drive, minute, make_counts):
    paused = do(drive(CANARY, 3)[-1].state, "pause").state
    decision = decide(paused, minute(3, make_counts(60, 40), make_counts(540, 5)), CANARY)
    assert decision.verdict.action is Action.ROLLBACK


def test_an_ordered_promotion_waits_for_readiness(minute):
    ordered = do(begin(0.0), "promote").state
    waiting = decide(ordered, minute(1, ready=None), CANARY)
    assert waiting.state.desired_percent == 0
    promoted = decide(waiting.state, minute(2), CANARY)
    assert promoted.verdict.action is Action.PROMOTE
    assert promoted.verdict.reasons[0] == "kim ordered it"


def test_approving_what_is_inconclusive_promotes_it(minute, make_counts):
    policy = parse("steps: [{percent: 10, minimum_minutes: 1}]\ninconclusive_minutes: 9")
    state = begin(0.0)
    for n in range(12):
        errors = 6 if n == 5 else 0
        observed = minute(n, make_counts(60, errors, 3), make_counts(540, 5, 27))
        state = decide(state, observed, policy).state
    assert state.phase is Phase.WAITING_APPROVAL
    approved = do(state, "approve", policy).state
    observed = minute(12, make_counts(60, 0, 3), make_counts(540, 5, 27))
    assert decide(approved, observed, policy).verdict.action is Action.PROMOTE


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.SUPERSEDED])
def test_a_person_can_roll_back_from_every_phase(phase):
    state = replace(begin(0.0), phase=phase, desired_percent=100, step=1)
    decision = do(state, "rollback")
    assert decision.verdict.action is Action.ROLLBACK
    assert (decision.state.phase, decision.state.desired_percent) == (Phase.ROLLED_BACK, 0)


OVER = [Phase.PROMOTED, Phase.ROLLED_BACK, Phase.SUPERSEDED]
REFUSED = set(product(["approve", "pause", "resume", "promote", "supersede"], OVER))
PROMOTING = ("supersede", Phase.PROMOTED)
"""The one that is allowed: a promotion may not have come true yet."""


@pytest.mark.parametrize(("kind", "phase"), sorted(REFUSED - {PROMOTING}))
def test_what_is_over_takes_no_other_command(kind, phase):
    with pytest.raises(ParameterError, match=f"the rollout is {phase}"):
        do(replace(begin(0.0), phase=phase), kind, step="promote")


def test_a_superseded_rollout_leaves_the_traffic_to_its_successor(drive):
    state = do(drive(CANARY, 3)[-1].state, "supersede").state
    assert drive(CANARY, 5, state)[-1].verdict.action is Action.HOLD
    with pytest.raises(ParameterError):
        do(state, "rollback")
