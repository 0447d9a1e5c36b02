"""The shadow of a rollout: the canary gets a copy of the requests, and nobody its answers. Pure."""

from kanaria.serving.rollout.decision.rollout_state import OVER, State
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.rollout.traffic_strategy import Strategy


def in_shadow(state: State, policy: Policy) -> bool:
    """Tell whether the canary is in the shadow, which is the first step of strategy shadow."""
    return policy.strategy is Strategy.SHADOW and state.step == 0 and state.phase not in OVER


def mirrored_percent(state: State, policy: Policy) -> int:
    """Return which share of the requests is to be copied to the canary, 0 to 100.

    While a person pauses the rollout or is asked, the copying goes on as the traffic does.
    """
    return policy.mirror_percent if in_shadow(state, policy) else 0


def needs_agreement(state: State, policy: Policy) -> bool:
    """Tell whether every gate must agree to what follows: on the last step, and on the shadow."""
    return state.step + 1 == len(policy.ladder) or in_shadow(state, policy)
