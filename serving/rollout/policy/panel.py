"""The gates of a policy, with the probability of a false rollback split over them."""

from typing import Any

from kanaria.serving.rollout.judgement.gates.answer_latency import LatencyGate
from kanaria.serving.rollout.judgement.gates.disagreement import DisagreementGate
from kanaria.serving.rollout.judgement.gates.error_rate import ErrorGate
from kanaria.serving.rollout.judgement.gates.gate import Gate
from kanaria.serving.rollout.judgement.gates.hard_rules import HardRules
from kanaria.serving.rollout.judgement.gates.input_drift import InputGate
from kanaria.serving.rollout.judgement.gates.label_accuracy import LabelGate
from kanaria.serving.rollout.judgement.gates.prediction_shares import PredictionGate
from kanaria.serving.rollout.judgement.gates.rate_gate import Promise
from kanaria.serving.rollout.judgement.gates.rate_test import RateTest
from kanaria.serving.rollout.judgement.gates.refusal_rate import RefusalGate, RefusalTest
from kanaria.serving.rollout.policy.gates_policy import LabelsPolicy, RateGatePolicy
from kanaria.serving.rollout.policy.rollout_policy import Policy, Strategy


def panel(policy: Policy) -> tuple[Gate[Any], ...]:
    """Return the gates in the order they are reported; strategy basic has the hard rules only.

    The weighted sum of e-values is an e-value, so the gates together roll back a canary that is
    no worse with probability at most `false_rollback`. Promotion needs every gate, so each may
    use all of `false_promotion` (an intersection-union test; Berger 1982). Gates that only ask a
    person, or only block, have a promise of their own.
    """
    hard = policy.gates.hard_rules
    found: list[Gate[Any]] = [HardRules(restarts=hard.restarts, oom_kills=hard.oom_kills)]
    if policy.strategy is Strategy.BASIC:
        return tuple(found)
    return (*found, *_on_rates(policy), *_on_models(policy))


def _on_rates(policy: Policy) -> list[Gate[Any]]:
    gates, found = policy.gates, list[Gate[Any]]()
    errors, refusals, latency = gates.errors, gates.refusals, gates.latency
    if errors:
        test = _test(policy, errors, errors.tolerated)
        promise = _promise(policy, errors, errors.minimum_events)
        found.append(ErrorGate(test=test, promise=promise))
    if refusals:
        test = _test(policy, refusals, refusals.tolerated, RefusalTest)
        promise = _promise(policy, refusals, refusals.minimum_events)
        found.append(RefusalGate(test=test, promise=promise))
    if latency:
        test = _test(policy, latency, 1 - latency.quantile)
        promise = _promise(policy, latency, latency.minimum_events)
        found.append(LatencyGate(test=test, promise=promise, quantile=latency.quantile))
    return found


def _on_models(policy: Policy) -> list[Gate[Any]]:
    gates, found = policy.gates, list[Gate[Any]]()
    if gates.predictions:
        predictions, paired = gates.predictions, policy.strategy is Strategy.SHADOW
        found.append(
            PredictionGate(
                tolerated=predictions.tolerated,
                false_question=predictions.false_question,
                paired=paired,
            )
        )
    if gates.disagreement:
        limit, chance = gates.disagreement.limit, gates.disagreement.false_question
        found.append(DisagreementGate(limit=limit, false_question=chance))
    if gates.labels:
        promise = _promise(policy, gates.labels, gates.labels.minimum_labels)
        found.append(LabelGate(margin=gates.labels.margin, promise=promise))
    if gates.inputs:
        alarms, block = gates.inputs.false_alarms, gates.inputs.false_block
        found.append(InputGate(false_alarms=alarms, false_block=block))
    return found


def _test(
    policy: Policy, gate: RateGatePolicy, tolerated: float, kind: type[RateTest] = RateTest
) -> RateTest:
    return kind(
        margin=gate.margin,
        tolerated=tolerated,
        steps=len(policy.ladder),
        concurrent=policy.strategy is not Strategy.BLUE_GREEN,
        variation=gate.variation,
    )


def _promise(policy: Policy, gate: RateGatePolicy | LabelsPolicy, minimum_events: int) -> Promise:
    gates = policy.gates
    judges = (gates.errors, gates.refusals, gates.latency, gates.labels)
    weights = sum(other.weight for other in judges if other)
    return Promise(
        alpha=policy.false_rollback * gate.weight / weights,
        beta=policy.false_promotion,
        minimum_events=minimum_events,
    )
