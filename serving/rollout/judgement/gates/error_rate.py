"""The error gate: are the canary's answers errors more often than the stable revision's?"""

from operator import attrgetter
from typing import Annotated

from pydantic import Field

from kanaria.serving.rollout.judgement.gates.gate_kind import GateKind, Needs, Setting
from kanaria.serving.rollout.judgement.gates.gate_parameters import RateGatePolicy
from kanaria.serving.rollout.judgement.gates.rate_gate import RateGate, compared
from kanaria.serving.rollout.judgement.gates.rate_test import RateEvidence


class ErrorsPolicy(RateGatePolicy):
    """The gate on answers that are a server's error.

    Attributes:
        tolerated: share of errors that is acceptable whatever stable's is.
    """

    tolerated: Annotated[float, Field(ge=0, lt=1)] = 0.005


def build(parameters: ErrorsPolicy, setting: Setting) -> RateGate:
    """Return the gate."""
    test, promise = compared(parameters, setting, parameters.tolerated)
    errors = attrgetter("errors")
    return RateGate(name="errors", events="errors", count=errors, test=test, promise=promise)


KIND = GateKind(
    name="errors",
    meaning="answers of 5xx.",
    parameters=ErrorsPolicy,
    evidence=RateEvidence,
    build=build,
    needs=Needs.REQUESTS,
    word="errors",
)
