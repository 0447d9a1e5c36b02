"""How a policy fares over many simulated rollouts, all at once in arrays.

The gates' own arithmetic runs on arrays over rollouts; only the order of the rules of `decide`
is written a second time, and a test holds it against `decide` itself, rollout by rollout.
"""

from dataclasses import dataclass, field

import numpy as np

from kanaria.serving.rollout.decision.situation import asked_of, warm_up_of
from kanaria.serving.rollout.judgement.gates import rate_test
from kanaria.serving.rollout.judgement.gates.answer_latency import LatencyGate
from kanaria.serving.rollout.judgement.gates.rate_gate import RateGate
from kanaria.serving.rollout.policy.gate_budgets import panel
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.rollout.simulation.scenario import Array, Minute, Scenario, minutes

ROLLED_BACK, UNDECIDED, PROMOTED = -1, 0, 1
RATE_GATES = (RateGate, LatencyGate)


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
        ended_so = self.requests[self.outcomes == outcome]
        return float(np.median(ended_so)) if len(ended_so) else float("nan")


@dataclass(kw_only=True, slots=True)
class _Wealth:
    """The evidence of one gate over all rollouts."""

    gate: RateGate | LatencyGate
    by_ratio: Array
    by_limit: Array
    health: Array
    events: Array
    stable_requests: Array
    stable_events: Array

    def stable_rate(self) -> Array:
        unknown = 1.0 if self.gate.test.concurrent else 0.0
        rate = (self.stable_events + 0.5) / (self.stable_requests + 1)
        return np.where(self.stable_requests > 0, rate, unknown)

    def learn(self, minute: Minute, counts: Array) -> None:
        """Learn from a minute in those rollouts in which it counts."""
        events = minute.of(self.gate.name)
        counted = rate_test.Rates(
            canary_requests=minute.canary_requests,
            canary_events=events[0],
            stable_requests=minute.stable_requests,
            stable_events=events[1],
        )
        by_ratio, by_limit = self.gate.test.harm(counted, self.stable_rate())
        self.health = self.health + np.where(
            counts, self.gate.test.health(counted, self.stable_rate()), 0.0
        )
        self.by_ratio = self.by_ratio + np.where(counts[:, None], by_ratio, 0.0)
        self.by_limit = self.by_limit + np.where(counts[:, None], by_limit, 0.0)
        self.events = self.events + np.where(counts, events[0], 0)
        self.stable_requests = self.stable_requests + np.where(counts, minute.stable_requests, 0)
        self.stable_events = self.stable_events + np.where(counts, events[1], 0)

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
    outcomes: Array
    ended: Array
    active: Array = field(init=False)
    warming: Array = field(init=False)

    def __post_init__(self) -> None:
        self.active = self.outcomes == UNDECIDED
        self.warming = np.zeros_like(self.active)

    def learn(self, minute: Minute, now: int) -> None:
        warm_up = warm_up_of(self.policy)
        early = now - 1 - self.started < warm_up.minutes
        self.warming = early | (self.in_step < warm_up.requests)
        canary = np.where(self.active, minute.canary_requests, 0)
        self.in_step, self.requests = self.in_step + canary, self.requests + canary
        for wealth in self.gates:
            is_latency = wealth.gate.name == "latency"
            wealth.learn(minute, ~self.warming | (not is_latency))

    def decide(self, now: int) -> None:
        """Apply the rules harmed, unfinished, climbing and accepted, in this order."""
        ladder = self.policy.ladder
        self._end(self.active & (self._spent() >= 1), ROLLED_BACK, now)
        least, long = np.array([asked_of(step, self.policy) for step in ladder]).T[:, self.step]
        done = self.active & (self.in_step >= least) & (now - self.started >= long)
        done &= ~self.warming
        before, last = self.step, self.step == len(ladder) - 1
        self._end(done & last & self._accepted(), PROMOTED, now)
        for step in range(1, len(ladder)):
            self._enter(done & (before == step - 1) & ~last, step, now)

    def _spent(self) -> Array:
        spent = np.zeros(len(self.active))
        for wealth in self.gates:
            promise = wealth.gate.promise
            log_e = np.minimum(rate_test.harm(wealth.by_ratio, wealth.by_limit), 600.0)
            enough = wealth.events >= promise.minimum_events
            spent += np.where(enough, promise.alpha * np.exp(log_e), 0.0)
        return spent

    def _accepted(self) -> Array:
        agreed = np.ones(len(self.active), dtype=bool)
        for wealth in self.gates:
            agreed &= np.exp(np.minimum(wealth.health, 600.0)) >= 1 / wealth.gate.promise.beta
        return agreed

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
    played = [alone]
    state.percent[:] = policy.ladder[0].percent
    for now in range(1, scenario.minutes + 1):
        minute = next(drawn)
        state.learn(minute, now)
        state.decide(now)
        played.append(minute)
        if not state.active.any():
            break
    if trace is not None:
        trace.extend(played)
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
            events=none,
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
        outcomes=none.copy(),
        ended=none.copy(),
    )
