"""One hyperparameter of KerasTuner as a parameter of Katib, and its values as text and back. Pure.

Katib hands every value over as text, puts it into the pod's template without quoting, and asks
names that stand between `${trialParameters.` and `}`.

Source: Katib 0.19, FeasibleSpace in pkg/apis/controller/experiments/v1beta1/experiment_types.go;
what its algorithms make of it, in pkg/suggestion/v1beta1.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from kanaria.components.shared.errors import DataError, shown

Value = str | int | float | bool
EMPTY = "%"
"""The text of the empty text: Katib's API leaves empty values out. No other text is quoted so."""
ROUNDING = 1e-9
"""Relative; what exp(log(bound)) may miss a bound by."""


class Kind(StrEnum):
    """Katib's name of a parameter's type."""

    INT = "int"
    DOUBLE = "double"
    DISCRETE = "discrete"
    CATEGORICAL = "categorical"


def text(value: Value) -> str:
    """Return a value as Katib carries it: numbers exactly, other letters than plain ones quoted."""
    return (quote(value) or EMPTY) if isinstance(value, str) else repr(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One parameter of an Experiment.

    Attributes:
        name: KerasTuner's.
        katib_name: Katib's, of letters, digits, `_` and `-`.
        kind: of its values.
        low: least value of a number, inclusive.
        high: greatest, inclusive.
        is_log: whether the logarithm is sampled evenly.
        values: of a list, all of them, in order and of one type.
    """

    name: str
    katib_name: str
    kind: Kind
    low: float = 0
    high: float = 0
    is_log: bool = False
    values: tuple[Value, ...] = ()

    @property
    def is_list(self) -> bool:
        """Whether the values are listed."""
        return self.kind in (Kind.DISCRETE, Kind.CATEGORICAL)

    @property
    def count(self) -> int:
        """How many values there are, 0 for a range of real numbers."""
        if self.is_list:
            return len(self.values)
        return int(self.high - self.low) + 1 if self.kind is Kind.INT else 0

    def feasible_space(self) -> dict[str, Any]:
        """Return the parameter's `feasibleSpace`."""
        if self.is_list:
            return {"list": [text(value) for value in self.values]}
        bounds = {"min": text(self.low), "max": text(self.high)}
        return {**bounds, "distribution": "logUniform" if self.is_log else "uniform"}

    def value(self, assigned: str) -> Value:
        """Return the value that Katib's text means, of the hyperparameter's own type.

        Raises:
            DataError: the parameter has no such value.
        """
        try:
            return self._listed(assigned) if self.is_list else self._number(float(assigned))
        except ValueError as error:
            raise DataError(
                f"katib: {self.katib_name}={shown(assigned)}: no value of the hyperparameter "
                f"{shown(self.name)}; was the Experiment changed?"
            ) from error

    def _listed(self, assigned: str) -> Value:
        texts = {text(value): value for value in self.values}
        if assigned in texts or self.kind is Kind.CATEGORICAL:
            if assigned not in texts:
                raise ValueError(assigned)
            return texts[assigned]
        return self.values[self.values.index(float(assigned))]

    def _number(self, number: float) -> Value:
        slack = ROUNDING * max(abs(self.low), abs(self.high))
        if not math.isfinite(number) or not self.low - slack <= number <= self.high + slack:
            raise ValueError(number)
        number = min(max(number, self.low), self.high)
        if self.kind is Kind.DOUBLE:
            return float(number)
        if int(number) != number:
            raise ValueError(number)
        return int(number)

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON holds them."""
        return asdict(self)

    @classmethod
    def of_json(cls, fields: Mapping[str, Any]) -> "Parameter":
        """Return what `as_json` gave."""
        kind, values = Kind(fields["kind"]), tuple(fields["values"])
        return cls(**{**fields, "kind": kind, "values": values})
