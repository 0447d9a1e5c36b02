"""What every kind of gate must keep, so that the rest of a rollout need not know it by name."""

import json
from dataclasses import replace

import pytest

from kanaria.components.shared.errors import DataError
from kanaria.serving.rollout.decision.rollout_commands import begin
from kanaria.serving.rollout.decision.rollout_state import from_json, to_json
from kanaria.serving.rollout.judgement.gates.gate import RateCounts
from kanaria.serving.rollout.judgement.gates.gate_kind import Setting
from kanaria.serving.rollout.judgement.gates.gate_registry import BY_NAME, KINDS
from kanaria.serving.rollout.policy.gates_policy import GatesPolicy
from kanaria.serving.rollout.traffic_strategy import Strategy

SETTING = Setting(strategy=Strategy.SHADOW, steps=2, alpha=0.01, beta=0.05)
BY_KIND = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])


@BY_KIND
def test_a_gate_goes_by_the_name_of_its_kind(kind):
    gate = kind.build(kind.parameters(), SETTING)
    assert gate.name == kind.name
    assert gate.judge(gate.start()).gate == kind.name


@BY_KIND
def test_evidence_is_of_the_class_of_its_kind_and_is_read_as_it_was_written(
    kind, minute, make_counts, answered
):
    gate, evidence = kind.build(kind.parameters(), SETTING), None
    for number in range(4):
        counts = make_counts(300, 3), make_counts(300, 4)
        evidence = gate.observe(
            evidence or gate.start(),
            minute(number, *counts, models=answered(300 * (number + 1), 30)),
        )
    assert isinstance(evidence, kind.evidence)
    state = replace(begin(0.0), evidence={kind.name: evidence})
    assert from_json(to_json(state)) == state


@BY_KIND
def test_evidence_of_one_gate_is_not_that_of_another(kind):
    other = next(one for one in KINDS if one.evidence is not kind.evidence)
    wrong = other.build(other.parameters(), SETTING).start()
    text = to_json(replace(begin(0.0), evidence={other.name: wrong}))
    document = json.loads(text)
    document["evidence"] = {kind.name: document["evidence"][other.name]}
    with pytest.raises(DataError, match=f"rollout state: evidence.{kind.name}"):
        from_json(json.dumps(document))


def test_evidence_of_a_gate_that_there_is_not_is_refused():
    document = json.loads(to_json(begin(0.0))) | {"evidence": {"speed": {"heard": 1.0}}}
    with pytest.raises(DataError, match=r"evidence\.speed"):
        from_json(json.dumps(document))


@BY_KIND
def test_every_gate_and_every_parameter_has_a_meaning_for_the_reference(kind):
    docstrings = " ".join(one.__doc__ or "" for one in kind.parameters.__mro__)
    assert all(f" {name}: " in docstrings for name in kind.parameters.model_fields)
    assert f" {kind.name}: {kind.meaning}" in (GatesPolicy.__doc__ or "")


@BY_KIND
def test_a_strategy_that_does_not_fit_is_told_why(kind):
    assert (kind.strategies == frozenset(Strategy)) == (not kind.misfit)


@BY_KIND
def test_a_gate_that_agrees_already_needs_nothing(kind):
    gate = kind.build(kind.parameters(), SETTING)
    evidence = gate.start()
    if gate.judge(evidence).accepted:
        assert gate.needed(evidence, RateCounts()) == 0.0
    else:
        assert gate.needed(evidence, RateCounts()) is None


def test_every_name_is_there_once():
    assert len(BY_NAME) == len(KINDS)
