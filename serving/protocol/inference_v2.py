"""Bodies of V2, the Open Inference Protocol, with its binary tensor data. Pure.

    JSON {"id", "parameters", "inputs": [tensor, ...], "outputs": [{"name", "parameters"}, ...]}
    then the bytes of each input that says `parameters.binary_data_size`, in their order

The header Inference-Header-Content-Length tells how long the JSON is when something follows it.

Source: Open Inference Protocol v2, "Inference"; its binary tensor data extension; the datatype is
the model's own, as Triton demands, and as in Triton and KServe FP16 and BF16 are binary only.
"""

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import Array, Input, Inputs
from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.annotation_names import JSON_LENGTH_HEADER
from kanaria.serving.protocol.json_body import RequestError, parsed, written
from kanaria.serving.protocol.model_metadata import described
from kanaria.serving.protocol.signature_inputs import (
    check_names,
    completed,
    fitted,
    numbers,
    shaped,
    tensor,
    type_name,
    unnested,
)
from kanaria.serving.protocol.tensors import (
    BINARY_ONLY,
    DTYPES,
    cut_values,
    datatype,
    joined_values,
)

ASK_BINARY = 'ask for it with "parameters": {"binary_data": true}'


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked.

    Attributes:
        id: the client's, or a new one.
        feed: one array an input.
        outputs: name of a wanted output -> whether in binary form; empty for all of them.
        is_binary: form of the outputs that `outputs` does not name.
    """

    id: str
    feed: Mapping[str, Array]
    outputs: Mapping[str, bool]
    is_binary: bool


def read(body: bytes, json_length: int | None, inputs: Inputs, outputs: Sequence[str]) -> Request:
    """Return what a body asks.

    Args:
        body: of the request.
        json_length: bytes of its JSON part, None when it is all JSON.
        inputs: of the model.
        outputs: names that the model has.

    Raises:
        RequestError: the body contradicts the protocol, itself or the model.
    """
    length = len(body) if json_length is None else json_length
    if length > len(body):
        raise RequestError(f"{JSON_LENGTH_HEADER} {length}: the body has {len(body)} bytes")
    document = parsed(body[:length])
    if not isinstance(document, dict) or not isinstance(document.get("inputs"), list):
        raise RequestError('body: send {"inputs": [tensor, ...]}')
    id_ = document.get("id")
    if not isinstance(id_, str | None):
        raise RequestError(f"id {shown(id_)}: not a text")
    is_binary = _flag(_parameters(document, "request"), "binary_data_output", False)
    return Request(
        id=id_ or uuid.uuid4().hex,
        feed=_feed(document["inputs"], body[length:], inputs),
        outputs=_wanted(document.get("outputs") or [], outputs, is_binary),
        is_binary=is_binary,
    )


def _parameters(item: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    parameters = item.get("parameters")
    if not isinstance(parameters, dict | None):
        raise RequestError(f"{where}: parameters {shown(parameters)}: not an object")
    return parameters or {}


def _flag(parameters: Mapping[str, Any], name: str, default: bool) -> bool:
    flag = parameters.get(name, default)
    if not isinstance(flag, bool):
        raise RequestError(f"parameters: {name} {shown(flag)}: use true or false")
    return flag


def _named(item: Any, kind: str) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    if not isinstance(name, str):
        raise RequestError(f"{kind} {shown(item)}: no object with a name")
    return name


def _wanted(requested: Any, names: Sequence[str], is_binary: bool) -> dict[str, bool]:
    if not isinstance(requested, list):
        raise RequestError(f"outputs {shown(requested)}: not a list")
    wanted: dict[str, bool] = {}
    for item in requested:
        name = _named(item, "output")
        if name not in names or name in wanted:
            why = "asked for twice" if name in wanted else f"unknown; there are {sorted(names)}"
            raise RequestError(f"output {shown(name)}: {why}")
        wanted[name] = _flag(_parameters(item, f"output {name!r}"), "binary_data", is_binary)
    return wanted


def _feed(tensors: Sequence[Any], binary: bytes, inputs: Inputs) -> dict[str, Array]:
    names = [_named(item, "input") for item in tensors]
    if len(set(names)) < len(names):
        raise RequestError(f"inputs: {shown(sorted(names))}: one is given twice")
    check_names(set(names), inputs, "inputs")
    arrays: dict[str, Array] = {}
    for name, item in zip(names, tensors, strict=True):
        arrays[name], binary = _tensor(name, item, binary, inputs[name])
    if binary:
        raise RequestError(f"inputs: {len(binary)} bytes are left after the last tensor")
    return completed(arrays, inputs)


def _tensor(
    name: str, item: Mapping[str, Any], binary: bytes, wanted: Input
) -> tuple[Array, bytes]:
    """Return a tensor and the binary data that follows its own."""
    shape, declared = item.get("shape"), item.get("datatype")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise RequestError(f"input {name!r}: shape {shown(shape)}: not a list of sizes")
    expected = datatype(wanted.dtype)
    if not isinstance(declared, str) or declared.upper() != expected:
        raise RequestError(
            f"input {name!r}: datatype {shown(declared)}; the model takes {expected}"
        )
    size = _parameters(item, f"input {name!r}").get("binary_data_size")
    if (size is None) == ("data" not in item):
        why = "no data" if size is None else "data and binary_data_size; send one of them"
        raise RequestError(f"input {name!r}: {why}")
    if size is None:
        return _of_json(name, item["data"], shape, wanted), binary
    if type(size) is not int or not 0 <= size <= len(binary):
        has = f"{len(binary)} bytes follow the JSON that {JSON_LENGTH_HEADER} measures"
        raise RequestError(f"input {name!r}: binary_data_size {shown(size)}, but {has}")
    return _of_bytes(name, binary[:size], shape, wanted), binary[size:]


def _check_count(name: str, count: int, shape: Sequence[int]) -> None:
    if count != math.prod(shape):
        raise RequestError(f"input {name!r}: {count} values do not fit shape {shape}")


def _of_json(name: str, data: Any, shape: Sequence[int], wanted: Input) -> Array:
    if datatype(wanted.dtype) in BINARY_ONLY:
        raise RequestError(
            f"input {name!r}: {datatype(wanted.dtype)} has no JSON; send binary data"
        )
    if not isinstance(data, list):
        raise RequestError(f"input {name!r}: data {shown(data)}: not a list")
    _, items = unnested(name, data)
    if dict in map(type, items):
        raise RequestError(f"input {name!r}: an object among the data; bytes are binary data")
    _check_count(name, len(items), shape)
    return tensor(name, shape, items, wanted)


def _of_bytes(name: str, data: bytes, shape: Sequence[int], wanted: Input) -> Array:
    dtype = wanted.dtype
    if dtype.kind == "O":
        texts = _texts(name, data)
        array = np.empty(len(texts), dtype=object)
        array[:] = texts
    else:
        if len(data) % dtype.itemsize:
            kind = type_name(dtype)
            raise RequestError(f"input {name!r}: {len(data)} bytes are no whole values of {kind}")
        array = np.frombuffer(data, dtype=dtype)
        if dtype.kind == "b" and (array.view(np.uint8) > 1).any():
            raise RequestError(f"input {name!r}: a byte of a BOOL is neither 0 nor 1")
    _check_count(name, array.size, shape)
    return fitted(name, shaped(name, array, shape), wanted)


def _texts(name: str, data: bytes) -> list[bytes]:
    try:
        return cut_values(data)
    except ValueError as error:
        raise RequestError(f"input {name!r}: {error}") from error


def answer(
    request: Request, outputs: Mapping[str, Array], model: str, version: str
) -> tuple[bytes, int | None]:
    """Return the body of an answer, and the length of its JSON when binary data follows.

    Raises:
        RequestError: a wanted output is of a type that the protocol does not have, or has no JSON
            and was not asked for in binary form.
    """
    wanted = request.outputs or dict.fromkeys(outputs, request.is_binary)
    tails: list[bytes] = []
    tensors = []
    for name, is_binary in wanted.items():
        values = outputs[name]
        if datatype(values.dtype) not in DTYPES:
            why = f"is of type {values.dtype.name}, which the protocol does not have"
            raise RequestError(f"output {name!r} {why}; ask for the others by name")
        one: dict[str, Any] = described(name, values.dtype, values.shape)
        if is_binary:
            tails.append(_raw(values))
            one["parameters"] = {"binary_data_size": len(tails[-1])}
        else:
            one["data"] = _json_data(name, values)
        tensors.append(one)
    head = written(
        {"model_name": model, "model_version": version, "id": request.id, "outputs": tensors}
    )
    return b"".join([head, *tails]), len(head) if tails else None


def _raw(values: Array) -> bytes:
    if values.dtype.kind != "O":
        return values.tobytes()
    return joined_values(values.flat)


def _json_data(name: str, values: Array) -> list[Any]:
    kind = datatype(values.dtype)
    if kind in BINARY_ONLY:
        raise RequestError(f"output {name!r}: {kind} has no JSON; {ASK_BINARY}")
    if values.dtype.kind != "O":
        return list(numbers(values.reshape(-1)))
    try:
        return [value.decode() for value in values.flat]
    except UnicodeDecodeError as error:
        raise RequestError(f"output {name!r} is no UTF-8; {ASK_BINARY}") from error
