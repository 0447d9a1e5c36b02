"""Which entities a V2 request names, and the request with their features as tensors. Pure.

{"inputs": [{"name": "driver_id", "datatype": "INT64", "shape": [2], "data": [7, 8]}, ...]}

A tensor may come as binary data, as in `inference_v2`; those that stay keep theirs.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanaria.components.shared.errors import shown
from kanaria.serving.features.expected_inputs import ExpectedInputs
from kanaria.serving.features.feature_rows import FeatureError, Features, join_key, settled
from kanaria.serving.features.feature_settings import FeatureSettings
from kanaria.serving.protocol.annotation_names import JSON_LENGTH_HEADER
from kanaria.serving.protocol.json_body import RequestError, parsed, written
from kanaria.serving.protocol.signature_inputs import unnested
from kanaria.serving.protocol.tensors import DTYPES, cut_values, datatype_named


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One tensor of a request: its JSON, and its binary data, None where it has `data`."""

    item: Mapping[str, Any]
    binary: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorRequest:
    """A request: its JSON, and its tensors by name in their order."""

    document: Mapping[str, Any]
    parts: Mapping[str, Part]


def read(body: bytes, json_length: int | None) -> TensorRequest:
    """Return the parts of a body.

    Args:
        body: of the request.
        json_length: bytes of its JSON part, None when it is all JSON.

    Raises:
        RequestError: it is no V2 request.
    """
    length = len(body) if json_length is None else json_length
    if length > len(body):
        raise RequestError(f"{JSON_LENGTH_HEADER} {length}: the body has {len(body)} bytes")
    document = parsed(body[:length])
    items = document.get("inputs") if isinstance(document, dict) else None
    if not isinstance(items, list) or not all(map(_is_named, items)):
        raise RequestError('body: send {"inputs": [{"name": ..., "data": ...}, ...]}')
    parts: dict[str, Part] = {}
    rest = body[length:]
    for item in items:
        if item["name"] in parts:
            raise RequestError(f"inputs: {shown(item['name'])} is given twice")
        size = _binary_size(item, len(rest))
        parts[item["name"]] = Part(item=item, binary=None if size is None else rest[:size])
        rest = rest[size or 0 :]
    if rest:
        raise RequestError(f"inputs: {len(rest)} bytes are left after the last tensor")
    return TensorRequest(document=document, parts=parts)


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("name"), str)


def _binary_size(item: Mapping[str, Any], available: int) -> int | None:
    parameters = item.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is not None and (type(size) is not int or not 0 <= size <= available):
        raise RequestError(
            f"input {item['name']!r}: binary_data_size {shown(size)}, but {available} bytes follow "
            f"the JSON that {JSON_LENGTH_HEADER} measures"
        )
    return size


def entities(request: TensorRequest, settings: FeatureSettings) -> dict[str, list[Any]]:
    """Return join key -> one value a row; None where a row names none.

    Raises:
        RequestError: a key is not sent, or is no text and no whole number.
    """
    absent = [name for name in settings.entities if name not in request.parts]
    if absent:
        raise RequestError(f"inputs: send {absent[0]!r}, a join key, as a tensor")
    columns = {name: _values(name, request.parts[name]) for name in settings.entities}
    if len({len(values) for values in columns.values()}) > 1:
        raise RequestError(f"inputs: {', '.join(columns)} have different numbers of values")
    return {
        name: [join_key(name, number, value) for number, value in enumerate(values)]
        for name, values in columns.items()
    }


def _values(name: str, part: Part) -> list[Any]:
    shape = part.item.get("shape")
    sizes = shape if isinstance(shape, list) else []
    if not sizes or any(type(size) is not int or size < 1 for size in sizes):
        raise RequestError(f"input {name!r}: shape {shown(shape)}: not a list of sizes")
    if math.prod(sizes[1:]) != 1:
        raise RequestError(f"input {name!r}: shape {shown(shape)}: a join key is one value a row")
    values = _of_json(name, part.item) if part.binary is None else _of_bytes(name, part)
    if len(values) != sizes[0]:
        raise RequestError(f"input {name!r}: {len(values)} values do not fit shape {shown(shape)}")
    return values


def _of_json(name: str, item: Mapping[str, Any]) -> list[Any]:
    data = item.get("data")
    if not isinstance(data, list):
        raise RequestError(f"input {name!r}: data {shown(data)}: not a list")
    return unnested(name, data)[1]


def _of_bytes(name: str, part: Part) -> list[Any]:
    data, declared = part.binary or b"", part.item.get("datatype")
    dtype = DTYPES.get(declared) if isinstance(declared, str) else None
    if dtype is None or declared == "BF16":
        raise RequestError(f"input {name!r}: datatype {shown(declared)} is none of a join key")
    try:
        if dtype.kind == "O":
            return [value.decode() for value in cut_values(data)]
        return list(np.frombuffer(data, dtype).tolist())
    except ValueError as error:
        raise RequestError(f"input {name!r}: {error}") from error


def with_features(
    request: TensorRequest, features: Features, settings: FeatureSettings, inputs: ExpectedInputs
) -> tuple[bytes, int | None]:
    """Return the request as the model takes it, and the length of its JSON if more follows.

    Args:
        request: of the client.
        features: of its rows.
        settings: of the service.
        inputs: of the model, as its server tells them.

    Raises:
        RequestError: the request has a tensor for a feature itself.
        FeatureError: a feature has no value, and none may take its place; or is no input.
    """
    columns = {name: settled(name, values, settings) for name, values in features.items()}
    for name in request.parts.keys() & columns.keys():
        raise RequestError(f"input {name!r}: comes from the feature store; leave it out")
    gone = () if settings.keep_entities else settings.entities
    parts = [part for name, part in request.parts.items() if name not in gone]
    items = [part.item for part in parts]
    items += [_tensor(name, values, inputs) for name, values in columns.items()]
    head = written({**request.document, "inputs": items})
    tails = [part.binary for part in parts if part.binary is not None]
    return b"".join([head, *tails]), len(head) if tails else None


def _tensor(name: str, values: Sequence[Any], inputs: ExpectedInputs) -> dict[str, Any]:
    wanted = inputs.tensors.get(name)
    if wanted is None:  # By its place a server of matrices would take it for another column.
        names = ", ".join(map(repr, sorted(inputs.tensors))) or "none"
        raise FeatureError(f"feature {name!r}: no input of the model, whose server tells {names}")
    values = [inputs.value(name, value) for value in values]
    width = _width(name, values)
    flat: list[Any] = []
    for value in values:
        flat += value if isinstance(value, list) else [value] * (width or 1)
    is_matrix = width is not None or len(wanted.shape or ()) == 2
    return {
        "name": name,
        "datatype": datatype_named(wanted.dtype),
        "shape": [len(values), width or 1] if is_matrix else [len(values)],
        "data": flat,
    }


def _width(name: str, values: Sequence[Any]) -> int | None:
    """Return how many values a row of a feature of lists has; None for a plain feature."""
    widths = {len(value) for value in values if isinstance(value, list)}
    if len(widths) > 1:
        sizes = sorted(widths)
        raise FeatureError(
            f"feature {name!r}: has lists of {sizes[0]} and of {sizes[-1]} values, and a tensor "
            "has as many in each row"
        )
    return widths.pop() if widths else None
