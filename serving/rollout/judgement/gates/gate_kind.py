"""A kind of gate: all that the rest of a rollout must know of it, beside the gate in its file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kanaria.serving.rollout.judgement.gates.gate import Gate
from kanaria.serving.rollout.judgement.gates.gate_parameters import Part
from kanaria.serving.rollout.traffic_strategy import Strategy


class Needs(StrEnum):
    """What must be observed for a gate to have data."""

    FACTS = "facts"
    """What the platform says of the canary; known before it has traffic, too."""
    REQUESTS = "requests"
    """Counts of both revisions' requests; of copies in the shadow not every platform has them."""
    ANSWERS = "answers"
    """What both models answered, from a drift server; of strategy shadow in its first step."""
    INPUTS = "inputs"
    """Which windows of the canary's inputs have drifted, from a drift server."""


class Unsaid(StrEnum):
    """What holds where a policy does not name the gate."""

    ON = "on"
    ON_IN_SHADOW = "on_in_shadow"
    """On under strategy shadow, off under the others."""
    OFF = "off"


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What a gate is told of the rollout that it is to judge.

    Attributes:
        strategy: how traffic reaches the canary.
        steps: of the traffic, without the promotion.
        alpha: the gate's share of the probability of a false rollback.
        beta: probability, at most, of promoting a canary at the gate's margin.
    """

    strategy: Strategy
    steps: int
    alpha: float
    beta: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A share of rows at one moment, 0 to 1, with the ends of its interval where it has one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CountsRow:
    """The gate's row of a timeline shows what it counted: a rate of each revision.

    Attributes:
        title: what was counted, for instance "Refusals".
    """

    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SharesRow:
    """The gate's row of a timeline shows shares of rows, with bounds for all looks together.

    Attributes:
        title: what is a share of the rows.
        shares: the numbers of a finding -> what is drawn, always as many; () while there are none.
        limit: parameters -> the share that matters and its label, or None.
    """

    title: str
    shares: Callable[[Mapping[str, float]], tuple[Share, ...]]
    limit: Callable[[Any], tuple[float, str] | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class GateKind:
    """A gate as policy, state, decision and timeline know it; listed in `registry.KINDS`.

    Attributes:
        name: the key of the gate in policy, state and record.
        meaning: of its key in a policy, for the reference page.
        parameters: what a policy may ask of it. With a field `weight` it may roll back, and has a
            part of `false_rollback`.
        evidence: class of what it knows, as it is kept.
        build: (parameters, setting) -> the gate.
        needs: what must be observed for it to have data.
        unsaid: whether it is on where a policy does not say.
        required: no policy can leave it out, and strategy basic has it too.
        strategies: under which it can be on.
        misfit: why not under others, after its name.
        optional: not every platform has its data; where there never were any it keeps nothing
            waiting.
        cold: what it sees of a canary that warms up is no evidence.
        word: what a line for a terminal calls its events, "" where it has no rates.
        told_in_shadow: its whole text stands on that line while the canary is in the shadow.
        row: of a timeline, or None.
    """

    name: str
    meaning: str
    parameters: type[Part]
    evidence: type[Any]
    build: Callable[[Any, Setting], Gate[Any]]
    needs: Needs
    unsaid: Unsaid = Unsaid.ON
    required: bool = False
    strategies: frozenset[Strategy] = frozenset(Strategy)
    misfit: str = ""
    optional: bool = False
    cold: bool = False
    word: str = ""
    told_in_shadow: bool = False
    row: CountsRow | SharesRow | None = None

    @property
    def weighs(self) -> bool:
        """Whether it may roll back by evidence of harm."""
        return "weight" in self.parameters.model_fields

    @property
    def asks_drift_server(self) -> bool:
        """Whether its data come from a drift server."""
        return self.needs in (Needs.ANSWERS, Needs.INPUTS)
