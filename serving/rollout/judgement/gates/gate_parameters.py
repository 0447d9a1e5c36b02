"""What a policy may ask of a gate: the base of the parameters that each gate's file has."""

from typing import Annotated

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
