"""The refusal gate: are requests refused by the canary more often than by the stable revision?

A refusal is an answer of 3xx or 4xx. Most of them are mistakes of clients, and these meet both
revisions alike; what is left of a comparison is the canary's own: another signature, protocol or
vocabulary than the stable revision's, a path or a right that it lacks, an overload of its own
(429). 499 is no refusal: no server answers it, it says that the client had gone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kanaria.serving.rollout.judgement.bets import Floats
from kanaria.serving.rollout.judgement.gates import rate_test
from kanaria.serving.rollout.judgement.gates.gate import Finding
from kanaria.serving.rollout.judgement.gates.rate_gate import Promise, finding
from kanaria.serving.rollout.judgement.gates.rate_test import RateEvidence, RateTest
from kanaria.serving.rollout.observations.observation import Counts, Observation

UNMEASURED = "refused: nothing is known, as what counts the requests does not tell 3xx and 4xx"


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalTest(RateTest):
    """A comparison of rates that may be high: after a switch `margin` is a ratio of odds.

    For rare refusals that is a ratio of rates. Twice a rate of 60 % would be no limit at all.
    """

    def limit(self, known: ArrayLike) -> Floats:
        """Return the rate to compare with, given the stable rate `known` before the interval."""
        if self.concurrent:
            return RateTest.limit(self, known)
        rate = np.asarray(known, dtype=float)
        return np.maximum(self.tolerated, self.margin * rate / (1 + (self.margin - 1) * rate))


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalGate:
    """Counts refusals of both revisions, and promises what the error gate does.

    Not every platform tells refusals. Where none was ever told the gate has no evidence and no
    opinion, and keeps nothing waiting.
    """

    test: RateTest
    promise: Promise
    name: str = "refusals"

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
        of_canary, of_stable = (_refused(one) for one in both)
        if of_canary is None or of_stable is None:
            return evidence
        # A switch made before refusals were counted left no limit to compare with.
        blind = evidence.stable_requests + stable.requests == 0
        if blind and not self.test.concurrent:
            return evidence
        counted = rate_test.Rates(
            canary_requests=canary.requests,
            canary_events=of_canary,
            stable_requests=stable.requests,
            stable_events=of_stable,
        )
        return rate_test.update(self.test, evidence, counted, observation.now)

    def judge(self, evidence: RateEvidence) -> Finding:
        """Return what the evidence says."""
        if evidence.heard is None:
            return Finding(gate=self.name, text=UNMEASURED)
        return finding(self.name, "refused", self.test, self.promise, evidence)


def _refused(counts: Counts) -> int | None:
    """Return how many were refused; None where that is not told."""
    return counts.refused if counts.requests else 0
