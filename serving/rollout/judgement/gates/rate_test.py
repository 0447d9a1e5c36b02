"""Compares how often rare events (errors, slow answers) happen on canary and stable revision.

    the canary's rate is ...             verdict   promise, at every look and all looks together
    ----------------------------------   -------   ------------------------------------------
    at most stable's, or tolerated       worse     said with probability <= alpha
    `margin` times stable's or more,     fine      said with probability <= beta in any one step
      and above what is tolerated
    between                              either, or neither: inconclusive

Evidence of harm is the smaller of two wealths, one betting on a ratio above 1 to the stable
revision, one on a rate above the tolerated. Each later step brings in wealth kept back for it, so
that a canary which fails only under more traffic is found soon although it was good before (a
mixture over starting times; Shin, Ramdas and Rinaldo 2022, arXiv 2203.03532).

Evidence of health is a single wealth which, before each interval, chooses from the past alone
which of the two to bet on: the ratio where the stable revision has events, the tolerated rate
where it has hardly any. It begins anew in every step, so a promotion rests on the last step.

Without stable traffic beside the canary (blue/green) both compare with a fixed limit: the larger
of what is tolerated and `margin` times the rate the stable revision had before. The promises then
hold for that limit, and a change that comes from outside at the switch is taken for the canary's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ConfigDict

from kanaria.serving.rollout.judgement.e_process_bets import (
    Bursts,
    Floats,
    bet_on_limit,
    bet_on_ratio,
    canary_chance,
    log_factor,
    mixed,
)
from kanaria.serving.rollout.observations.interval_observation import Counts, Observation

ODDS = np.array([1.5, 2.0, 3.0, 6.0, 20.0])
"""Ratios that evidence of harm bets on: from a small rise to a broken model."""
PRIOR = np.log([0.2, 0.4, 0.2, 0.1, 0.1])
FIRST_STEP_SHARE = 0.7
"""Of the wealth, when more steps follow: it costs the first step 0.36 of some 3.7 nats."""
HEALTHY_RATIO = 0.9
"""Bets on health aim a little below 1: that accepts the median good canary soonest."""
GROUNDING_EVENTS = 20
"""Stable events that fix the limit of blue/green: with these its standard error is 22 %."""
LEAST_ODDS, MOST_ODDS = 0.05, 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Events of both revisions in one interval, or arrays of them over many rollouts."""

    canary_requests: ArrayLike
    canary_events: ArrayLike
    stable_requests: ArrayLike
    stable_events: ArrayLike

    @property
    def of_each_odds(self) -> "Rates":
        """The same with a last axis of length one, for as many odds."""
        return Rates(
            canary_requests=np.asarray(self.canary_requests)[..., None],
            canary_events=np.asarray(self.canary_events)[..., None],
            stable_requests=np.asarray(self.stable_requests)[..., None],
            stable_events=np.asarray(self.stable_events)[..., None],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RateTest:
    """The statistics of a comparison; evidence is kept by the caller as logarithms of wealth.

    Attributes:
        margin: ratio to stable's rate at which a canary must not be promoted, above 1.
        tolerated: rate that is always acceptable, 0 to below 1.
        steps: of the rollout, at least 1.
        concurrent: stable serves beside the canary; otherwise it served before.
        variation: of each revision's own rate from look to look, standard deviation over mean.
    """

    margin: float
    tolerated: float
    steps: int = 1
    concurrent: bool = True
    variation: float = 0.0

    def harm_prior(self, step: int) -> Floats:
        """Return the logarithms of the wealth that step number `step`, from 0, brings in."""
        if self.steps == 1:
            return PRIOR if step == 0 else np.full(len(PRIOR), -np.inf)
        later = (1 - FIRST_STEP_SHARE) / (self.steps - 1)
        return cast(Floats, PRIOR + np.log(FIRST_STEP_SHARE if step == 0 else later))

    def limit(self, stable_rate: ArrayLike) -> Floats:
        """Return the rate to compare with, by the stable revision's rate before the interval."""
        if self.concurrent:
            return np.broadcast_to(np.asarray(self.tolerated), np.shape(stable_rate))
        return np.minimum(np.maximum(self.tolerated, self.margin * np.asarray(stable_rate)), 0.999)

    def harm(self, rates: Rates, stable_rate: ArrayLike) -> tuple[Floats, Floats]:
        """Return the growth of the wealths betting on a ratio and on a rate, by `ODDS` (last axis).

        Args:
            rates: of the interval.
            stable_rate: the stable revision's rate as known before the interval; see `before`.
        """
        each, stable_rate = rates.of_each_odds, np.asarray(stable_rate)[..., None]
        limit = self.limit(stable_rate)
        absolute = self._on_limit(each, limit, ODDS)
        if not self.concurrent:
            return absolute, absolute
        return self._on_ratio(each, stable_rate, 1.0, ODDS), absolute

    def health(self, rates: Rates, stable_rate: ArrayLike) -> Floats:
        """Return the growth of the wealth that bets on a healthy canary; arguments as `harm`."""
        expected, limit = np.asarray(stable_rate, dtype=float), self.limit(stable_rate)
        odds = np.clip(expected / np.maximum(limit, 1e-12), LEAST_ODDS, MOST_ODDS)
        absolute = self._on_limit(rates, limit, odds)
        if not self.concurrent:
            return absolute
        ratio = HEALTHY_RATIO / self.margin
        chance = canary_chance(rates.canary_requests, rates.stable_requests, self.margin)
        relative = self._on_ratio(rates, stable_rate, self.margin, ratio)
        # The choice looks at the past rate and the number of requests only, never at the events.
        foreseen = expected * np.asarray(rates.canary_requests)
        both = expected * (np.asarray(rates.canary_requests) + np.asarray(rates.stable_requests))
        by_ratio = log_factor(foreseen, both, chance, ratio)
        by_limit = log_factor(foreseen, rates.canary_requests, limit, odds)
        return np.where(by_limit > by_ratio, absolute, relative)

    def _on_limit(self, rates: Rates, limit: ArrayLike, odds: ArrayLike) -> Floats:
        hits, requests = rates.canary_events, rates.canary_requests
        return bet_on_limit(hits, requests, limit, odds, self.variation)

    def _on_ratio(
        self, rates: Rates, stable_rate: ArrayLike, ratio: float, odds: ArrayLike
    ) -> Floats:
        requests = (rates.canary_requests, rates.stable_requests)
        hits = (rates.canary_events, rates.stable_events)
        most = np.maximum(self.tolerated, stable_rate)
        bursts = Bursts(variation=self.variation, stable_rate=most)
        return bet_on_ratio(hits, requests, ratio, odds, bursts)


@dataclass(frozen=True, kw_only=True, slots=True)
class RateEvidence:
    """What was counted, and the wealth of the bets on it as logarithms.

    Attributes:
        heard: end of the last interval with data, seconds since 1970, or None.
        canary_requests: counted in all.
        canary_events: of those.
        stable_requests: counted in all.
        stable_events: of those.
        beside_requests: of the stable revision, in intervals in which the canary had some, too:
            those that it is compared with.
        beside_events: of those.
        stable_squares: sum over intervals of stable events squared over stable requests.
        stable_intervals: with stable requests.
        harm_by_ratio: log wealth for each of `ODDS`.
        harm_by_limit: log wealth for each of `ODDS`.
        health: log wealth of the bet on a healthy canary in this step.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    heard: float | None = None
    canary_requests: int = 0
    canary_events: int = 0
    stable_requests: int = 0
    stable_events: int = 0
    beside_requests: int = 0
    beside_events: int = 0
    stable_squares: float = 0.0
    stable_intervals: int = 0
    harm_by_ratio: tuple[float, ...]
    harm_by_limit: tuple[float, ...]
    health: float = 0.0


def start(test: RateTest) -> RateEvidence:
    """Return the evidence before the first interval."""
    prior = _plain(test.harm_prior(0))
    return RateEvidence(harm_by_ratio=prior, harm_by_limit=prior)


def restart(test: RateTest, evidence: RateEvidence, step: int) -> RateEvidence:
    """Return the evidence at the start of a later step: fresh for health, enriched for harm."""
    fresh = test.harm_prior(step)
    return replace(
        evidence,
        harm_by_ratio=_plain(np.logaddexp(evidence.harm_by_ratio, fresh)),
        harm_by_limit=_plain(np.logaddexp(evidence.harm_by_limit, fresh)),
        health=0.0,
    )


def update(test: RateTest, evidence: RateEvidence, rates: Rates, now: float) -> RateEvidence:
    """Return the evidence after an interval that ended at `now`; `rates` holds plain numbers."""
    by_ratio, by_limit = test.harm(rates, before(test, evidence))
    requests, events = cast(int, rates.stable_requests), cast(int, rates.stable_events)
    beside = cast(int, rates.canary_requests) > 0
    return replace(
        evidence,
        heard=now if heard(test, rates) else evidence.heard,
        canary_requests=evidence.canary_requests + cast(int, rates.canary_requests),
        canary_events=evidence.canary_events + cast(int, rates.canary_events),
        stable_requests=evidence.stable_requests + requests,
        stable_events=evidence.stable_events + events,
        beside_requests=evidence.beside_requests + (requests if beside else 0),
        beside_events=evidence.beside_events + (events if beside else 0),
        stable_squares=evidence.stable_squares + (events**2 / requests if requests else 0.0),
        stable_intervals=evidence.stable_intervals + (requests > 0),
        harm_by_ratio=_plain(np.asarray(evidence.harm_by_ratio) + by_ratio),
        harm_by_limit=_plain(np.asarray(evidence.harm_by_limit) + by_limit),
        health=evidence.health + float(test.health(rates, before(test, evidence))),
    )


def heard(test: RateTest, rates: Rates) -> bool:
    """Tell whether both revisions had requests; one, where one follows the other."""
    served = (cast(int, rates.canary_requests) > 0, cast(int, rates.stable_requests) > 0)
    return all(served) if test.concurrent else any(served)


def before(test: RateTest, evidence: RateEvidence) -> float:
    """Return the stable revision's rate so far.

    While it is unknown it counts as 1 where both serve, so that bets go on the ratio, and as 0
    where they do not, so that the limit is what is tolerated.
    """
    if evidence.stable_requests == 0:
        return 1.0 if test.concurrent else 0.0
    return (evidence.stable_events + 0.5) / (evidence.stable_requests + 1)


def grounded(test: RateTest, evidence: RateEvidence) -> bool:
    """Tell whether the stable revision's rate is known well enough to begin.

    Beside each other nothing need be known before; one after the other the limit must be, by
    enough stable events or by so many requests that the tolerated rate would have shown them.
    """
    if test.concurrent or evidence.stable_events >= GROUNDING_EVENTS:
        return True
    return evidence.stable_requests * test.tolerated >= GROUNDING_EVENTS


def counted(
    test: RateTest, observation: Observation, count: Callable[[Counts], int | None]
) -> Rates | None:
    """Return the events of both revisions in an interval; None where there is nothing to learn.

    Beside each other both must have counters; one after the other the absent one counts nothing.

    Args:
        test: which of the two it is.
        observation: of the interval.
        count: the events in what was counted of a revision; None where that is not measured.
    """
    canary, stable = observation.canary, observation.stable
    if test.concurrent and (canary is None or stable is None):
        return None
    if canary is None and stable is None:
        return None
    nothing = Counts(requests=0, errors=0)
    both = (canary or nothing, stable or nothing)
    of_canary, of_stable = (count(one) for one in both)
    if of_canary is None or of_stable is None:
        return None
    return Rates(
        canary_requests=both[0].requests,
        canary_events=of_canary,
        stable_requests=both[1].requests,
        stable_events=of_stable,
    )


def harm(by_ratio: ArrayLike, by_limit: ArrayLike) -> Floats:
    """Return the logarithm of the e-value against a canary that is no worse, or tolerated."""
    return np.minimum(mixed(by_ratio), mixed(by_limit))


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
