"""Requests as arrays that fit a signature, and outputs as rows, by TF Serving's REST rules. Pure.

Source: TensorFlow Serving RESTful API, "Predict API", row format; Open Inference Protocol v2.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanaria.components.shared.errors import DataError, shown


class RequestError(DataError):
    """The request does not fit the model; the client can mend it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One named input of a signature: numpy dtype (object for text) and rank with the batch."""

    dtype: np.dtype[Any]
    rank: int


DATATYPES = {"f": "FP", "i": "INT", "u": "UINT", "b": "BOOL"}


def inputs_of(signature: Any) -> dict[str, Input]:
    """Return the named inputs of a SavedModel's signature."""
    specs = signature.structured_input_signature[1]
    return {
        name: Input(dtype=np.dtype(spec.dtype.as_numpy_dtype), rank=spec.shape.rank)
        for name, spec in specs.items()
    }


def _decoded(value: Any) -> Any:
    """Turn `{"b64": text}` into bytes and text into UTF-8, also inside lists."""
    if isinstance(value, dict) and set(value) == {"b64"}:
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, TypeError) as error:
            raise RequestError(f"b64 {shown(value['b64'])}: not base64") from error
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value


def _array(name: str, values: Sequence[Any], wanted: Input) -> np.ndarray:
    """Return values as an array of the input's type and rank; a scalar a row fits (rows, 1)."""
    decoded = [_decoded(value) for value in values]
    try:
        found = np.array(decoded)
    except ValueError as error:
        raise RequestError(f"feature {name!r}: rows have different shapes") from error
    return _fitted(name, found, wanted)


def _fitted(name: str, found: np.ndarray, wanted: Input) -> np.ndarray:
    kinds = {"i": "iu", "u": "iu", "f": "fiu", "b": "b", "O": "OSU", "S": "OSU"}[wanted.dtype.kind]
    if found.size and found.dtype.kind not in kinds:
        kind = "text" if wanted.dtype.kind in "OS" else wanted.dtype.name
        raise RequestError(f"feature {name!r}: {shown(found.flat[0])} is not of type {kind}")
    if wanted.dtype.kind == "O" and not all(isinstance(v, bytes | str) for v in found.flat):
        raise RequestError(f"feature {name!r}: values must be text")
    if found.ndim == wanted.rank - 1:
        found = found[..., np.newaxis]
    elif found.ndim == wanted.rank + 1 and found.shape[-1] == 1:
        found = found[..., 0]
    if found.ndim != wanted.rank:
        raise RequestError(f"feature {name!r}: shape {found.shape} does not have {wanted.rank} axes")
    return found.astype(wanted.dtype)


def _check_names(given: set[str], wanted: set[str], where: str) -> None:
    missing, unknown = sorted(wanted - given), sorted(given - wanted)
    if missing or unknown:
        parts = [f"missing {missing}"] * bool(missing) + [f"unknown {unknown}"] * bool(unknown)
        raise RequestError(f"{where}: features {' and '.join(parts)}")


def from_instances(instances: Any, inputs: Mapping[str, Input]) -> dict[str, np.ndarray]:
    """Return one array an input, shape (rows, ...), from V1's `instances`.

    Args:
        instances: one dictionary of features a row, or one value a row for a single input.
        inputs: of the signature.

    Raises:
        RequestError: there are no rows, or a row does not fit; the feature is named.
    """
    if not isinstance(instances, list) or not instances:
        raise RequestError('instances: send {"instances": [row, ...]} with at least one row')
    single = next(iter(inputs)) if len(inputs) == 1 else ""
    if single and not (isinstance(instances[0], dict) and single in instances[0]):
        return {single: _array(single, instances, inputs[single])}
    for number, row in enumerate(instances):
        if not isinstance(row, dict):
            raise RequestError(f"instances[{number}]: {shown(row)} is not a dictionary of features")
        _check_names(set(row), set(inputs), f"instances[{number}]")
    return {
        name: _array(name, [row[name] for row in instances], wanted)
        for name, wanted in inputs.items()
    }


def from_named(
    given: Mapping[str, np.ndarray], inputs: Mapping[str, Input]
) -> dict[str, np.ndarray]:
    """Return one array an input from V2's tensors by name.

    Raises:
        RequestError: names, types or shapes do not fit.
    """
    _check_names(set(given), set(inputs), "inputs")
    return {name: _fitted(name, np.asarray(given[name]), wanted) for name, wanted in inputs.items()}


def _plain(values: np.ndarray) -> Any:
    if values.dtype.kind in "OS":
        return [_text(value) for value in values.tolist()]
    return values.tolist()


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def to_rows(outputs: Mapping[str, np.ndarray]) -> list[Any]:
    """Return one prediction a row: the value for one output, else a dictionary by name."""
    plain = {name: _plain(values) for name, values in outputs.items()}
    if len(plain) == 1:
        return list(next(iter(plain.values())))
    rows = len(next(iter(plain.values())))
    return [{name: values[row] for name, values in plain.items()} for row in range(rows)]


def datatype(values: np.ndarray) -> str:
    """Return the Open Inference Protocol's name of an array's type."""
    kind = DATATYPES.get(values.dtype.kind)
    if kind is None:
        return "BYTES"
    return kind if kind == "BOOL" else f"{kind}{values.dtype.itemsize * 8}"
