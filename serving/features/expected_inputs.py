"""What a model expects of a feature, as its server tells it. Pure.

TensorFlow Serving and Triton take no `null` and no plain value for an axis of one; local serving
takes both. What stands for a missing value is what `export_model` gave the model in training.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import missing_value
from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.serving.protocol.model_metadata import (
    Tensors,
    of_inference_protocol,
    of_tensorflow_serving,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedInputs:
    """The inputs of a model.

    Attributes:
        tensors: by name; empty where its server does not tell them.
        takes_null: whether its server takes `null` for a missing value.
    """

    tensors: Tensors = field(default_factory=dict)
    takes_null: bool = True

    def value(self, name: str, value: Any) -> Any:
        """Return a feature's value in one row as the server takes it."""
        tensor = self.tensors.get(name)
        if tensor is None or self.takes_null:
            return value
        is_row_of_list = len(tensor.shape or ()) == 2
        if value is None:
            mark = _mark(tensor)
            return [mark] * ((tensor.shape or ())[1] or 1) if is_row_of_list else mark
        if is_row_of_list and not isinstance(value, list):
            return [value]
        return value


def _mark(tensor: Tensor) -> Any:
    if tensor.dtype == "string":
        return ""
    if tensor.dtype == "bfloat16":
        return float("nan")
    return missing_value(np.dtype(tensor.dtype))


def told_by(protocol: str, answer: bytes) -> Mapping[str, Tensor]:
    """Return the inputs in an answer to a question for a model's metadata; {} where it has none."""
    of_answer = of_tensorflow_serving if protocol == "v1" else of_inference_protocol
    try:
        return of_answer(json.loads(answer))[0]
    except (KeyError, TypeError, ValueError):
        return {}
