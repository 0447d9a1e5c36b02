"""Rows of features as a request of the predictor, and its answer as a prediction a row. Pure.

    V1   {"instances": [{"miles": 2.5}]}, or [[2.5, null]] where the model takes a matrix
    V2   a tensor an input, or one of shape [rows, features]

Sources: KServe, V1 inference protocol; Open Inference Protocol v2.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.serving.protocol.tensors import datatype_named

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class RowForm:
    """How a predictor takes rows.

    Attributes:
        protocol: "v1" or "v2".
        inputs: of the model, in their order; V1 needs them where there is a matrix.
        matrix: name of the one tensor that holds all inputs; "" where each has its own name.
    """

    protocol: str = "v1"
    inputs: Mapping[str, Tensor] = field(default_factory=dict)
    matrix: str = ""

    def document(self, rows: Rows) -> dict[str, Any]:
        """Return the request of rows; a missing value of a matrix is null."""
        if self.protocol == "v1":
            return {"instances": self._lines(rows) if self.matrix else rows}
        if self.matrix:
            dtype = next(iter(self.inputs.values())).dtype
            return {"inputs": [_tensor(self.matrix, self._lines(rows), dtype)]}
        return {
            "inputs": [
                _tensor(name, [row.get(name) for row in rows], one.dtype)
                for name, one in self.inputs.items()
            ]
        }

    def _lines(self, rows: Rows) -> list[list[Any]]:
        return [[_null(row.get(name)) for name in self.inputs] for row in rows]

    def predictions(self, answer: Any) -> list[Any]:
        """Return the prediction of each row; of a model of one output its value.

        Raises:
            KeyError, TypeError, ValueError: it is no answer of the protocol.
        """
        if self.protocol == "v1":
            return _listed(answer["predictions"])
        outputs = {
            tensor["name"]: np.array(tensor["data"], object).reshape(tensor["shape"]).tolist()
            for tensor in answer["outputs"]
        }
        if len(outputs) == 1:
            return _listed(*outputs.values())
        lines = zip(*outputs.values(), strict=True)
        return [dict(zip(outputs, values, strict=True)) for values in lines]


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{type(value).__name__} is no list")
    return value


def _null(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _tensor(name: str, values: list[Any], dtype: str) -> dict[str, Any]:
    array = np.array(values, dtype=object)
    return {
        "name": name,
        "shape": list(array.shape),
        "datatype": datatype_named(dtype),
        "data": array.reshape(-1).tolist(),
    }
