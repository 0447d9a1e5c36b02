"""The error gate: are the canary's answers errors more often than the stable revision's?"""

from dataclasses import dataclass

from kanaria.serving.rollout.judgement.gates import rate_test
from kanaria.serving.rollout.judgement.gates.gate import Finding
from kanaria.serving.rollout.judgement.gates.rate_gate import Promise, finding
from kanaria.serving.rollout.judgement.gates.rate_test import RateEvidence, RateTest
from kanaria.serving.rollout.observations.observation import Observation


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorGate:
    """Counts errors of both revisions.

    Promises, whenever and however often one looks: a canary that errs no more often than the
    stable revision, or no more often than tolerated, uses up the whole of `promise.alpha` with
    probability at most alpha; one that errs `margin` times as often and more than tolerated is
    accepted in a step with probability at most `promise.beta`.
    """

    test: RateTest
    promise: Promise
    name: str = "errors"

    def start(self) -> RateEvidence:
        """Return the evidence before anything was observed."""
        return rate_test.start(self.test)

    def restart(self, evidence: RateEvidence, step: int) -> RateEvidence:
        """Return the evidence at the start of step number `step`."""
        return rate_test.restart(self.test, evidence, step)

    def observe(self, evidence: RateEvidence, observation: Observation) -> RateEvidence:
        """Return the evidence after one more interval."""
        both = rate_test.pair(self.test, observation)
        if both is None:
            return evidence
        canary, stable = both
        counted = rate_test.Rates(
            canary_requests=canary.requests,
            canary_events=canary.errors,
            stable_requests=stable.requests,
            stable_events=stable.errors,
        )
        return rate_test.update(self.test, evidence, counted, observation.now)

    def judge(self, evidence: RateEvidence) -> Finding:
        """Return what the evidence says."""
        return finding(self.name, "errors", self.test, self.promise, evidence)
