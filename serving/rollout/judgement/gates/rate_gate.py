"""One gate for all rates: the evidence on two rates, and the finding that it gives."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from kanaria.serving.rollout.judgement.e_process_bets import dispersion, variation
from kanaria.serving.rollout.judgement.gates import rate_test
from kanaria.serving.rollout.judgement.gates.gate import (
    LARGEST_LOG,
    Finding,
    Gate,
    Promise,
    RateCounts,
    evidence_text,
)
from kanaria.serving.rollout.judgement.gates.gate_kind import Setting
from kanaria.serving.rollout.judgement.gates.gate_parameters import RateGatePolicy
from kanaria.serving.rollout.judgement.gates.rate_test import (
    RateEvidence,
    Rates,
    RateTest,
    grounded,
    harm,
)
from kanaria.serving.rollout.observations.interval_observation import Counts, Observation
from kanaria.serving.rollout.traffic_strategy import Strategy


@dataclass(frozen=True, kw_only=True, slots=True)
class RateGate(Gate[RateEvidence]):
    """Compares how often something happens to the requests of both revisions.

    Promises, whenever and however often one looks: a canary to which it happens no more often
    than to the stable revision, or than is tolerated, uses up the whole of `promise.alpha` with
    probability at most alpha; one to which it happens `margin` times as often, and more than is
    tolerated, is accepted in a step with probability at most `promise.beta`.

    Attributes:
        events: what is counted, in words.
        count: the events in what was counted of a revision; None where that is not measured.
        test: the comparison.
        promise: what it answers for.
        unmeasured: what it says where nothing was ever measured; it has no opinion then. "" where
            every platform measures it.
    """

    name: str
    events: str
    count: Callable[[Counts], int | None]
    test: RateTest
    promise: Promise
    unmeasured: str = ""

    def start(self) -> RateEvidence:
        """Return the evidence before anything was observed."""
        return rate_test.start(self.test)

    def restart(self, evidence: RateEvidence, step: int) -> RateEvidence:
        """Return the evidence at the start of step number `step`."""
        return rate_test.restart(self.test, evidence, step)

    def observe(self, evidence: RateEvidence, observation: Observation) -> RateEvidence:
        """Return the evidence after one more interval."""
        rates = rate_test.counted(self.test, observation, self.count)
        if rates is None or self._is_blind(evidence, rates):
            return evidence
        return rate_test.update(self.test, evidence, rates, observation.now)

    def _is_blind(self, evidence: RateEvidence, rates: Rates) -> bool:
        """Tell of a switch that was made before anything was measured: it left no limit."""
        if not self.unmeasured or self.test.concurrent:
            return False
        return evidence.stable_requests + cast(int, rates.stable_requests) == 0

    def judge(self, evidence: RateEvidence) -> Finding:
        """Return what the evidence says."""
        if self.unmeasured and evidence.heard is None:
            return Finding(gate=self.name, text=self.unmeasured)
        return finding(self.name, self.events, self.test, self.promise, evidence)

    def counted(self, evidence: RateEvidence) -> RateCounts:
        """Return what it counted since the rollout began."""
        return counted(evidence)

    def needed(self, evidence: RateEvidence, step: RateCounts) -> float | None:
        """Estimate how many more requests it takes, if the step's rates stay as they are."""
        return needed(self.test, self.promise, evidence, step)


def compared(
    parameters: RateGatePolicy,
    setting: Setting,
    tolerated: float,
    kind: type[RateTest] = RateTest,
) -> tuple[RateTest, Promise]:
    """Return the comparison that parameters ask for, and what is promised of it.

    Args:
        parameters: of the gate.
        setting: of the rollout.
        tolerated: rate that is always acceptable.
        kind: of comparison.
    """
    test = kind(
        margin=parameters.margin,
        tolerated=tolerated,
        steps=setting.steps,
        concurrent=setting.strategy is not Strategy.BLUE_GREEN,
        variation=parameters.variation,
    )
    promise = Promise(
        alpha=setting.alpha, beta=setting.beta, minimum_events=parameters.minimum_events
    )
    return test, promise


def counted(evidence: RateEvidence) -> RateCounts:
    """Return the counts of evidence on rates, without its wealth."""
    return RateCounts(
        canary_requests=evidence.canary_requests,
        canary_events=evidence.canary_events,
        stable_requests=evidence.stable_requests,
        stable_events=evidence.stable_events,
    )


