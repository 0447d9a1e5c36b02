"""Requests as arrays that fit a signature, and outputs as JSON, by TF Serving's REST rules. Pure.

More than there, `null`, a key that a row lacks, and an input that is not sent mean missing, where
the model says that an input may be missing. TF Serving takes the mark of missing itself.

Source: TensorFlow Serving RESTful API, "Predict API"; Open Inference Protocol v2.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.model_inputs import Array, Input, Inputs, with_missing


class RequestError(DataError):
    """The request does not fit the model; the client can mend it."""


KINDS = {"i": "iu", "u": "iu", "f": "fiu", "V": "fiu", "b": "b", "O": "O"}
DATATYPE = re.compile(r"BOOL|BYTES|FP(16|32|64)|U?INT(8|16|32|64)")
DATATYPES = {"f": "FP", "i": "INT", "u": "UINT", "b": "BOOL"}


def example_row(inputs: Inputs) -> dict[str, Array]:
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


def _check_names(given: set[str], inputs: Inputs, where: str) -> None:
    """Refuse names that are no inputs, and required inputs that have no value."""
    unknown = sorted(given - set(inputs))
    missing = sorted(name for name in set(inputs) - given if inputs[name].required)
    if missing or unknown:
        parts = [f"missing {missing}, which the model requires"] * bool(missing)
        parts += [f"unknown {unknown}"] * bool(unknown)
        raise RequestError(f"{where}: features {' and '.join(parts)}")


def _rows(name: str, values: Sequence[Any], wanted: Input) -> Array:
    """Return one value a row as an array; None is a row without a value."""
    has = np.array([value is not None for value in values], dtype=bool)
    if not has.all() and wanted.required:
        raise RequestError(f"feature {name!r}: null, but the model requires a value")
    present = [value for value in values if value is not None]
    if present:
        return with_missing(_array(name, present, wanted), has, wanted)
    # Of a free size nothing is needed to say that there is no value.
    sizes = [size or 0 for size in wanted.shape[1:]] if wanted.shape is not None else []
    return with_missing(np.empty((0, *sizes), wanted.dtype), has, wanted)


def from_instances(instances: Any, inputs: Inputs) -> dict[str, Array]:
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
    if single and not _is_record(instances[0]):
        return {single: _array(single, instances, inputs[single])}
    for number, row in enumerate(instances):
        if not isinstance(row, dict):
            raise RequestError(f"instances[{number}]: {shown(row)} is not a dictionary of features")
        given = {name for name in row if row[name] is not None or name not in inputs}
        _check_names(given, inputs, f"instances[{number}]")
    return {
        name: _rows(name, [row.get(name) for row in instances], wanted)
        for name, wanted in inputs.items()
    }


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and set(value) != {"b64"}


def from_columns(columns: Any, inputs: Inputs) -> dict[str, Array]:
    """Return one array an input from V1's `inputs`: TF Serving's columnar format.

    Args:
        columns: name -> values of all rows, or the values alone for a single input.
        inputs: of the signature.

    Raises:
        RequestError: an input is missing, unknown, or does not fit.
    """
    if not _is_record(columns):
        if len(inputs) > 1:
            raise RequestError(f"inputs: send one column for each of {sorted(inputs)}")
        columns = {next(iter(inputs)): columns}
    given = {name: values for name, values in columns.items() if values is not None}
    _check_names({*given, *(set(columns) - set(inputs))}, inputs, "inputs")
    return _completed(
        {name: _column_of(name, values, inputs[name]) for name, values in given.items()}, inputs
    )


def _column_of(name: str, values: Any, wanted: Input) -> Array:
    if isinstance(values, list) and wanted.shape != ():
        return _rows(name, values, wanted)
    text = wanted.dtype.kind == "O"
    return _fitted(name, np.array(_decoded(values), dtype=object if text else None), wanted)


def _completed(given: Mapping[str, Array], inputs: Inputs) -> dict[str, Array]:
    """Return the arrays of all inputs; those not given are missing in every row."""
    absent = inputs.keys() - given.keys()
    rows = max((len(values) for values in given.values() if values.ndim), default=0)
    if absent and not rows:
        raise RequestError(f"inputs: no rows tell how often {sorted(absent)} is missing; send some")
    return {
        name: _rows(name, [None] * rows, wanted) if name in absent else given[name]
        for name, wanted in inputs.items()
    }


def from_named(given: Mapping[str, Array], inputs: Inputs) -> dict[str, Array]:
    """Return one array an input from V2's tensors by name; a null in one is an object None.

    Raises:
        RequestError: names, types or shapes do not fit.
    """
    _check_names(set(given), inputs, "inputs")
    return _completed(
        {name: _tensor(name, np.asarray(values), inputs[name]) for name, values in given.items()},
        inputs,
    )


def _tensor(name: str, values: Array, wanted: Input) -> Array:
    empty = np.array([value is None for value in values.flat], dtype=bool)
    if not empty.any() or not values.ndim:
        return _fitted(name, values, wanted)
    without = empty.reshape(len(values), -1).all(axis=1)
    rows = values.tolist()
    return _rows(name, [None if no else row for no, row in zip(without, rows, strict=True)], wanted)


def _plain(values: Array) -> Any:
    return _text(values.tolist()) if values.dtype.kind in "OS" else values.tolist()


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def to_rows(outputs: Mapping[str, Array], rows: int) -> list[Any]:
    """Return one prediction a row: the value for one output, else a dictionary by name.

    Raises:
        RequestError: an output has no value for each row.
    """
    for name, values in outputs.items():
        if values.shape[:1] != (rows,):
            raise RequestError(
                f"output {name!r} has shape {list(values.shape)} for {rows} rows; ask by columns, "
                'with {"inputs": ...}'
            )
    plain = {name: _plain(values) for name, values in outputs.items()}
    if len(plain) == 1:
        return list(next(iter(plain.values())))
    return [{name: values[row] for name, values in plain.items()} for row in range(rows)]


def to_columns(outputs: Mapping[str, Array]) -> Any:
    """Return all rows' values: of one output alone, else a dictionary by name."""
    plain = {name: _plain(values) for name, values in outputs.items()}
    return next(iter(plain.values())) if len(plain) == 1 else plain


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
