"""What all parts of a step's settings have in common: their form, and the kinds of their values."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from kanaria.pipelines.resources import kfp_quantities, kubernetes_names


def _written(value: object) -> object:
    """Take a number where Kubernetes takes one for a quantity."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


Quantity = Annotated[str, BeforeValidator(_written)]
Memory = Annotated[Quantity, AfterValidator(kfp_quantities.memory)]
ObjectName = Annotated[str, AfterValidator(kubernetes_names.object_name)]
VolumeName = Annotated[str, AfterValidator(kubernetes_names.volume_name)]
Variable = Annotated[str, AfterValidator(kubernetes_names.variable)]
DataKey = Annotated[str, AfterValidator(kubernetes_names.data_key)]
LabelKey = Annotated[str, AfterValidator(kubernetes_names.label_key)]
OwnKey = Annotated[str, AfterValidator(kubernetes_names.own_key)]
LabelValue = Annotated[str, AfterValidator(kubernetes_names.label_value)]
Wait = Annotated[str, AfterValidator(kubernetes_names.wait)]


class Part(BaseModel):
    """A mapping of Kubernetes' or KFP's; its fields are named as there, and no others are taken."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
    )
