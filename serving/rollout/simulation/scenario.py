"""The world of a simulated rollout: what happens to both revisions, minute by minute, in arrays."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What the world is like, minute by minute.

    Attributes:
        canary_errors: share of the canary's requests, 0 to 1.
        stable_errors: share of the stable revision's requests.
        canary_refused: share of the canary's requests that it refuses.
        stable_refused: the same of the stable revision.
        canary_slow: share of answers slower than the bound of the latency gate.
        stable_slow: the same of the stable revision.
        cold_slow: the canary's share of slow answers in the first minutes after each raise.
        cold_minutes: how many these are.
        requests: of both in a minute.
        minutes: after which the simulation ends.
        burst_shape: of a gamma factor of mean 1 on the rate of errors, anew each minute; the
            smaller the burstier; None for steady rates. Its variation is 1 / sqrt(burst_shape).
        slow_burst_shape: the same on the share of slow answers.
        shared_bursts: both revisions have the same factors; otherwise each its own.
        lag: part of a minute by which what is seen of the stable revision is older, 0 to 1.
    """

    canary_errors: float = 0.01
    stable_errors: float = 0.01
    canary_refused: float = 0.0
    stable_refused: float = 0.0
    canary_slow: float = 0.05
    stable_slow: float = 0.05
    cold_slow: float = 0.05
    cold_minutes: int = 0
    requests: int = 600
    minutes: int = 240
    burst_shape: float | None = None
    slow_burst_shape: float | None = None
    shared_bursts: bool = True
    lag: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Minute:
    """The counts of one minute; each array has one number a rollout.

    A gate that is not in `events` had none.
    """

    canary_requests: Array
    stable_requests: Array
    events: dict[str, tuple[Array, Array]]

    def of(self, gate: str) -> tuple[Array, Array]:
        """Return the events of a gate, the canary's first."""
        none = np.zeros_like(self.canary_requests)
        return self.events.get(gate, (none, none))


def minutes(scenario: Scenario, percent: Array, generator: np.random.Generator) -> Iterator[Minute]:
    """Yield minute after minute, at the percentages that `percent` holds at that time."""
    errors = _factors(scenario, scenario.burst_shape, len(percent), generator)
    slow = _factors(scenario, scenario.slow_burst_shape, len(percent), generator)
    before, since = percent.copy(), np.zeros(len(percent), dtype=int)
    while True:
        since = np.where(percent > before, 0, since + 1)
        before = percent.copy()
        canary = generator.binomial(scenario.requests, percent / 100)
        stable = scenario.requests - canary
        of_errors, of_slow = next(errors), next(slow)
        cold = since < scenario.cold_minutes
        chances: dict[str, tuple[Array, Array]] = {
            "errors": (
                scenario.canary_errors * of_errors[0],
                scenario.stable_errors * of_errors[1],
            ),
            "refusals": (np.array(scenario.canary_refused), np.array(scenario.stable_refused)),
            "latency": (
                np.where(cold, scenario.cold_slow, scenario.canary_slow) * of_slow[0],
                scenario.stable_slow * of_slow[1],
            ),
        }
        events = {
            gate: (
                generator.binomial(canary, np.minimum(of_canary, 1.0)),
                generator.binomial(stable, np.minimum(of_stable, 1.0)),
            )
            for gate, (of_canary, of_stable) in chances.items()
        }
        yield Minute(canary_requests=canary, stable_requests=stable, events=events)


def _factors(
    scenario: Scenario, shape: float | None, count: int, generator: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Yield the factors on the rates of both revisions as they are seen minute by minute."""
    before = np.ones(count)
    while True:
        if shape is None:
            yield np.ones(count), np.ones(count)
            continue
        canary = generator.gamma(shape, 1 / shape, count)
        stable = canary if scenario.shared_bursts else generator.gamma(shape, 1 / shape, count)
        yield canary, (1 - scenario.lag) * stable + scenario.lag * before
        before = stable
