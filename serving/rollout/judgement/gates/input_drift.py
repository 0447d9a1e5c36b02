"""The input gate: does the drift server say that inputs are other than those of training?"""

import math
from dataclasses import dataclass

import numpy as np
from pydantic import ConfigDict

from kanaria.serving.rollout.judgement.bets import log_factor, mixed
from kanaria.serving.rollout.judgement.gates.gate import Finding
from kanaria.serving.rollout.judgement.gates.rate_gate import LARGEST_LOG
from kanaria.serving.rollout.observations.observation import Observation

ODDS = np.array([3.0, 10.0, 50.0])
PRIOR = np.log([1 / 3, 1 / 3, 1 / 3])


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
class InputGate:
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

    def restart(self, evidence: InputEvidence, step: int) -> InputEvidence:
        """Return the evidence unchanged: inputs hold for the whole rollout."""
        return evidence

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
