"""The gates of a policy, with the probability of a false rollback split over them.

Gates on shadow traffic, predictions and labels join here: alpha is split over them too.
"""

from typing import Any

from kanaria.serving.rollout.gates.errors import ErrorGate
from kanaria.serving.rollout.gates.hard_rules import HardRules
from kanaria.serving.rollout.gates.latency import LatencyGate
from kanaria.serving.rollout.gates.protocol import Gate
from kanaria.serving.rollout.gates.rates import RateTest
from kanaria.serving.rollout.gates.report import Promise
from kanaria.serving.rollout.policy import Policy, RateGatePolicy, Strategy


def panel(policy: Policy) -> tuple[Gate[Any], ...]:
    """Return the gates in the order they are reported; strategy basic has the hard rules only.

    The weighted sum of e-values is an e-value, so the gates together roll back a canary that is
    no worse with probability at most `false_rollback`. Promotion needs every gate, so each may
    use all of `false_promotion` (an intersection-union test; Berger 1982).
    """
    hard = policy.gates.hard_rules
    found: list[Gate[Any]] = [HardRules(restarts=hard.restarts, oom_kills=hard.oom_kills)]
    if policy.strategy is Strategy.BASIC:
        return tuple(found)
    errors, latency = policy.gates.errors, policy.gates.latency
    if errors:
        test = _test(policy, errors, errors.tolerated)
        found.append(ErrorGate(test=test, promise=_promise(policy, errors)))
    if latency:
        test = _test(policy, latency, 1 - latency.quantile)
        promise = _promise(policy, latency)
        found.append(LatencyGate(test=test, promise=promise, quantile=latency.quantile))
    return tuple(found)


def _test(policy: Policy, gate: RateGatePolicy, tolerated: float) -> RateTest:
    return RateTest(
        margin=gate.margin,
        tolerated=tolerated,
        steps=len(policy.ladder),
        concurrent=policy.strategy is not Strategy.BLUE_GREEN,
    )


def _promise(policy: Policy, gate: RateGatePolicy) -> Promise:
    both = (policy.gates.errors, policy.gates.latency)
    weights = sum(other.weight for other in both if other)
    return Promise(
        alpha=policy.false_rollback * gate.weight / weights,
        beta=policy.false_promotion,
        minimum_events=gate.minimum_events,
    )
