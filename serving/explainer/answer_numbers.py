"""The one number that is explained, out of each prediction of a V1 answer. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.base64_values import is_record
from kanaria.serving.protocol.json_body import RequestError


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """Which number it is.

    Attributes:
        output: name of the output; "" where predictions have no names.
        column: which of its values; None where it is one.
        link: `logit` for its log-odds, else `identity`.
    """

    output: str
    column: int | None
    link: str

    @property
    def text(self) -> str:
        """What it is, in words."""
        what = f"output {self.output}" if self.output else "the prediction"
        what += "" if self.column is None else f", column {self.column}"
        return f"log-odds of {what}" if self.link == "logit" else f"{what}, as the model answers it"


def quantity(prediction: Any, output: str, column: int, link: str) -> Quantity:
    """Return which number of predictions like this one is explained.

    Args:
        prediction: of one row.
        output: name of the output, "" for the only one of numbers.
        column: which of its values, -1 for the only one.
        link: as in `Quantity`.

    Raises:
        RequestError: it has no such number, or several and none was named.
    """
    name = _output(prediction, output)
    values = _flat(prediction[name] if is_record(prediction) else prediction)
    if not values:
        raise RequestError(f"output {shown(name)}: {shown(prediction)} is no number")
    if column >= len(values) or (column < 0 and len(values) > 1):
        raise RequestError(
            f"column={column}: the output has {len(values)} values a row; use 0 to "
            f"{len(values) - 1}"
        )
    return Quantity(output=name, column=None if len(values) == 1 else column, link=link)


def _output(prediction: Any, output: str) -> str:
    if not is_record(prediction):
        if output:
            raise RequestError(f"output={shown(output)}: predictions have no names; leave it out")
        return ""
    numeric = sorted(name for name, value in prediction.items() if _flat(value))
    name = output or (numeric[0] if len(numeric) == 1 else "")
    if name not in numeric:
        names = ", ".join(numeric) or "none of numbers"
        raise RequestError(f"output={shown(output)}: name one of: {names}")
    return name


def _flat(value: Any) -> list[float]:
    """Return the numbers of nested lists, or nothing where it holds anything else."""
    if isinstance(value, list):
        parts = [_flat(item) for item in value]
        return [number for part in parts for number in part] if all(parts) else []
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def numbers(predictions: Sequence[Any], wanted: Quantity) -> NDArray[np.float64]:
    """Return the explained number of each prediction, shape (rows,).

    Raises:
        RequestError: one lacks it, or its log-odds are infinite.
    """
    return np.array([_number(prediction, wanted) for prediction in predictions])


def _number(prediction: Any, wanted: Quantity) -> float:
    value = prediction.get(wanted.output) if is_record(prediction) else prediction
    values = _flat(value)
    column = wanted.column or 0
    if column >= len(values):
        raise RequestError(f"{wanted.text}: the model answers {shown(prediction)} without it")
    number = values[column]
    if wanted.link == "identity":
        return number
    if not 0 < number < 1:
        raise RequestError(
            f"link logit: the model answers {number:g} to a row that mixes the instance with the "
            "background, whose log-odds are infinite or none; use link identity"
        )
    return math.log(number / (1 - number))
