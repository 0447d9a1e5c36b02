from collections.abc import Callable
from typing import Any

import pytest

from kanaria.serving.protocol.comparison_document import ModelCounts
from kanaria.serving.rollout.decision.decide import decide
from kanaria.serving.rollout.decision.rollout_commands import begin
from kanaria.serving.rollout.decision.rollout_state import State
from kanaria.serving.rollout.decision.rule_outcomes import Decision
from kanaria.serving.rollout.observations.interval_observation import (
    Counts,
    Observation,
    RevisionFacts,
)
from kanaria.serving.rollout.policy.rollout_policy import Policy

BOUND = 0.1


def counts(requests: int, errors: int = 0, slow: int = 0) -> Counts:
    return Counts(requests=requests, errors=errors, slower=((BOUND, slow),))


def one_minute(
    interval: int,
    canary: Counts | None = None,
    stable: Counts | None = None,
    ready: bool | None = True,
    percent: int | None = None,
    models: ModelCounts | None = None,
    **facts: Any,
) -> Observation:
    return Observation(
        models=models,
        interval=interval,
        now=60.0 * interval,
        canary=canary,
        stable=stable,
        facts=RevisionFacts(ready=ready, **facts),
        percent=percent,
    )


def healthy_minute(interval: int, percent: int = 10, **facts: Any) -> Observation:
    """600 requests, of which both revisions err on 1 in 60 and are slow on 1 in 20."""
    canary, stable = 6 * percent, 600 - 6 * percent
    return one_minute(
        interval,
        canary=counts(canary, canary // 60, canary // 20),
        stable=counts(stable, stable // 60, stable // 20),
        **facts,
    )


def driven(policy: Policy, until: int, start: State | None = None) -> list[Decision]:
    """Decide minute after minute on healthy traffic at the percentage that was desired."""
    state = start or begin(0.0)
    decisions = []
    first = 0 if state.interval is None else state.interval + 1
    for interval in range(first, until):
        decisions.append(decide(state, healthy_minute(interval, state.desired_percent), policy))
        state = decisions[-1].state
    return decisions


@pytest.fixture(scope="session")
def make_counts() -> Callable[..., Counts]:
    return counts


@pytest.fixture(scope="session")
def minute() -> Callable[..., Observation]:
    return one_minute


@pytest.fixture(scope="session")
def healthy() -> Callable[..., Observation]:
    return healthy_minute


@pytest.fixture(scope="session")
def drive() -> Callable[..., list[Decision]]:
    return driven


def both_answered(pairs: int, apart: int = 0, **more: int) -> ModelCounts:
    """Two models of two classes; to half of the rows of disagreement the canary says yes."""
    up = apart // 2
    return ModelCounts(
        canary={"no": pairs - up, "yes": up},
        stable={"no": pairs - apart + up, "yes": apart - up},
        pairs=pairs,
        canary_apart={"no": apart - up, "yes": up},
        stable_apart={"no": up, "yes": apart - up},
        **more,
    )


@pytest.fixture(scope="session")
def answered() -> Callable[..., ModelCounts]:
    return both_answered
