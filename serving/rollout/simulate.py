"""How a policy fares over many simulated rollouts, all at once in arrays.

The gates' own arithmetic runs on arrays over rollouts; only the order of the rules of `decide`
is written a second time, and a test holds it against `decide` itself, rollout by rollout.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.serving.rollout.gates import rates
from kanaria.serving.rollout.gates.errors import ErrorGate
from kanaria.serving.rollout.gates.latency import LatencyGate
from kanaria.serving.rollout.gates.panel import panel
from kanaria.serving.rollout.gates.refusals import RefusalGate
from kanaria.serving.rollout.policy import Policy

Array = NDArray[Any]
ROLLED_BACK, UNDECIDED, PROMOTED = -1, 0, 1
RATE_GATES = (ErrorGate, RefusalGate, LatencyGate)


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
        requests: of both in a minute.
        minutes: after which the simulation ends.
        burst_shape: of a gamma factor of mean 1 on the rate of errors, anew each minute; the
            smaller the burstier; None for steady rates.
        shared_bursts: both revisions have the same factor; otherwise each its own.
    """

    canary_errors: float = 0.01
    stable_errors: float = 0.01
    canary_refused: float = 0.0
    stable_refused: float = 0.0
    canary_slow: float = 0.05
    stable_slow: float = 0.05
    requests: int = 600
    minutes: int = 240
    burst_shape: float | None = None
    shared_bursts: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Characteristics:
    """How many simulated rollouts ended how, and after how many of the canary's requests.

    Attributes:
        outcomes: ROLLED_BACK, UNDECIDED or PROMOTED of each rollout.
        minutes: at the end of each.
        requests: of the canary until then.
    """

    outcomes: Array
    minutes: Array
    requests: Array

    def share(self, outcome: int) -> float:
        """Return the share of rollouts that ended so."""
        return float(np.mean(self.outcomes == outcome))

    def error(self, outcome: int) -> float:
        """Return the Monte Carlo standard error of `share`."""
        share = self.share(outcome)
        return float(np.sqrt(share * (1 - share) / len(self.outcomes)))

    def median_requests(self, outcome: int) -> float:
        """Return the median of the canary's requests where it ended so; nan where none did."""
        found = self.requests[self.outcomes == outcome]
        return float(np.median(found)) if len(found) else float("nan")


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
    while True:
        canary = generator.binomial(scenario.requests, percent / 100)
        stable = scenario.requests - canary
        factors = _factors(scenario, len(percent), generator)
        chances: dict[str, tuple[Array, Array]] = {
            "errors": (scenario.canary_errors * factors[0], scenario.stable_errors * factors[1]),
            "refusals": (np.array(scenario.canary_refused), np.array(scenario.stable_refused)),
            "latency": (np.array(scenario.canary_slow), np.array(scenario.stable_slow)),
        }
        events = {
            gate: (
                generator.binomial(canary, np.minimum(of_canary, 1.0)),
                generator.binomial(stable, np.minimum(of_stable, 1.0)),
            )
            for gate, (of_canary, of_stable) in chances.items()
        }
        yield Minute(canary_requests=canary, stable_requests=stable, events=events)


def _factors(scenario: Scenario, count: int, generator: np.random.Generator) -> tuple[Array, Array]:
    shape = scenario.burst_shape
    if shape is None:
        return np.ones(count), np.ones(count)
    first = generator.gamma(shape, 1 / shape, count)
    return first, first if scenario.shared_bursts else generator.gamma(shape, 1 / shape, count)


@dataclass(kw_only=True, slots=True)
class _Wealth:
    """The evidence of one gate over all rollouts."""

    gate: ErrorGate | RefusalGate | LatencyGate
    by_ratio: Array
    by_limit: Array
    health: Array
    stable_requests: Array
    stable_events: Array

    def known(self) -> Array:
        unknown = 1.0 if self.gate.test.concurrent else 0.0
        rate = (self.stable_events + 0.5) / (self.stable_requests + 1)
        return np.where(self.stable_requests > 0, rate, unknown)

    def learn(self, minute: Minute) -> None:
        events = minute.of(self.gate.name)
        counted = rates.Rates(
            canary_requests=minute.canary_requests,
            canary_events=events[0],
            stable_requests=minute.stable_requests,
            stable_events=events[1],
        )
        by_ratio, by_limit = self.gate.test.harm(counted, self.known())
        self.health = self.health + self.gate.test.health(counted, self.known())
        self.by_ratio, self.by_limit = self.by_ratio + by_ratio, self.by_limit + by_limit
        self.stable_requests = self.stable_requests + minute.stable_requests
        self.stable_events = self.stable_events + events[1]

    def restart(self, where: Array, step: int) -> None:
        fresh = self.gate.test.harm_prior(step)
        for name in ("by_ratio", "by_limit"):
            wealth = getattr(self, name)
            setattr(self, name, np.where(where[:, None], np.logaddexp(wealth, fresh), wealth))
        self.health = np.where(where, 0.0, self.health)


