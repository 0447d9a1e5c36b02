"""Requests as arrays that fit a signature, and outputs as rows, by TF Serving's REST rules. Pure.

Source: TensorFlow Serving RESTful API, "Predict API", row format; Open Inference Protocol v2.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanaria.components.shared.errors import DataError, shown


class RequestError(DataError):
    """The request does not fit the model; the client can mend it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One named input of a signature.

    Attributes:
        dtype: numpy type; object for text.
        shape: with the batch first and None for a free size; None when the rank is free too.
    """

    dtype: np.dtype[Any]
    shape: tuple[int | None, ...] | None


Array = np.ndarray[Any, Any]
KINDS = {"i": "iu", "u": "iu", "f": "fiu", "b": "b", "O": "O"}
DATATYPE = re.compile(r"BOOL|BYTES|FP(16|32|64)|U?INT(8|16|32|64)")
DATATYPES = {"f": "FP", "i": "INT", "u": "UINT", "b": "BOOL"}


def shape_of(spec: Any) -> tuple[int | None, ...] | None:
    """Return the shape of a TensorSpec, None when its rank is free."""
    return None if spec.shape.rank is None else tuple(spec.shape.as_list())


def inputs_of(signature: Any) -> dict[str, Input]:
    """Return the named inputs of a SavedModel's signature."""
    specs = signature.structured_input_signature[1]
    return {
        name: Input(
            dtype=np.dtype(spec.dtype.as_numpy_dtype),
            shape=shape_of(spec),
        )
        for name, spec in specs.items()
    }


def example_row(inputs: Mapping[str, Input]) -> dict[str, Array]:
    """Return one row of zeros and empty texts that fits the inputs, for a first call."""
    shapes = {name: [size or 1 for size in i.shape or (1,)] for name, i in inputs.items()}
    return {
        name: np.full(shapes[name], b"" if i.dtype.kind == "O" else 0, dtype=i.dtype)
        for name, i in inputs.items()
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


def _array(name: str, values: Sequence[Any], wanted: Input) -> Array:
    """Return values as an array of the input's type and rank; a scalar a row fits (rows, 1)."""
    decoded = [_decoded(value) for value in values]
    # numpy's own text types cut trailing zero bytes, which serialized examples may end in.
    dtype = object if wanted.dtype.kind == "O" else None
    try:
        found = np.array(decoded, dtype=dtype)
    except (ValueError, OverflowError) as error:
        raise RequestError(f"feature {name!r}: rows have different shapes") from error
    return _fitted(name, found, wanted)


def _fitted(name: str, found: Array, wanted: Input) -> Array:
    _check_values(name, found, wanted)
    shape = wanted.shape
    if shape is not None and found.ndim == len(shape) - 1:
        found = found[..., np.newaxis]
    elif shape is not None and found.ndim == len(shape) + 1 and found.shape[-1] == 1:
        found = found[..., 0]
    if shape is not None and not _fits(found.shape, shape):
        given, needed = list(found.shape), ["any" if size is None else size for size in shape]
        raise RequestError(f"feature {name!r}: shape {given} does not fit {needed}")
    return found.astype(wanted.dtype)


def _fits(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(found) == len(wanted) and all(
        want is None or have == want for have, want in zip(found, wanted, strict=True)
    )


def _check_values(name: str, found: Array, wanted: Input) -> None:
    text = wanted.dtype.kind == "O"
    kind = "text" if text else wanted.dtype.name
    wrong: list[Any] = []
    if text:
        wrong = [value for value in found.flat if not isinstance(value, bytes | str)]
    elif found.size and found.dtype.kind not in KINDS.get(wanted.dtype.kind, ""):
        wrong = [found.tolist()]
    elif found.size and wanted.dtype.kind in "iu":
        bounds = np.iinfo(wanted.dtype)
        wrong = [v for v in (found.min(), found.max()) if not bounds.min <= v <= bounds.max]
    if wrong:
        raise RequestError(f"feature {name!r}: {shown(wrong[0])} is not of type {kind}")


def _check_names(given: set[str], wanted: set[str], where: str) -> None:
    missing, unknown = sorted(wanted - given), sorted(given - wanted)
    if missing or unknown:
        parts = [f"missing {missing}"] * bool(missing) + [f"unknown {unknown}"] * bool(unknown)
        raise RequestError(f"{where}: features {' and '.join(parts)}")


def from_instances(instances: Any, inputs: Mapping[str, Input]) -> dict[str, Array]:
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
    first = instances[0]
    if single and not (isinstance(first, dict) and set(first) != {"b64"}):
        return {single: _array(single, instances, inputs[single])}
    for number, row in enumerate(instances):
        if not isinstance(row, dict):
            raise RequestError(f"instances[{number}]: {shown(row)} is not a dictionary of features")
        _check_names(set(row), set(inputs), f"instances[{number}]")
    return {
        name: _array(name, [row[name] for row in instances], wanted)
        for name, wanted in inputs.items()
    }


def from_named(given: Mapping[str, Array], inputs: Mapping[str, Input]) -> dict[str, Array]:
    """Return one array an input from V2's tensors by name.

    Raises:
        RequestError: names, types or shapes do not fit.
    """
    _check_names(set(given), set(inputs), "inputs")
    return {name: _fitted(name, np.asarray(given[name]), wanted) for name, wanted in inputs.items()}


def _plain(values: Array) -> Any:
    if values.dtype.kind in "OS":
        return [_text(value) for value in values.tolist()]
    return values.tolist()


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def to_rows(outputs: Mapping[str, Array]) -> list[Any]:
    """Return one prediction a row: the value for one output, else a dictionary by name."""
    plain = {name: _plain(values) for name, values in outputs.items()}
    if len(plain) == 1:
        return list(next(iter(plain.values())))
    rows = len(next(iter(plain.values())))
    return [{name: values[row] for name, values in plain.items()} for row in range(rows)]


def datatype(dtype: np.dtype[Any]) -> str:
    """Return the Open Inference Protocol's name of a numpy type."""
    kind = DATATYPES.get(dtype.kind)
    if kind is None:
        return "BYTES"
    return kind if kind == "BOOL" else f"{kind}{dtype.itemsize * 8}"


def described(
    name: str, dtype: np.dtype[Any], shape: tuple[int | None, ...] | None
) -> dict[str, Any]:
    """Return a tensor's metadata in the Open Inference Protocol's words; -1 is a free size."""
    sizes = [-1 if size is None else size for size in shape or ()]
    return {"name": name, "datatype": datatype(dtype), "shape": sizes}
