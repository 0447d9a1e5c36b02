"""The disagreement gate: how often do both models answer the same row differently?"""

from dataclasses import dataclass

from pydantic import ConfigDict

from kanaria.serving.rollout.judgement.confidence import mean_bounds
from kanaria.serving.rollout.judgement.gates.gate import Finding
from kanaria.serving.rollout.observations.observation import Observation


@dataclass(frozen=True, kw_only=True, slots=True)
class DisagreementEvidence:
    """What was compared so far.

    Attributes:
        heard: end of the last interval with new pairs, seconds since 1970, or None.
        pairs: rows that both answered.
        disagreements: of those, with two different answers.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    heard: float | None
    pairs: int
    disagreements: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DisagreementGate:
    """Counts the rows of the shadow on which both models disagree.

    Promises, whenever and however often one looks: the interval of the rate holds it with
    probability at least 1 - `false_question`, so a person is asked with at most that probability
    where the rate is at most `limit`. It never rolls back: to disagree is not to be worse, but it
    bounds how much worse one can be, which the gate on labels makes use of.
    """

    limit: float | None
    false_question: float
    name: str = "disagreement"

    def start(self) -> DisagreementEvidence:
        """Return the evidence before anything was observed."""
        return DisagreementEvidence(heard=None, pairs=0, disagreements=0)

    def restart(self, evidence: DisagreementEvidence, step: int) -> DisagreementEvidence:
        """Return the evidence unchanged: the shadow is over."""
        return evidence

    def observe(
        self, evidence: DisagreementEvidence, observation: Observation
    ) -> DisagreementEvidence:
        """Return the evidence after one more interval."""
        models = observation.models
        if models is None:
            return evidence
        grown = models.pairs > evidence.pairs
        return DisagreementEvidence(
            heard=observation.now if grown else evidence.heard,
            pairs=models.pairs,
            disagreements=models.disagreements,
        )

    def judge(self, evidence: DisagreementEvidence) -> Finding:
        """Return what the evidence says."""
        rows, apart = evidence.pairs, evidence.disagreements
        low, high = (float(one) for one in mean_bounds(apart, rows, self.false_question))
        text = f"both answered {rows} rows, differently {apart}: between {low:.2%} and {high:.2%}"
        question = ""
        if self.limit is not None:
            text += f", where at most {self.limit:.2%} may be"
            question = f"the models disagree too often: {text}" if low > self.limit else ""
        return Finding(
            gate=self.name,
            text=text,
            question=question,
            accepted=rows > 0 and (self.limit is None or high <= self.limit),
            numbers={
                "pairs": float(rows),
                "disagreements": float(apart),
                "disagreement_low": low,
                "disagreement_high": high,
            },
        )
