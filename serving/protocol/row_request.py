"""Requests of one row, and the row in an answer, in both protocols. Pure.

Sources: TensorFlow Serving RESTful API, "Predict API", row format; Open Inference Protocol v2.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.serving_samples import Row, Tensor
from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.protocol.base64_values import is_record
from kanaria.serving.protocol.tensors import BINARY_ONLY, datatype_named


class AnswerError(DataError):
    """The answer is none of the protocol's, or holds other outputs than the model has."""


def predict_path(name: str, protocol: str) -> str:
    """Return the path that takes a request of model `name` in protocol "v1" or "v2"."""
    return f"/v1/models/{name}:predict" if protocol == "v1" else f"/v2/models/{name}/infer"


def is_sendable(row: Row, tensors: Iterable[Tensor], protocol: str) -> bool:
    """Tell whether the protocol has a JSON form for the row: V2 has none for bytes.

    Args:
        row: name of an input -> its value.
        tensors: inputs and outputs of the model; half floats have a JSON form in neither protocol.
        protocol: "v1" or "v2".
    """
    if any(datatype_named(tensor.dtype) in BINARY_ONLY for tensor in tensors):
        return False
    return protocol == "v1" or not any(_holds_bytes(value) for value in row.values())


def _holds_bytes(value: Any) -> bool:
    if isinstance(value, list):
        return any(_holds_bytes(item) for item in value)
    return isinstance(value, Mapping)


def body(row: Row, inputs: Mapping[str, Tensor], protocol: str, matrix: str = "") -> bytes:
    """Return the request of one row as JSON.

    Args:
        row: name of an input -> its value.
        inputs: of the model.
        protocol: "v1" or "v2".
        matrix: name of the one tensor that holds all inputs, in their order; "" for one each.
    """
    if matrix:
        values = [row[name] for name in inputs]
        if protocol == "v1":
            return json.dumps({"instances": [values]}).encode()
        dtype = next(iter(inputs.values())).dtype
        return json.dumps({"inputs": [_tensor(matrix, values, dtype)]}).encode()
    if protocol == "v1":
        return json.dumps({"instances": [dict(row)]}).encode()
    tensors = [_tensor(name, value, inputs[name].dtype) for name, value in row.items()]
    return json.dumps({"inputs": tensors}).encode()


def _tensor(name: str, value: Any, dtype: str) -> dict[str, Any]:
    array = np.array(value, dtype=object)
    return {
        "name": name,
        "shape": [1, *array.shape],
        "datatype": datatype_named(dtype),
        "data": array.reshape(-1).tolist(),
    }


def outputs(answer: bytes, names: Mapping[str, Tensor], protocol: str) -> Row:
    """Return the outputs of the one row in an answer.

    Args:
        answer: the body.
        names: outputs of the model.
        protocol: "v1" or "v2".

    Raises:
        AnswerError: it is no answer of the protocol, or lacks an output.
    """
    try:
        raw = json.loads(answer)
        row = _v1(raw, names) if protocol == "v1" else _v2(raw)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        text = shown(answer.decode("utf-8", "replace"))
        raise AnswerError(f"no {protocol} answer of one row: {text}") from error
    missing = sorted(names.keys() - row.keys())
    if missing:
        raise AnswerError(f"the answer lacks {shown(missing)}; it has {shown(sorted(row))}")
    return row


def _v1(raw: Any, names: Mapping[str, Tensor]) -> Row:
    (row,) = raw["predictions"]
    if is_record(row):
        return dict(row)
    (name,) = names  # The only output comes without its name.
    return {name: row}


def _v2(raw: Any) -> Row:
    return {
        tensor["name"]: np.array(tensor["data"], dtype=object).reshape(tensor["shape"])[0]
        for tensor in raw["outputs"]
    }
