"""What every gate is, and what it finds."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from kanaria.serving.rollout.observations.interval_observation import Observation

Evidence = TypeVar("Evidence")
LARGEST_LOG = 600.0
"""e-values are cut here, so that every number stays finite."""


def evidence_text(e_value: float) -> str:
    """Return an e-value as a person reads it: three digits, and no power of ten below a million."""
    return f"{e_value:,.0f}" if 1e3 <= e_value < 1e6 else f"{e_value:.3g}"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a gate concludes from its evidence so far.

    Attributes:
        gate: its name.
        text: one sentence with the numbers, for a person.
        stop: why the canary must go at once by a hard rule, or "".
        spent: share of the whole promise against false rollbacks that the evidence of harm has
            used up: alpha of the gate times its e-value. At a sum of 1 over all gates the canary
            is rolled back; a gate alone reaches 1 when its e-value reaches 1 / alpha.
        question: what a person must judge before the rollout goes on, or "".
        accepted: the gate agrees to a promotion.
        grounded: the gate knows enough of the stable revision for the canary to get traffic.
        numbers: the figures behind the text, finite.
    """

    gate: str
    text: str
    stop: str = ""
    spent: float = 0.0
    question: str = ""
    accepted: bool = False
    grounded: bool = True
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RateCounts:
    """What a gate on rates counted of both revisions.

    Attributes:
        looks: how many looks these are the counts of; 0 where it is not known.
        canary_requests: of the canary.
        canary_events: of those.
        stable_requests: of the stable revision.
        stable_events: of those.
    """

    looks: int = 0
    canary_requests: int = 0
    canary_events: int = 0
    stable_requests: int = 0
    stable_events: int = 0


class Gate(ABC, Generic[Evidence]):
    """Judges one signal. Evidence is a frozen dataclass of plain numbers with a field `heard`.

    `heard` is the end of the last interval that had data for this gate, or None.

    Attributes:
        name: the key of the gate in policy, state and record.
    """

    name: str

    @abstractmethod
    def start(self) -> Evidence:
        """Return the evidence before anything was observed."""

    def restart(self, evidence: Evidence, _step: int, /) -> Evidence:
        """Return the evidence at the start of a step, by its number from 1 on: the same, mostly."""
        return evidence

    @abstractmethod
    def observe(self, evidence: Evidence, observation: Observation) -> Evidence:
        """Return the evidence after one more interval; without data it stays as it is."""

    def warm(self, evidence: Evidence, observation: Observation) -> Evidence:
        """Return the evidence after an interval in which the canary warmed up."""
        return self.observe(evidence, observation)

    @abstractmethod
    def judge(self, evidence: Evidence) -> Finding:
        """Return what the evidence says."""

    def counted(self, _evidence: Evidence, /) -> RateCounts | None:
        """Return what it counted since the rollout began; None for a gate that is on no rates."""
        return None

    def needed(self, evidence: Evidence, _step: RateCounts, /) -> float | None:
        """Estimate how many more requests of the canary it takes until the gate agrees.

        In the shadow these are rows that both models answer. None where it cannot be told.

        Args:
            evidence: so far.
            _step: what it counted in the step, where it is on rates, at looks at which the canary
                had requests: it is taken to go on so.
        """
        return 0.0 if self.judge(evidence).accepted else None
