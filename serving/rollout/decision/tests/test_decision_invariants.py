"""Whatever is observed and commanded, in any order: what must always hold."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from random_records import POLICIES, policies, records

from kanaria.serving.rollout.decision.audit_record import from_line, replay, to_line
from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind, apply, begin
from kanaria.serving.rollout.decision.rollout_state import Action, Phase, from_json, to_json
from kanaria.serving.rollout.observations.interval_observation import Observation, RevisionFacts
from kanaria.serving.rollout.observations.replica_counters import Memory, Replica, advance
from kanaria.serving.rollout.policy.rollout_policy import Automation


@st.composite
def rollouts(draw):
    policy = draw(policies)
    entries = draw(records(policy))
    return policy, entries, replay(begin(0.0), entries, policy)


@settings(deadline=None)
@given(rollouts())
def test_traffic_never_rises_to_an_unready_revision(rollout):
    policy, entries, decisions = rollout
    before = 0
    for entry, decision in zip(entries, decisions, strict=True):
        raised = decision.verdict.percent > before
        ready = isinstance(entry, Observation) and entry.facts.ready is True
        assert ready or not raised or policy.automation is Automation.OBSERVE
        before = decision.verdict.percent


@settings(deadline=None)
@given(rollouts())
def test_no_traffic_stays_on_a_canary_seen_unready_twice_in_a_row(rollout):
    policy, entries, decisions = rollout
    row, had = 0, False
    for entry, decision in zip(entries, decisions, strict=True):
        if isinstance(entry, Observation) and entry.facts.ready is not None:
            row = row + 1 if entry.facts.ready is False and had else 0
        settled = decision.state.phase in (Phase.PROMOTED, Phase.SUPERSEDED)
        if row >= 2 and not settled and policy.automation is not Automation.OBSERVE:
            assert decision.verdict.percent == 0
        had = decision.verdict.percent > 0


@settings(deadline=None)
@given(rollouts())
def test_a_rollback_is_reachable_from_every_state(rollout):
    policy, _, decisions = rollout
    for decision in decisions:
        if decision.state.phase is not Phase.SUPERSEDED:
            command = Command(kind=CommandKind.ROLLBACK, who="kim", when=0.0)
            assert apply(decision.state, command, policy).state.desired_percent == 0


@settings(deadline=None)
@given(rollouts())
def test_the_verdict_and_the_state_name_the_same_traffic(rollout):
    for decision in rollout[2]:
        assert decision.verdict.percent == decision.state.desired_percent
        assert decision.verdict.reasons


@settings(deadline=None)
@given(rollouts())
def test_a_rollout_that_observes_only_holds(rollout):
    policy, entries, decisions = rollout
    for entry, decision in zip(entries, decisions, strict=True):
        if policy.automation is Automation.OBSERVE and isinstance(entry, Observation):
            assert decision.verdict.action is Action.HOLD


@settings(deadline=None)
@given(rollouts())
def test_deciding_again_on_the_same_interval_changes_nothing(rollout):
    policy, entries, decisions = rollout
    for entry, decision in zip(entries, decisions, strict=True):
        if isinstance(entry, Observation):
            assert decide(decision.state, entry, policy) == decision


@settings(deadline=None)
@given(rollouts())
def test_state_and_record_survive_json_and_replay_to_the_same_decisions(rollout):
    policy, entries, decisions = rollout
    read = [from_line(to_line(entry)) for entry in entries]
    assert read == entries
    assert replay(begin(0.0), read, policy) == decisions
    for decision in decisions:
        assert from_json(to_json(decision.state)) == decision.state


@settings(deadline=None)
@given(rollouts())
def test_a_controller_that_restarts_from_json_every_time_decides_the_same(rollout):
    policy, entries, decisions = rollout
    state = begin(0.0)
    for entry, decision in zip(entries, decisions, strict=True):
        state = from_json(to_json(state))
        step = apply if isinstance(entry, Command) else decide
        again = step(state, entry, policy)
        assert again == decision
        state = again.state


@settings(deadline=None)
@given(rollouts(), st.integers(1, 50))
def test_silence_never_raises_traffic_and_never_promotes(rollout, minutes):
    policy, _, decisions = rollout
    state = decisions[-1].state if decisions else begin(0.0)
    if state.ordered_by or policy.automation is Automation.OBSERVE or state.step < 0:
        return
    for number in range(25, 25 + minutes):
        silent = Observation(interval=number, now=60.0 * number)
        decision = decide(state, silent, policy)
        assert decision.verdict.percent <= state.desired_percent
        state = decision.state


replica_lists = st.lists(
    st.builds(
        Replica,
        name=st.sampled_from("abcde"),
        requests=st.integers(20, 500),
        errors=st.integers(0, 20),
        slower=st.just(((0.1, 5.0),)),
    ),
    min_size=1,
    unique_by=lambda one: one.name,
)


@settings(deadline=None)
@given(st.lists(replica_lists, min_size=3, max_size=6), st.randoms(use_true_random=False))
def test_no_decision_depends_on_the_order_in_which_counters_arrive(samples, random):
    def decisions(ordered):
        memory, state, decided = Memory(), begin(0.0), []
        for number, replicas in enumerate(ordered):
            memory, counts = advance(memory, replicas, 60.0 * number)
            observed = Observation(
                interval=number,
                now=60.0 * number,
                canary=counts,
                stable=counts,
                facts=RevisionFacts(ready=True),
            )
            decided.append(decide(state, observed, POLICIES[0]))
            state = decided[-1].state
        return decided

    shuffled = [random.sample(replicas, len(replicas)) for replicas in samples]
    assert decisions(samples) == decisions(shuffled)


def test_a_damaged_state_is_told_in_one_line():
    import pytest

    from kanaria.components.shared.errors import DataError

    values = json.loads(to_json(begin(0.0)))
    values["phase"] = "flying"
    with pytest.raises(DataError, match="phase='flying'"):
        from_json(json.dumps(values))
