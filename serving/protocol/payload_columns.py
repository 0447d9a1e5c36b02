"""Bodies of requests and responses as columns: one array a feature, one row an instance. Pure.

    V1, TensorFlow Serving   {"instances": [row, ...]}   {"predictions": [row, ...]}
      by columns             {"inputs": columns}         {"outputs": columns}
      classify, regress      {"examples": [row, ...]}    {"results": [row, ...]}
    V2, Triton               {"inputs": [tensor, ...]}   {"outputs": [tensor, ...]}   + binary data

A row that is no dictionary makes one column of the key's name. Whatever a client sent is kept as
it is: a null among numbers is NaN, a feature that a row lacks is None or NaN, and what has no
common shape or type is an array of objects. Axes of one are dropped, so that [[5], [6]] and [5, 6]
are one column. Text is str; {"b64": ...} is bytes. Columns and tensors whose first axes differ have
no rows in common: all of them are one row.

The logger sends a compressed body as it is and says nothing of it; its first bytes do. A body of
nothing but a tensor's bytes (Triton's raw binary request) cannot be read: its shape is nowhere.

Source: TensorFlow Serving RESTful API; Open Inference Protocol v2, binary tensor data extension;
Triton, "HTTP Compression".
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.utf8_text import encodable
from kanaria.serving.protocol import body_limits
from kanaria.serving.protocol.base64_values import bytes_of_base64, is_base64_object, is_record
from kanaria.serving.protocol.json_columns import Array, column
from kanaria.serving.protocol.tensor_columns import TensorError, read_tensor

Columns = dict[str, Array]
ROWS = ("instances", "predictions", "examples", "results", "result")
COLUMNS = ("inputs", "outputs")
MAX_FEATURES = 10_000
"""Names of one body's columns; each takes an array of its own."""
_DECODER = json.JSONDecoder()


class PayloadError(DataError):
    """A body is of no known form, or contradicts itself."""


class OversizeError(PayloadError):
    """A body holds more than is taken at once, see `body_limits`."""


def read_columns(body: bytes) -> Columns:
    """Return a body's columns; the first axis of all of them is the rows.

    Raises:
        OversizeError: it holds more than is taken at once.
        PayloadError: it is no body of V1, V2, TensorFlow Serving or Triton; what is wrong is named.
    """
    try:
        plain = body_limits.expanded(body)
        body_limits.check_json(plain)
        columns = _columns(*_parsed(plain))
    except body_limits.BoundError as error:
        raise OversizeError(str(error)) from error
    except body_limits.CompressionError as error:
        raise PayloadError(str(error)) from error
    except RecursionError as error:
        raise PayloadError(f"body {shown(body[:100])}: too deep") from error
    return {encodable(name): values for name, values in columns.items()}


def _columns(document: Any, tail: bytes) -> Columns:
    if not isinstance(document, dict):
        raise PayloadError(f"body {shown(document)}: send a JSON object")
    for key in ROWS:
        if key in document:
            return _by_rows(key, document)
    for key in COLUMNS:
        if key in document:
            values = document[key]
            return _tensors(key, values, tail) if _is_v2(values) else _by_columns(key, values)
    raise PayloadError(f"body with {shown(sorted(document))}: none of {[*ROWS, *COLUMNS]} in it")


def rows_of(columns: Columns) -> int:
    """Return the number of rows."""
    return len(next(iter(columns.values()))) if columns else 0


def _parsed(body: bytes) -> tuple[Any, bytes]:
    """Return the JSON part and what follows it.

    The logger forwards no Inference-Header-Content-Length, and has the request's for a response;
    where the JSON ends is plain without it.
    """
    try:
        text = body.decode("utf-8", "surrogateescape")
        document, end = _DECODER.raw_decode(text.lstrip())
    except ValueError as error:
        raise PayloadError(f"body {shown(body[:100])}: not JSON: {error}") from error
    rest = text.lstrip()[end:]
    return document, rest.encode("utf-8", "surrogateescape")


def _by_rows(key: str, document: Mapping[str, Any]) -> Columns:
    rows = document[key]
    if not isinstance(rows, list):
        raise PayloadError(f"{key} {shown(rows)}: send a list of rows")
    context = document.get("context")
    if isinstance(context, dict):
        rows = [context | row if isinstance(row, dict) else row for row in rows]
    if not rows or not all(is_record(row) for row in rows):
        return {key: column([_plain(row) for row in rows])}
    names = dict.fromkeys(name for row in rows for name in row)
    _check_size(key, len(rows), len(names))
    return {name: column([_plain(row.get(name)) for row in rows]) for name in names}


def _check_size(key: str, rows: int, features: int) -> None:
    """Refuse columns that would not fit: rows without a common feature grow with their square."""
    if features > MAX_FEATURES or features * rows > body_limits.MAX_VALUES:
        most = f"{MAX_FEATURES} features and {body_limits.MAX_VALUES} values"
        raise OversizeError(
            f"{key}: {rows} rows of {features} features, at most {most} are taken; send fewer"
        )


def _by_columns(key: str, values: Any) -> Columns:
    named = values if is_record(values) else {key: values}
    _check_size(key, 1, len(named))
    columns = {}
    for name, values in named.items():
        rows = values if isinstance(values, list) else [values]  # A value without axes is one row.
        columns[name] = column([_plain(value) for value in rows])
    return _aligned(columns)


def _is_v2(values: Any) -> bool:
    return (
        isinstance(values, list)
        and bool(values)
        and all(isinstance(t, dict) and {"name", "datatype", "shape"} <= set(t) for t in values)
    )


def _tensors(key: str, tensors: Sequence[Mapping[str, Any]], tail: bytes) -> Columns:
    columns: Columns = {}
    _check_size(key, 1, len(tensors))
    for tensor in tensors:
        name = str(tensor["name"])
        if name in columns:
            raise PayloadError(f"{key}: {shown(name)} stands there twice")
        try:
            columns[name], tail = read_tensor(tensor, tail)
        except TensorError as error:
            raise PayloadError(f"{key}: {error}") from error
    if tail.strip():
        raise PayloadError(f"{key}: {len(tail)} bytes are left after the last tensor")
    return _aligned(columns)


def _aligned(columns: Columns) -> Columns:
    """Return columns of one length; a single value holds for all rows."""
    rows = max(map(len, columns.values()), default=0)
    if not {len(values) for values in columns.values()} <= {1, rows}:
        return {name: values[np.newaxis] for name, values in columns.items()}
    return {
        name: np.broadcast_to(values, (rows, *values.shape[1:])) if len(values) < rows else values
        for name, values in columns.items()
    }


def _plain(value: Any) -> Any:
    """Return a value with each `{"b64": text}` in it as bytes."""
    if isinstance(value, list):
        return [_plain(item) for item in value] if _holds_records(value) else value
    if is_base64_object(value):
        try:
            return bytes_of_base64(value["b64"])
        except ValueError as error:
            raise PayloadError(f"b64 {shown(value['b64'])}: not base64") from error
    return value


def _holds_records(values: list[Any]) -> bool:
    return not {list, dict}.isdisjoint(map(type, values))