def needed(
    test: RateTest, promise: Promise, evidence: RateEvidence, step: RateCounts
) -> float | None:
    """Estimate how many more requests of the canary it takes until a gate on rates agrees.

    It is what is missing of the logarithm of 1 / beta over what a request is expected to add to
    it (Wald 1945), the last look's overshoot left out: of a canary that is no worse it was 0.7 to
    1 of the mean of simulated rollouts. None where the rates do not lead there.

    Args:
        test: the comparison.
        promise: what is promised of it.
        evidence: so far.
        step: what was counted in the step; its rates, and its requests a look, go on.
    """
    missing = -math.log(promise.beta) - evidence.health
    if missing <= 0:
        return 0.0
    if not step.looks:
        return None
    canary, stable = (
        requests / step.looks for requests in (step.canary_requests, step.stable_requests)
    )
    look = Rates(
        canary_requests=canary,
        canary_events=canary * _rate(step.canary_events, step.canary_requests),
        stable_requests=stable,
        stable_events=stable * _rate(step.stable_events, step.stable_requests),
    )
    growth = float(test.health(look, rate_test.before(test, evidence)))
    return missing * canary / growth if growth > 0 else None


def _rate(events: int, requests: int) -> float:
    """Return the rate of few events: half an event among one request more is known of none."""
    return (events + 0.5) / (requests + 1)


def finding(
    gate: str, events: str, test: RateTest, promise: Promise, evidence: RateEvidence
) -> Finding:
    """Return what evidence on a rate says; `events` names what is counted."""
    harm_e = _e_value(float(harm(evidence.harm_by_ratio, evidence.harm_by_limit)))
    health_e = _e_value(evidence.health)
    enough = evidence.canary_events >= promise.minimum_events
    numbers = {
        "canary_requests": float(evidence.canary_requests),
        "canary_events": float(evidence.canary_events),
        "stable_requests": float(evidence.stable_requests),
        "stable_events": float(evidence.stable_events),
        "harm_e_value": harm_e,
        "health_e_value": health_e,
    }
    spread = dispersion(
        evidence.stable_squares,
        evidence.stable_events,
        evidence.stable_requests,
        evidence.stable_intervals,
    )
    if spread is not None:
        numbers["stable_dispersion"] = spread
        numbers["stable_variation"] = variation(
            spread, evidence.stable_events, evidence.stable_intervals
        )
    return Finding(
        gate=gate,
        text=_text(events, test, promise, evidence, numbers),
        spent=promise.alpha * harm_e if enough else 0.0,
        grounded=grounded(test, evidence),
        accepted=health_e >= 1 / promise.beta,
        numbers=numbers,
    )


def _text(
    events: str,
    test: RateTest,
    promise: Promise,
    evidence: RateEvidence,
    numbers: dict[str, float],
) -> str:
    canary = _share(evidence.canary_events, evidence.canary_requests)
    if test.concurrent and evidence.canary_requests:
        stable = f"{_share(evidence.beside_events, evidence.beside_requests)} beside it"
    else:
        stable = _share(evidence.stable_events, evidence.stable_requests)
    text = (
        f"{events}: canary {canary}, stable {stable}; evidence of harm "
        f"{evidence_text(numbers['harm_e_value'])} of {1 / promise.alpha:.3g}, of health "
        f"{evidence_text(numbers['health_e_value'])} of {1 / promise.beta:.3g}"
    )
    spread, intervals = numbers.get("stable_dispersion", 1.0), evidence.stable_intervals
    # Three standard deviations above what independent requests give.
    bursty = spread > 1 + 3 * math.sqrt(2 / max(intervals - 1, 1))
    varies = numbers.get("stable_variation", 0.0)
    if bursty and varies > test.variation:
        text += (
            f"; stable's come in bursts (dispersion {spread:.1f}): unless the canary shares them, "
            f"trust this less or set variation: {varies:.1f}"
        )
    return text


def _share(events: int, requests: int) -> str:
    return f"{events}/{requests}" + (f" ({events / requests:.2%})" if requests else "")


def _e_value(logarithm: float) -> float:
    return math.exp(min(logarithm, LARGEST_LOG))
