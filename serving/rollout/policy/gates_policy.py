"""The gates of a policy: what each one looks at, and how much is asked of it. Pure."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Chance = Annotated[float, Field(gt=0, le=0.5)]


class Part(BaseModel):
    """What all parts of a policy share: no unknown keys, no guessing of types, no change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class RateGatePolicy(Part):
    """What the gates on rates share.

    Attributes:
        margin: ratio to the stable revision at which a canary must not be promoted.
        weight: of the gate when `false_rollback` is split.
        minimum_events: of the canary, below which there is no rollback by this gate.
        variation: of a revision's own rate from look to look, as standard deviation over mean;
            the promises hold for bursts of each revision by itself up to it. 0 is for none.
    """

    margin: Annotated[float, Field(gt=1, le=100)] = 2.0
    weight: Annotated[float, Field(gt=0, le=100)] = 1.0
    minimum_events: Annotated[int, Field(ge=1)] = 5
    variation: Annotated[float, Field(ge=0, le=5)] = 0.0


class ErrorsPolicy(RateGatePolicy):
    """Attributes: tolerated: share of errors that is acceptable whatever stable's is."""

    tolerated: Annotated[float, Field(ge=0, lt=1)] = 0.005


class RefusalsPolicy(RateGatePolicy):
    """The gate on answers of 3xx and 4xx.

    Attributes:
        tolerated: share of refusals that is acceptable whatever stable's is.
        minimum_events: as of the other gates; more, since the mistakes of one client come in a row.
    """

    tolerated: Annotated[float, Field(ge=0, lt=1)] = 0.01
    minimum_events: Annotated[int, Field(ge=1)] = 10


class LatencyPolicy(RateGatePolicy):
    """Attributes: quantile: of the stable revision's latency, above which an answer is slow."""

    quantile: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95


class HardRulesPolicy(Part):
    """Attributes: restarts, oom_kills: of the canary's containers that are allowed."""

    restarts: Annotated[int, Field(ge=0)] = 2
    oom_kills: Annotated[int, Field(ge=0)] = 0


class PredictionsPolicy(Part):
    """The gate on the distribution of predictions.

    Attributes:
        tolerated: total variation distance, the largest change of the share of any set of
            classes, below which nobody is asked.
        false_question: probability, at most, of asking although the distributions are equal.
    """

    tolerated: Annotated[float, Field(ge=0, lt=1)] = 0.02
    false_question: Chance = 0.05


class DisagreementPolicy(Part):
    """The gate on rows to which both models give different answers.

    Attributes:
        limit: share of such rows above which a person is asked; None for no limit.
        false_question: probability, at most, of asking although the share is at most the limit.
    """

    limit: Annotated[float, Field(gt=0, lt=1)] | None = None
    false_question: Chance = 0.05


class LabelsPolicy(Part):
    """The gate on which model is right where they disagree.

    Attributes:
        margin: loss of accuracy, as a share of all rows, at which a canary must not be promoted.
        weight: of the gate when `false_rollback` is split.
        minimum_labels: of rows on which one model alone is right, below which there is no
            rollback by this gate.
    """

    margin: Annotated[float, Field(gt=0, lt=1)] = 0.02
    weight: Annotated[float, Field(gt=0, le=100)] = 2.0
    minimum_labels: Annotated[int, Field(ge=1)] = 10


class InputsPolicy(Part):
    """The gate on what the drift server says of the canary's inputs.

    Attributes:
        false_alarms: share of windows without drift that the detectors flag all the same.
        false_block: probability, at most, of blocking a promotion though nothing drifted.
    """

    false_alarms: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    false_block: Chance = 0.05


class GatesPolicy(Part):
    """The gates; `false` leaves one out. Facts are always looked at.

    Those on models need a drift server. Left unsaid, predictions, disagreement and labels are on
    under strategy shadow and off under the others, and inputs is off.
    """

    errors: ErrorsPolicy | Literal[False] = ErrorsPolicy()
    refusals: RefusalsPolicy | Literal[False] = RefusalsPolicy()
    latency: LatencyPolicy | Literal[False] = LatencyPolicy()
    hard_rules: HardRulesPolicy = HardRulesPolicy()
    predictions: PredictionsPolicy | Literal[False] | None = None
    disagreement: DisagreementPolicy | Literal[False] | None = None
    labels: LabelsPolicy | Literal[False] | None = None
    inputs: InputsPolicy | Literal[False] | None = None

    @property
    def on_models(self) -> tuple[str, ...]:
        """Names of the gates that look at what models answer, as far as they are on."""
        names = ("predictions", "disagreement", "labels", "inputs")
        return tuple(name for name in names if getattr(self, name))


GATE_KINDS = {
    kind.__name__
    for kind in (
        ErrorsPolicy,
        RefusalsPolicy,
        LatencyPolicy,
        PredictionsPolicy,
        DisagreementPolicy,
        LabelsPolicy,
        InputsPolicy,
    )
}
"""Names of what may stand in the place of a gate, beside false."""
SHADOW_GATES = {
    "predictions": PredictionsPolicy(),
    "disagreement": DisagreementPolicy(),
    "labels": LabelsPolicy(),
}
"""The gates that strategy shadow has where the policy does not say otherwise."""


def resolved(gates: GatesPolicy, *, shadow: bool) -> GatesPolicy:
    """Return the gates with what was left unsaid decided."""
    unsaid = [name for name in (*SHADOW_GATES, "inputs") if getattr(gates, name) is None]
    found = {name: (shadow and SHADOW_GATES.get(name)) or False for name in unsaid}
    return gates.model_copy(update=found)
