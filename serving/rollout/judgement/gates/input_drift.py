"""The input gate: does the drift server say that inputs are other than those of training?"""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field

from kanaria.serving.rollout.judgement.e_process_bets import log_factor, mixed
from kanaria.serving.rollout.judgement.gates.gate import LARGEST_LOG, Finding, Gate
from kanaria.serving.rollout.judgement.gates.gate_kind import GateKind, Needs, Setting, Unsaid
from kanaria.serving.rollout.judgement.gates.gate_parameters import Chance, Part
from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.traffic_strategy import Strategy

ODDS = np.array([3.0, 10.0, 50.0])
PRIOR = np.log([1 / 3, 1 / 3, 1 / 3])


class InputsPolicy(Part):
    """The gate on what the drift server says of the canary's inputs.

    Attributes:
        false_alarms: share of windows without drift that the detectors flag all the same.
        false_block: probability, at most, of blocking a promotion though nothing drifted.
    """

    false_alarms: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    false_block: Chance = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class InputEvidence:
    """What the drift server said so far.

    Attributes:
        heard: end of the last interval in which it answered, seconds since 1970, or None.
        windows: of the canary's inputs that were judged since the rollout began.
        drifted: of those, with drift.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    heard: float | None
    windows: int
    drifted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class InputGate(Gate[InputEvidence]):
    """Blocks a promotion while the inputs have drifted; the remedy is to train anew.

    It never rolls back, for the stable revision gets the same inputs. Promises, whenever and
    however often one looks: where at most `false_alarms` of the windows are flagged, each
    whatever the ones before were, a promotion is blocked with probability at most `false_block`.
    """

    false_alarms: float
    false_block: float
    name: str = "inputs"

    def start(self) -> InputEvidence:
        """Return the evidence before anything was observed."""
        return InputEvidence(heard=None, windows=0, drifted=0)

    def observe(self, evidence: InputEvidence, observation: Observation) -> InputEvidence:
        """Return the evidence after one more interval; windows take longer than intervals."""
        models = observation.models
        if models is None:
            return evidence
        return InputEvidence(heard=observation.now, windows=models.windows, drifted=models.drifted)

    def judge(self, evidence: InputEvidence) -> Finding:
        """Return what the evidence says."""
        won = log_factor(evidence.drifted, evidence.windows, self.false_alarms, ODDS)
        drift_e = math.exp(min(float(mixed(PRIOR + won)), LARGEST_LOG))
        drifted = drift_e >= 1 / self.false_block
        text = f"inputs: {evidence.drifted} of {evidence.windows} windows have drifted"
        if drifted:
            text += "; the canary was not fitted on such inputs: train it anew"
        elif not evidence.windows:
            text += "; none was judged yet"
        return Finding(
            gate=self.name,
            text=text,
            accepted=evidence.windows > 0 and not drifted,
            numbers={
                "windows": float(evidence.windows),
                "drifted": float(evidence.drifted),
                "drift_e_value": drift_e,
            },
        )


def build(parameters: InputsPolicy, _setting: Setting) -> InputGate:
    """Return the gate."""
    return InputGate(false_alarms=parameters.false_alarms, false_block=parameters.false_block)


KIND = GateKind(
    name="inputs",
    meaning="windows of the canary's inputs with drift; needs a drift server. Off where unsaid.",
    parameters=InputsPolicy,
    evidence=InputEvidence,
    build=build,
    needs=Needs.INPUTS,
    unsaid=Unsaid.OFF,
    strategies=frozenset(Strategy) - {Strategy.BASIC},
    misfit="judges a rollout with steps, strategy basic has none",
)
