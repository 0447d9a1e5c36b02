"""The policy of a rollout: one YAML file, checked as a whole before anything is done.

    strategy: canary            # basic: all at once when ready; blue_green: switch, watch, keep;
                                # shadow: first a copy of the requests, answers are not used
    automation: approve         # observe: only say; approve: ask at named steps; auto
    approve_before: [50%, promote]
    steps:                      # canary: ascending percent; blue_green: at most one, at 100;
                                # shadow: first {percent: 0}, then a canary's steps or none
      - {percent: 10, minimum_requests: 600, minimum_minutes: 10}
      - {percent: 50, minimum_requests: 600, minimum_minutes: 10}
    false_rollback: 0.05        # split over the gates by their weights
    false_promotion: 0.05
    gates:
      errors: {margin: 2.0, tolerated: 0.005}
      refusals: {margin: 2.0, tolerated: 0.01}
      latency: {quantile: 0.95, margin: 2.0}
      hard_rules: {restarts: 2, oom_kills: 0}
      predictions: {tolerated: 0.02}        # these four need a drift server
      disagreement: {limit: 0.1}
      labels: {margin: 0.02}
      inputs: {false_alarms: 0.05}
    models: {task: binary}      # how the drift server reads what models answer
    warm_up: {minutes: 1, requests: 20}   # of each step: slow answers in it count for nothing
    unready_looks: 2            # in a row, or twice as many of ten times as many: rolled back

Everything has a default; a gate is left out by `false`.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.config.validation import add_invalid
from kanaria.components.shared.errors import shown
from kanaria.serving.rollout.judgement.gates.gate_parameters import Chance, Part
from kanaria.serving.rollout.policy.gates_policy import (
    PARAMETERS,
    GatesPolicy,
    misfits,
    resolved,
)
from kanaria.serving.rollout.traffic_strategy import Strategy

PROMOTE = "promote"
"""The name of the last step of every rollout, for `approve_before`."""


class Automation(StrEnum):
    """Who acts."""

    OBSERVE = "observe"
    APPROVE = "approve"
    AUTO = "auto"


Minutes = Annotated[float, Field(ge=0, le=60 * 24 * 30)]


class Step(Part):
    """A share of traffic, and what must be seen at it before the next.

    Attributes:
        percent: of the requests that the canary answers, 1 to 100; 0 in the shadow.
        minimum_requests: of the canary in this step, after the warm-up; in the shadow: rows that
            both answered.
        minimum_minutes: in this step, after the warm-up.
    """

    percent: Annotated[int, Field(ge=0, le=100)]
    minimum_requests: Annotated[int, Field(ge=0)] = 300
    minimum_minutes: Minutes = 5

    @property
    def name(self) -> str:
        """What `approve_before` and a person call it, for instance "10%"."""
        return f"{self.percent}%" if self.percent else "shadow"


DEFAULT_PERCENTS = {
    Strategy.BASIC: (),
    Strategy.BLUE_GREEN: (100,),
    Strategy.CANARY: (10, 50),
    Strategy.SHADOW: (0,),
}


def _steps_fit(steps: tuple[Step, ...] | None, info: ValidationInfo) -> tuple[Step, ...]:
    strategy: Strategy | None = info.data.get("strategy")
    if steps is None:
        percents = DEFAULT_PERCENTS[strategy] if strategy else ()
        return tuple(Step(percent=percent) for percent in percents)
    listed = [step.percent for step in steps]
    if listed != sorted(set(listed)):
        raise ValueError(f"percentages must ascend, not {listed}")
    if strategy is Strategy.BASIC and steps:
        raise ValueError("strategy basic has no steps, remove them or use canary")
    if strategy is Strategy.BLUE_GREEN and listed != [100]:
        raise ValueError("strategy blue_green has one step, at 100 percent")
    if strategy is Strategy.CANARY and (not steps or listed[-1] == 100 or listed[0] == 0):
        raise ValueError("strategy canary has steps from 1 to 99 percent, promotion is the last")
    if strategy is Strategy.SHADOW and (not steps or listed[-1] == 100 or listed[0] != 0):
        raise ValueError("strategy shadow has a first step at 0 percent and no step at 100")
    return steps


def _automation_fits(automation: Automation, info: ValidationInfo) -> Automation:
    if automation is Automation.OBSERVE and info.data.get("strategy") is Strategy.SHADOW:
        raise ValueError("strategy shadow copies requests itself, use approve or auto")
    return automation


def _approvals_fit(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    asks = info.data.get("automation")
    if asks is Automation.APPROVE and not names:
        raise ValueError("automation approve needs the steps to ask before, for instance [promote]")
    if asks not in (Automation.APPROVE, None) and names:
        raise ValueError("only automation approve asks a person, remove it or use approve")
    if "steps" in info.data:
        steps = [*(step.name for step in info.data["steps"]), PROMOTE]
        unknown = [name for name in names if name not in steps]
        if unknown:
            raise ValueError(f"no step is named {shown(unknown)}, there are {', '.join(steps)}")
    return names


def _gates_fit(gates: GatesPolicy, info: ValidationInfo) -> GatesPolicy:
    strategy: Strategy | None = info.data.get("strategy")
    if strategy is None:
        return gates
    decided = resolved(gates, strategy)
    if wrong := misfits(decided, strategy):
        raise ValueError("; ".join(wrong))
    return decided


class NoData(Part):
    """When silence counts, and what follows.

    Attributes:
        minutes: of silence before it counts.
        action: what is done then.
    """

    minutes: Annotated[float, Field(gt=0, le=60 * 24)] = 5
    action: Literal["ask", "rollback"] = "ask"


class WarmUp(Part):
    """How long a canary may be slow in a step, since new replicas of it start cold.

    Errors, refusals and facts count all the time. A canary that stays slow is found afterwards.

    Attributes:
        minutes: of the step, at least. Replicas that the raise asks for must have begun by then,
            and Prometheus must have scraped that.
        requests: of the canary in the step, at least.
    """

    minutes: Annotated[float, Field(ge=0, le=60)] = 1
    requests: Annotated[int, Field(ge=0, le=10_000)] = 20


class ModelsPolicy(Part):
    """How the drift server reads what models answer.

    Attributes:
        task: binary: probabilities, cut at a half; multiclass: classes, or probabilities of all
            of them; regression: numbers, cut at deciles of the stable revision's first.
        output: name of the response's column, "" where it has only one.
    """

    task: Literal["binary", "multiclass", "regression"] = "binary"
    output: str = ""


class Policy(Part):
    """How a canary is given traffic, judged and promoted.

    Attributes:
        strategy: how traffic reaches it.
        automation: who acts.
        steps: of the traffic, without the promotion.
        mirror_percent: of the requests that are copied to the canary while it is in the shadow;
            0 where somebody else copies them, as a replay of the payload log does.
        approve_before: names of the steps a person must approve.
        false_rollback: probability, at most, of rolling back a canary that is no worse.
        false_promotion: probability, at most, of promoting one at a gate's margin.
        gates: what judges it.
        models: how what the models answer is read, for the gates on it.
        warm_up: of each step, in which slow answers are no evidence.
        unready_looks: looks in a row at which a canary with requests is not ready, after which it
            is rolled back; twice as many among the last ten times as many do, too, in any order.
        no_data: when silence counts, and what follows.
        ready_minutes: from the start, after which a canary never ready is given up.
        inconclusive_minutes: in the last step, after which a person is asked.
    """

    strategy: Annotated[Strategy, Field(strict=False)] = Strategy.CANARY
    automation: Annotated[Automation, Field(strict=False), AfterValidator(_automation_fits)] = (
        Automation.AUTO
    )
    steps: Annotated[
        tuple[Step, ...] | None,
        Field(strict=False, validate_default=True),
        AfterValidator(_steps_fit),
    ] = None
    mirror_percent: Annotated[int, Field(ge=0, le=100)] = 100
    approve_before: Annotated[
        tuple[str, ...],
        Field(strict=False, validate_default=True),
        AfterValidator(_approvals_fit),
    ] = ()
    false_rollback: Chance = 0.05
    false_promotion: Chance = 0.05
    gates: Annotated[GatesPolicy, Field(validate_default=True), AfterValidator(_gates_fit)] = (
        GatesPolicy()
    )
    models: ModelsPolicy = ModelsPolicy()
    warm_up: WarmUp = WarmUp()
    unready_looks: Annotated[int, Field(ge=1, le=20)] = 2
    no_data: NoData = NoData()
    ready_minutes: Annotated[float, Field(gt=0, le=60 * 24)] = 15
    inconclusive_minutes: Annotated[float, Field(gt=0, le=60 * 24 * 30)] = 120

    @property
    def ladder(self) -> tuple[Step, ...]:
        """The steps; empty for strategy basic."""
        return self.steps or ()


def parse(text: str, where: str = "policy") -> Policy:
    """Return the policy written in YAML `text`.

    Raises:
        ParameterError: one line that starts with `where` and names every fault.
    """
    return _validated(yaml_text.parse(text, where), Faults(where))


def read(path: Path) -> Policy:
    """Return the policy in the file at `path`.

    Raises:
        ParameterError: the file cannot be read, or see `parse`.
    """
    return _validated(yaml_text.read(path), Faults(str(path)))


def _validated(document: Any, faults: Faults) -> Policy:
    faults.check(isinstance(document, Mapping), "document", document, "write `key: value` lines")
    faults.raise_if_any()
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        add_invalid(faults, error, branches=PARAMETERS)
        faults.raise_if_any()
        raise
