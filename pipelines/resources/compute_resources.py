"""CPU, memory and accelerators of a step."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from kanaria.components.shared.errors import shown
from kanaria.pipelines.resources import kfp_quantities, kubernetes_names
from kanaria.pipelines.resources.settings_part import Part, Quantity
from kanaria.serving.inference_service.quantity import amount

OF_ALL = {"cpu": kfp_quantities.cpu, "memory": kfp_quantities.memory}


def _amount(name: str, quantity: str) -> str:
    """Check an amount by what it is of; an accelerator is named as nvidia.com/gpu."""
    if name in OF_ALL:
        return OF_ALL[name](quantity)
    if "/" not in name:
        raise ValueError("KFP sets cpu, memory and an accelerator such as nvidia.com/gpu")
    kubernetes_names.label_key(name)
    if not re.fullmatch("[0-9]{1,4}", quantity) or not int(quantity):
        raise ValueError("use a whole number from 1, as accelerators are not shared")
    return str(int(quantity))


def _amounts(quantities: dict[str, str]) -> dict[str, str]:
    result, faults = {}, []
    for name, quantity in quantities.items():
        try:
            result[name] = _amount(name, quantity)
        except ValueError as error:
            faults.append(f"{kubernetes_names.called(name)}={shown(quantity, 80)}: {error}")
    accelerators = sorted(name for name in result if "/" in name)
    if len(accelerators) > 1:
        faults.append(f"KFP sets one accelerator, not {' and '.join(accelerators)}")
    if faults:
        raise ValueError("; ".join(faults))
    return result


Amounts = Annotated[dict[str, Quantity], AfterValidator(_amounts)]


class Container(Part):
    """`resources` of a container."""

    requests: Amounts = Field(default_factory=dict)
    limits: Amounts = Field(default_factory=dict)

    @model_validator(mode="after")
    def _go_together(self) -> "Container":
        faults = []
        for name in sorted(self.requests.keys() & self.limits.keys()):
            request, limit = self.requests[name], self.limits[name]
            low, high = amount(request), amount(limit)
            if low is None or high is None or low > high:
                faults.append(f"requests.{name}: {request!r} is above the limit, {limit!r}")
            elif "/" in name and low != high:
                faults.append(f"requests.{name}: an accelerator's request is its limit")
        if faults:
            raise ValueError("; ".join(faults))
        return self
