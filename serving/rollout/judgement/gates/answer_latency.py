"""The latency gate: is the canary slow more often than the stable revision?"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from pydantic import ConfigDict, Field

from kanaria.serving.rollout.judgement.gates import rate_test
from kanaria.serving.rollout.judgement.gates.gate import Finding, Gate, Promise, RateCounts
from kanaria.serving.rollout.judgement.gates.gate_kind import CountsRow, GateKind, Needs, Setting
from kanaria.serving.rollout.judgement.gates.gate_parameters import RateGatePolicy
from kanaria.serving.rollout.judgement.gates.rate_gate import compared, counted, finding, needed
from kanaria.serving.rollout.judgement.gates.rate_test import RateEvidence, Rates, RateTest
from kanaria.serving.rollout.observations.interval_observation import Counts, Observation

REFERENCE_REQUESTS = 200
"""Stable requests that fix what is slow: they put about ten above a 95 % quantile."""

Table = tuple[tuple[float, int], ...]


class LatencyPolicy(RateGatePolicy):
    """The gate on slow answers.

    Attributes:
        quantile: of the stable revision's latency, above which an answer is slow.
    """

    quantile: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyEvidence:
    """What is slow, and how often it happened.

    Attributes:
        rate: evidence on slow answers.
        bound: seconds above which an answer is slow; None until it is fixed.
        reference_requests: of the stable revision, counted to fix the bound.
        reference: (seconds, how many of those took longer).
        referred: end of the last interval that counted towards them, or None.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    rate: RateEvidence
    bound: float | None = None
    reference_requests: int = 0
    reference: Table = ()
    referred: float | None = None

    @property
    def heard(self) -> float | None:
        """End of the last interval with data."""
        return self.referred if self.rate.heard is None else self.rate.heard


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyGate(Gate[LatencyEvidence]):
    """Counts answers slower than the stable revision's quantile.

    What is slow is fixed once, from stable requests that are not compared later: the smallest
    bound of the histogram that at most 1 - quantile of them exceed. From there it is a comparison
    of two rates, as for errors, and promises the same, where up to 1 - quantile is tolerated: the
    canary's quantile then still lies under that bound. A machine that is slower than when the
    bound was fixed makes more of both revisions' answers slow: harm is counted only where the
    canary's part of them, in the same interval, is too large.
    """

    test: RateTest
    promise: Promise
    quantile: float
    name: str = "latency"

    def start(self) -> LatencyEvidence:
        """Return the evidence before anything was observed."""
        return LatencyEvidence(rate=rate_test.start(self.test))

    def restart(self, evidence: LatencyEvidence, step: int) -> LatencyEvidence:
        """Return the evidence at the start of step number `step`."""
        return replace(evidence, rate=rate_test.restart(self.test, evidence.rate, step))

    def observe(self, evidence: LatencyEvidence, observation: Observation) -> LatencyEvidence:
        """Return the evidence after one more interval."""
        if evidence.bound is None:
            return self._refer(evidence, observation.stable, observation.now)
        counted = self._counted(evidence.bound, observation)
        if counted is None:
            return evidence
        updated = rate_test.update(self.test, evidence.rate, counted, observation.now)
        return replace(evidence, rate=updated)

    def warm(self, evidence: LatencyEvidence, observation: Observation) -> LatencyEvidence:
        """Return the evidence after an interval in which the canary warmed up.

        Its slow answers, and those of the stable revision beside them, count for nothing; that
        they were measured is noted.
        """
        if evidence.bound is None:
            return self._refer(evidence, observation.stable, observation.now)
        counted = self._counted(evidence.bound, observation)
        if counted is None or not rate_test.heard(self.test, counted):
            return evidence
        return replace(evidence, rate=replace(evidence.rate, heard=observation.now))

    def judge(self, evidence: LatencyEvidence) -> Finding:
        """Return what the evidence says."""
        is_fixed = evidence.bound is not None
        bound = f"{evidence.bound:g} s" if is_fixed else "a quantile not known yet"
        return finding(self.name, f"slower than {bound}", self.test, self.promise, evidence.rate)

    def counted(self, evidence: LatencyEvidence) -> RateCounts:
        """Return what it counted since the rollout began."""
        return counted(evidence.rate)

    def needed(self, evidence: LatencyEvidence, step: RateCounts) -> float | None:
        """Estimate how many more requests it takes, if the step's rates stay as they are."""
        return needed(self.test, self.promise, evidence.rate, step)

    def _counted(self, bound: float, observation: Observation) -> Rates | None:
        """Return how many answers of both were slow in the same interval, if that is known."""
        return rate_test.counted(self.test, observation, partial(_slow, bound))

    def _refer(
        self, evidence: LatencyEvidence, stable: Counts | None, now: float
    ) -> LatencyEvidence:
        """Count towards the reference; histograms with other bounds begin it anew."""
        if stable is None or not stable.slower or not stable.requests:
            return evidence
        table = stable.slower
        before = dict(evidence.reference)
        same = tuple(before) == tuple(seconds for seconds, _ in table)
        total = stable.requests + (evidence.reference_requests if same else 0)
        summed = tuple(
            (seconds, count + (before[seconds] if same else 0)) for seconds, count in table
        )
        bound = self._bound(summed, total) if total >= REFERENCE_REQUESTS else None
        referred = replace(
            evidence, reference=summed, reference_requests=total, referred=now, bound=bound
        )
        if bound is None:
            return referred
        # They are not compared, but they tell which bet to make first.
        rate = replace(evidence.rate, stable_requests=total, stable_events=dict(summed)[bound])
        return replace(referred, rate=rate)

    def _bound(self, table: Table, requests: int) -> float:
        allowed = (1 - self.quantile) * requests
        return next((seconds for seconds, count in table if count <= allowed), table[-1][0])


def _slow(bound: float, counts: Counts) -> int | None:
    """Return how many took longer than `bound`; None where the histogram does not tell."""
    if counts.requests == 0:
        return 0
    return dict(counts.slower or ()).get(bound)


def build(parameters: LatencyPolicy, setting: Setting) -> LatencyGate:
    """Return the gate."""
    test, promise = compared(parameters, setting, 1 - parameters.quantile)
    return LatencyGate(test=test, promise=promise, quantile=parameters.quantile)


KIND = GateKind(
    name="latency",
    meaning="answers slower than a quantile of the stable revision's.",
    parameters=LatencyPolicy,
    evidence=LatencyEvidence,
    build=build,
    needs=Needs.REQUESTS,
    cold=True,
    word="slow",
    row=CountsRow(title="Slow answers"),
)
