"""What all parts of a step's settings have in common: their form, and the kinds of their values."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from kanaria.pipelines.resources import checks, quantities


def _written(value: object) -> object:
    """Take a number where Kubernetes takes one for a quantity."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


Quantity = Annotated[str, BeforeValidator(_written)]
Memory = Annotated[Quantity, AfterValidator(quantities.memory)]
ObjectName = Annotated[str, AfterValidator(checks.object_name)]
VolumeName = Annotated[str, AfterValidator(checks.volume_name)]
Variable = Annotated[str, AfterValidator(checks.variable)]
DataKey = Annotated[str, AfterValidator(checks.data_key)]
LabelKey = Annotated[str, AfterValidator(checks.label_key)]
OwnKey = Annotated[str, AfterValidator(checks.own_key)]
LabelValue = Annotated[str, AfterValidator(checks.label_value)]
Wait = Annotated[str, AfterValidator(checks.wait)]


class Part(BaseModel):
    """A mapping of Kubernetes' or KFP's; its fields are named as there, and no others are taken."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
    )
