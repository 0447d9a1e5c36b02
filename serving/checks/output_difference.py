"""A served model's outputs against those of the model that was trained. Pure."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.serving_samples import Row
from kanaria.components.shared.errors import shown
from kanaria.serving.checks.check_limits import ApiCall
from kanaria.serving.protocol.base64_values import bytes_of_base64, is_base64_object


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """How the outputs of one row differ.

    Attributes:
        largest: absolute difference of two numbers, infinity for what cannot be compared.
        fault: a sentence about the first output outside the tolerances, or "".
    """

    largest: float = 0.0
    fault: str = ""


def difference(served: Row, trained: Row, limits: ApiCall) -> Difference:
    """Compare the outputs that the trained model has: |served - trained| <= a + r * |trained|."""
    largest, fault = 0.0, ""
    for name, wanted in trained.items():
        distance, fits = _distance(served[name], wanted, limits)
        largest = max(largest, distance)
        if not fits and not fault:
            answered = shown(_plain(served[name]))
            fault = f"output {name!r} is {answered}; the trained model answers {shown(wanted)}"
    return Difference(largest=largest, fault=fault)


def _distance(served: Any, wanted: Any, limits: ApiCall) -> tuple[float, bool]:
    """Return the largest distance of two values, and whether it is within the tolerances."""
    left, right = (np.array(_text(_plain(value)), dtype=object) for value in (served, wanted))
    if left.shape != right.shape:
        return math.inf, False
    numeric = [isinstance(v, int | float) for values in (left, right) for v in values.flat]
    if not all(numeric):
        equal = bool((left == right).all())
        return 0.0 if equal else math.inf, equal
    numbers, trained = left.astype(float), right.astype(float)
    distances = np.abs(numbers - trained)
    bounds = limits.absolute_tolerance + limits.relative_tolerance * np.abs(trained)
    # A difference that is no number (NaN) is within no bound.
    fits = bool((distances <= bounds).all())
    return float(np.nan_to_num(distances, nan=math.inf).max(initial=0.0)), fits


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _text(value: Any) -> Any:
    """Return a value with base64 turned into text, as a server that knows no bytes tells it."""
    if isinstance(value, list):
        return [_text(item) for item in value]
    if is_base64_object(value):
        return bytes_of_base64(value["b64"]).decode("utf-8", "replace")
    return value
