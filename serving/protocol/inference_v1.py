"""Bodies of V1, by the rules of TensorFlow Serving's REST API. Pure.

    {"instances": [row, ...]}   {"predictions": [row, ...]}   by rows
    {"inputs": columns}         {"outputs": columns}          by columns

An output that has no value for each row has no form in rows and is refused there.

Source: TensorFlow Serving RESTful API, "Predict API", "JSON mapping", "Encoding binary values".
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import Array, Input, Inputs
from kanaria.components.shared.artifacts.serving_samples import as_json
from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.base64_values import base64_object, is_record
from kanaria.serving.protocol.json_body import RequestError
from kanaria.serving.protocol.signature_inputs import (
    check_names,
    completed,
    converted,
    fitted,
    numbers,
    rows,
    shaped,
    type_name,
    unnested,
)

BYTES_SUFFIX = "_bytes"
"""How the name of an output of text ends that is always written as bytes."""
IN_JSON = ("float32", "float64", "object", "bool")
"""Types beside integers that TensorFlow Serving reads from and writes as JSON."""


def answer(document: Any, inputs: Inputs, call: Callable[[dict[str, Array]], Any]) -> Any:
    """Return the answer to a request.

    Args:
        document: the request, with `instances` or `inputs`.
        inputs: of the signature that it names.
        call: the signature: arrays by name -> arrays by name.

    Raises:
        RequestError: the request does not fit the signature.
    """
    for name, item in inputs.items():
        _check_type(f"input {name!r}", item.dtype)
    if {"instances", "inputs"} <= document.keys():
        raise RequestError("send instances or inputs, not both")
    if "inputs" in document:
        return {"outputs": to_columns(call(from_columns(document["inputs"], inputs)))}
    instances = document.get("instances")
    feed = from_instances(instances, inputs)
    return {"predictions": to_rows(call(feed), len(instances))}


def from_instances(instances: Any, inputs: Inputs) -> dict[str, Array]:
    """Return one array an input, shape (rows, ...), from V1's `instances`.

    Args:
        instances: one dictionary of inputs a row, or one value a row for a single input.
        inputs: of the signature.

    Raises:
        RequestError: there are no rows, or a row does not fit; the input is named.
    """
    if not isinstance(instances, list) or not instances:
        raise RequestError(
            'instances: send {"instances": [row, ...]} with at least one row, or by columns '
            '{"inputs": {name: values}}'
        )
    single = next(iter(inputs)) if len(inputs) == 1 else ""
    if single and not is_record(instances[0]):
        return {single: rows(single, instances, inputs[single])}
    for number, row in enumerate(instances):
        if not is_record(row):
            raise RequestError(f"instances[{number}]: {shown(row)} is not a dictionary of inputs")
        names = {name for name in row if row[name] is not None or name not in inputs}
        check_names(names, inputs, f"instances[{number}]")
    return {
        name: rows(name, [row.get(name) for row in instances], wanted)
        for name, wanted in inputs.items()
    }


def from_columns(columns: Any, inputs: Inputs) -> dict[str, Array]:
    """Return one array an input from V1's `inputs`.

    Args:
        columns: name -> values of all rows, or the values alone for a single input.
        inputs: of the signature.

    Raises:
        RequestError: an input is missing, unknown, or does not fit.
    """
    if not is_record(columns):
        if len(inputs) != 1:
            raise RequestError(f"inputs: send one column for each of {sorted(inputs)}")
        columns = {next(iter(inputs)): columns}
    present = {name: values for name, values in columns.items() if values is not None}
    check_names({*present, *(set(columns) - set(inputs))}, inputs, "inputs")
    return completed(
        {name: _column(name, values, inputs[name]) for name, values in present.items()}, inputs
    )


def _column(name: str, values: Any, wanted: Input) -> Array:
    if isinstance(values, list) and wanted.shape != ():
        return rows(name, values, wanted)
    shape, items = unnested(name, values)
    return fitted(name, shaped(name, converted(name, items, wanted), shape), wanted)


def to_rows(outputs: Mapping[str, Array], count: int) -> list[Any]:
    """Return one prediction a row: the value for one output, else a dictionary by name.

    Raises:
        RequestError: an output has no value for each row, or no form in JSON.
    """
    for name, values in outputs.items():
        if values.shape[:1] != (count,):
            raise RequestError(
                f"output {name!r} has shape {list(values.shape)} for {count} rows; ask by columns, "
                'with {"inputs": ...}'
            )
    plain = {name: _plain(name, values) for name, values in outputs.items()}
    if len(plain) == 1:
        return list(next(iter(plain.values())))
    return [{name: values[row] for name, values in plain.items()} for row in range(count)]


def to_columns(outputs: Mapping[str, Array]) -> Any:
    """Return all rows' values: of one output alone, else a dictionary by name.

    Raises:
        RequestError: an output has no form in JSON.
    """
    plain = {name: _plain(name, values) for name, values in outputs.items()}
    return next(iter(plain.values())) if len(plain) == 1 else plain


def _check_type(what: str, dtype: np.dtype[Any]) -> None:
    """Refuse a type that TensorFlow Serving has no JSON for."""
    if dtype.kind not in "iu" and dtype.name not in IN_JSON:
        raise RequestError(
            f"{what} is of type {type_name(dtype)}, which TensorFlow Serving has no JSON for; let "
            "the model cast it to or from float32"
        )


def _plain(name: str, values: Array) -> Any:
    _check_type(f"output {name!r}", values.dtype)
    if values.dtype.kind == "O":
        texts = values.tolist()
        return _as_bytes(texts) if name.endswith(BYTES_SUFFIX) else as_json(texts)
    return numbers(values)


def _as_bytes(value: Any) -> Any:
    return [_as_bytes(item) for item in value] if isinstance(value, list) else base64_object(value)
