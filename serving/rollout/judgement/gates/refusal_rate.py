"""The refusal gate: are requests refused by the canary more often than by the stable revision?

A refusal is an answer of 3xx or 4xx. Most of them are mistakes of clients, and these meet both
revisions alike; what is left of a comparison is the canary's own: another signature, protocol or
vocabulary than the stable revision's, a path or a right that it lacks, an overload of its own
(429). 499 is no refusal: no server answers it, it says that the client had gone.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from kanaria.serving.rollout.judgement.e_process_bets import Floats
from kanaria.serving.rollout.judgement.gates.gate_kind import CountsRow, GateKind, Needs, Setting
from kanaria.serving.rollout.judgement.gates.gate_parameters import RateGatePolicy
from kanaria.serving.rollout.judgement.gates.rate_gate import RateGate, compared
from kanaria.serving.rollout.judgement.gates.rate_test import RateEvidence, RateTest
from kanaria.serving.rollout.observations.interval_observation import Counts

UNMEASURED = "refused: nothing is known, as what counts the requests does not tell 3xx and 4xx"


class RefusalsPolicy(RateGatePolicy):
    """The gate on answers of 3xx and 4xx.

    Attributes:
        tolerated: share of refusals that is acceptable whatever stable's is.
        minimum_events: as of the other gates; more, since the mistakes of one client come in a row.
    """

    tolerated: Annotated[float, Field(ge=0, lt=1)] = 0.01
    minimum_events: Annotated[int, Field(ge=1)] = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalTest(RateTest):
    """A comparison of rates that may be high: after a switch `margin` is a ratio of odds.

    For rare refusals that is a ratio of rates. Twice a rate of 60 % would be no limit at all.
    """

    def limit(self, stable_rate: ArrayLike) -> Floats:
        """Return the rate to compare with, by the stable revision's rate before the interval."""
        if self.concurrent:
            return RateTest.limit(self, stable_rate)
        rate = np.asarray(stable_rate, dtype=float)
        return np.maximum(self.tolerated, self.margin * rate / (1 + (self.margin - 1) * rate))


def build(parameters: RefusalsPolicy, setting: Setting) -> RateGate:
    """Return the gate."""
    test, promise = compared(parameters, setting, parameters.tolerated, RefusalTest)
    return RateGate(
        name="refusals",
        events="refused",
        count=_refused,
        test=test,
        promise=promise,
        unmeasured=UNMEASURED,
    )


def _refused(counts: Counts) -> int | None:
    """Return how many were refused; None where that is not told."""
    return counts.refused if counts.requests else 0


KIND = GateKind(
    name="refusals",
    meaning="answers of 3xx and 4xx, save 499.",
    parameters=RefusalsPolicy,
    evidence=RateEvidence,
    build=build,
    needs=Needs.REQUESTS,
    optional=True,
    word="refused",
    row=CountsRow(title="Refusals"),
)
