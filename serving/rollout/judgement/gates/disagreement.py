"""The disagreement gate: how often do both models answer the same row differently?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field

from kanaria.serving.rollout.judgement.confidence_sequences import mean_bounds
from kanaria.serving.rollout.judgement.counts_needed import factor_until
from kanaria.serving.rollout.judgement.gates.gate import Finding, Gate, RateCounts
from kanaria.serving.rollout.judgement.gates.gate_kind import (
    GateKind,
    Needs,
    Setting,
    Share,
    SharesRow,
    Unsaid,
)
from kanaria.serving.rollout.judgement.gates.gate_parameters import Chance, Part
from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.traffic_strategy import Strategy


class DisagreementPolicy(Part):
    """The gate on rows to which both models give different answers.

    Attributes:
        limit: share of such rows above which a person is asked; None for no limit.
        false_question: probability, at most, of asking although the share is at most the limit.
    """

    limit: Annotated[float, Field(gt=0, lt=1)] | None = None
    false_question: Chance = 0.05


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
class DisagreementGate(Gate[DisagreementEvidence]):
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

    def needed(self, evidence: DisagreementEvidence, _step: RateCounts, /) -> float | None:
        """Estimate how many more rows it takes, if the models disagree as often as so far."""
        limit = self.limit
        if limit is None or not evidence.pairs:
            return 0.0 if evidence.pairs else None

        def agrees(factor: float) -> bool:
            apart, rows = factor * evidence.disagreements, factor * evidence.pairs
            return bool(mean_bounds(apart, rows, self.false_question)[1] <= limit)

        factor = factor_until(agrees)
        return None if factor is None else (factor - 1) * evidence.pairs


def build(parameters: DisagreementPolicy, _setting: Setting) -> DisagreementGate:
    """Return the gate."""
    return DisagreementGate(limit=parameters.limit, false_question=parameters.false_question)


def _shares(numbers: Mapping[str, float]) -> tuple[Share, ...]:
    if not numbers.get("pairs"):
        return ()
    rate = numbers["disagreements"] / numbers["pairs"]
    low, high = numbers["disagreement_low"], numbers["disagreement_high"]
    return (Share(name="answered differently", value=rate, low=low, high=high),)


def _limit(parameters: DisagreementPolicy) -> tuple[float, str] | None:
    limit = parameters.limit
    return None if limit is None else (limit, f"limit {limit:.3g}")


KIND = GateKind(
    name="disagreement",
    meaning="rows with two different answers; strategy shadow, and on there where unsaid.",
    parameters=DisagreementPolicy,
    evidence=DisagreementEvidence,
    build=build,
    needs=Needs.ANSWERS,
    unsaid=Unsaid.ON_IN_SHADOW,
    strategies=frozenset({Strategy.SHADOW}),
    misfit="compares answers to the same rows: it needs strategy shadow",
    row=SharesRow(title="Rows that both models answer differently", shares=_shares, limit=_limit),
)
