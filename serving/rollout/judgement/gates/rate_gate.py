"""From the evidence on rates to a finding with its numbers."""

import math
from dataclasses import dataclass

from kanaria.serving.rollout.judgement.bets import dispersion, variation
from kanaria.serving.rollout.judgement.gates.gate import Finding
from kanaria.serving.rollout.judgement.gates.rate_test import RateEvidence, RateTest, grounded, harm

LARGEST_LOG = 600.0
"""e-values are cut here, so that every number stays finite."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """What a gate answers for.

    Attributes:
        alpha: its share of the probability of a false rollback, above 0, below 1.
        beta: probability of accepting a canary at the margin, above 0, below 1.
        minimum_events: of the canary, below which its evidence of harm does not count.
    """

    alpha: float
    beta: float
    minimum_events: int


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
        f"{numbers['harm_e_value']:.3g} of {1 / promise.alpha:.3g}, of health "
        f"{numbers['health_e_value']:.3g} of {1 / promise.beta:.3g}"
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