@dataclass(kw_only=True, slots=True)
class _Rollouts:
    """All rollouts at one minute."""

    policy: Policy
    gates: list[_Wealth]
    percent: Array
    step: Array
    started: Array
    in_step: Array
    requests: Array
    events: dict[str, Array]
    outcomes: Array
    ended: Array
    active: Array = field(init=False)

    def __post_init__(self) -> None:
        self.active = self.outcomes == UNDECIDED

    def learn(self, minute: Minute) -> None:
        canary = np.where(self.active, minute.canary_requests, 0)
        self.in_step, self.requests = self.in_step + canary, self.requests + canary
        for wealth in self.gates:
            wealth.learn(minute)
            name = wealth.gate.name
            self.events[name] = self.events[name] + minute.of(name)[0]

    def decide(self, now: int) -> None:
        """Apply the rules harmed, unfinished, climbing and accepted, in this order."""
        ladder = self.policy.ladder
        self._end(self.active & (self._spent() >= 1), ROLLED_BACK, now)
        least = np.array([step.minimum_requests for step in ladder])[self.step]
        minutes = np.array([step.minimum_minutes for step in ladder])[self.step]
        done = self.active & (self.in_step >= least) & (now - self.started >= minutes)
        before, last = self.step, self.step == len(ladder) - 1
        self._end(done & last & self._accepted(), PROMOTED, now)
        for step in range(1, len(ladder)):
            self._enter(done & (before == step - 1) & ~last, step, now)

    def _spent(self) -> Array:
        spent = np.zeros(len(self.active))
        for wealth in self.gates:
            promise = wealth.gate.promise
            log_e = np.minimum(rates.harm(wealth.by_ratio, wealth.by_limit), 600.0)
            enough = self.events[wealth.gate.name] >= promise.minimum_events
            spent += np.where(enough, promise.alpha * np.exp(log_e), 0.0)
        return spent

    def _accepted(self) -> Array:
        found = np.ones(len(self.active), dtype=bool)
        for wealth in self.gates:
            found &= np.exp(np.minimum(wealth.health, 600.0)) >= 1 / wealth.gate.promise.beta
        return found

    def _end(self, where: Array, outcome: int, now: int) -> None:
        self.outcomes[where], self.ended[where] = outcome, now
        self.active = self.outcomes == UNDECIDED

    def _enter(self, where: Array, step: int, now: int) -> None:
        for wealth in self.gates:
            wealth.restart(where, step)
        self.percent[where] = self.policy.ladder[step].percent
        self.step = np.where(where, step, self.step)
        self.started = np.where(where, now, self.started)
        self.in_step = np.where(where, 0, self.in_step)


def simulate(
    policy: Policy,
    scenario: Scenario,
    rollouts: int,
    seed: int,
    trace: list[Minute] | None = None,
) -> Characteristics:
    """Return how a policy of strategy canary with automation auto fares in a scenario.

    The canary is ready all the time. Minute 0 shows the stable revision alone; from minute 1 on
    there is one look a minute.

    Args:
        policy: with at least one gate on rates.
        scenario: the same for all rollouts.
        rollouts: how many.
        seed: of the random numbers.
        trace: filled with the counts of every minute, minute 0 first, when given.
    """
    state = _begin(policy, rollouts)
    generator = np.random.default_rng(seed)
    drawn = minutes(scenario, state.percent, generator)
    alone = next(drawn)
    for wealth in state.gates:
        wealth.stable_requests = wealth.stable_requests + alone.stable_requests
        wealth.stable_events = wealth.stable_events + alone.of(wealth.gate.name)[1]
    seen = [alone]
    state.percent[:] = policy.ladder[0].percent
    for now in range(1, scenario.minutes + 1):
        minute = next(drawn)
        state.learn(minute)
        state.decide(now)
        seen.append(minute)
        if not state.active.any():
            break
    if trace is not None:
        trace.extend(seen)
    ended = np.where(state.active, scenario.minutes, state.ended)
    return Characteristics(outcomes=state.outcomes, minutes=ended, requests=state.requests)


def _begin(policy: Policy, rollouts: int) -> _Rollouts:
    gates = [gate for gate in panel(policy) if isinstance(gate, RATE_GATES)]
    none = np.zeros(rollouts, dtype=int)
    wealth = [
        _Wealth(
            gate=gate,
            by_ratio=np.tile(gate.test.harm_prior(0), (rollouts, 1)),
            by_limit=np.tile(gate.test.harm_prior(0), (rollouts, 1)),
            health=np.zeros(rollouts),
            stable_requests=none,
            stable_events=none,
        )
        for gate in gates
    ]
    return _Rollouts(
        policy=policy,
        gates=wealth,
        percent=np.zeros(rollouts),
        step=none,
        started=none,
        in_step=none,
        requests=none,
        events={gate.name: none for gate in gates},
        outcomes=none.copy(),
        ended=none.copy(),
    )
