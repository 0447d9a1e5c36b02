"""The gates of a policy, with the probability of a false rollback split over them. Pure."""

from typing import Any

from kanaria.serving.rollout.judgement.gates.gate import Gate
from kanaria.serving.rollout.judgement.gates.gate_kind import GateKind, Setting
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.rollout.traffic_strategy import Strategy


def kinds(policy: Policy) -> tuple[GateKind, ...]:
    """Return the kinds of the gates that judge; strategy basic has the required ones only."""
    basic = policy.strategy is Strategy.BASIC
    return tuple(kind for kind in policy.gates.kinds if kind.required or not basic)


def panel(policy: Policy) -> tuple[Gate[Any], ...]:
    """Return the gates in the order they are reported.

    The weighted sum of e-values is an e-value, so the gates together roll back a canary that is
    no worse with probability at most `false_rollback`. Promotion needs every gate, so each may
    use all of `false_promotion` (an intersection-union test; Berger 1982). Gates that only ask a
    person, or only block, have a promise of their own.
    """
    parameters = policy.gates.on
    weights = {name: getattr(one, "weight", 0.0) for name, one in parameters.items()}
    total = sum(weights.values()) or 1.0
    return tuple(
        kind.build(
            parameters[kind.name],
            Setting(
                strategy=policy.strategy,
                steps=len(policy.ladder),
                alpha=policy.false_rollback * weights[kind.name] / total,
                beta=policy.false_promotion,
            ),
        )
        for kind in kinds(policy)
    )
