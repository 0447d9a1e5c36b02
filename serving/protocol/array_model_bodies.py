"""Bodies as KServe's servers of scikit-learn and XGBoost read and write them. Pure.

    V1   {"instances": [[1.0, null], ...]}        {"predictions": [answer, ...]}
         {"instances": [{"a": [1], "b": [2]}]}    the same, by a table with columns a and b
         {"inputs": [[1.0, null], ...]}           the same
    V2   {"inputs": [tensor [rows, features]]}    {"outputs": [tensor "output-0"]}
         {"parameters": {"content_type": "pd"}, "inputs": [tensor a, tensor b]}   by a table

The one tensor may have any name; null is a missing value; floats are written as doubles, and null
where they are NaN. Where those servers look at the first of several tensors alone, or take no
notice of rows that are too short, such a request is refused here.

Sources: KServe 0.20, kserve/utils/utils.py (get_predict_input, get_predict_response) and
kserve/protocol/infer_type.py; what its ModelServer answered.
"""

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanaria.components.shared.artifacts.model_inputs import Array
from kanaria.components.shared.errors import shown
from kanaria.components.shared.frameworks.array_model import OUTPUT
from kanaria.serving.protocol.annotation_names import JSON_LENGTH_HEADER
from kanaria.serving.protocol.base64_values import is_record
from kanaria.serving.protocol.json_body import RequestError, parsed, written
from kanaria.serving.protocol.signature_inputs import unnested
from kanaria.serving.protocol.tensors import DTYPES, cut_values, datatype, joined_values

TABLE = "pd"
"""What `content_type` says of tensors that are the columns of a table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """What a request holds: a matrix, or texts.

    Attributes:
        matrix: numbers or texts, shape (rows, features).
        columns: names of its columns where the client tells them, else ().
        texts: one a row.
    """

    matrix: Array | None = None
    columns: tuple[str, ...] = ()
    texts: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class V2Request:
    """A request of V2: its rows, and how the answer is wanted."""

    id: str
    rows: Rows
    is_binary: bool


def v1_rows(body: bytes) -> Rows:
    """Return the rows of a request of V1.

    Raises:
        RequestError: it is none.
    """
    document = parsed(body)
    if not isinstance(document, dict) or not {"inputs", "instances"} & document.keys():
        raise RequestError('body: send {"instances": [[value, ...], ...]}')
    key = "inputs" if "inputs" in document else "instances"
    instances = document[key]
    if not isinstance(instances, list) or not instances:
        raise RequestError(f"{key}: send a list of at least one row")
    if all(is_record(row) for row in instances):
        return _joined([_table(f"{key}[{n}]", row) for n, row in enumerate(instances)])
    if all(isinstance(row, str) for row in instances):
        return Rows(texts=tuple(instances))
    shape, items = unnested(key, instances)
    if dict in map(type, items):
        raise RequestError(f"{key}: objects beside values; send lists, or an object a row")
    return Rows(matrix=_matrix(key, shape, items))


def _table(where: str, row: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
    lengths = {len(values) if isinstance(values, list) else -1 for values in row.values()}
    if len(lengths) != 1 or -1 in lengths:
        raise RequestError(
            f'{where} {shown(row)}: send a list a column, as {{"a": [1], "b": [2]}}, all as long'
        )
    return row


def _joined(tables: Sequence[Mapping[str, Sequence[Any]]]) -> Rows:
    """Return tables one below the other."""
    names = tuple(tables[0])
    other = next((tuple(table) for table in tables if tuple(table) != names), None)
    if other is not None:
        raise RequestError(f"instances: columns {shown(list(other))} beside {shown(list(names))}")
    rows = [row for table in tables for row in zip(*table.values(), strict=True)]
    items = _finite("instances", [value for row in rows for value in row])
    if {list, dict} & set(map(type, items)):
        raise RequestError("instances: a value is a list or an object; send numbers")
    return Rows(matrix=np.array(items).reshape(len(rows), len(names)), columns=names)


def _matrix(name: str, shape: Sequence[int], items: Sequence[Any]) -> Array:
    if len(shape) != 2:
        raise RequestError(f"{name}: shape {list(shape)}; send [rows, features]")
    return np.array(_finite(name, items)).reshape(shape)


def _finite(name: str, items: Sequence[Any]) -> Sequence[Any]:
    for item in items:
        if isinstance(item, float) and not math.isfinite(item):
            raise RequestError(f"{name}: {item} is no JSON; send null for a missing value")
    return items


def v1_answer(answers: Array) -> bytes:
    """Return the body of an answer of V1."""
    return written({"predictions": _plain(answers)})


def _plain(values: Array) -> Any:
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return values.tolist()
    doubles = values.astype(np.float64).astype(object)
    doubles[~np.isfinite(values)] = None
    return doubles.tolist()


def v2_request(body: bytes, json_length: int | None) -> V2Request:
    """Return a request of V2.

    Args:
        body: of the request.
        json_length: bytes of its JSON part, None when it is all JSON.

    Raises:
        RequestError: it is none.
    """
    length = len(body) if json_length is None else json_length
    if length > len(body):
        raise RequestError(f"{JSON_LENGTH_HEADER} {length}: the body has {len(body)} bytes")
    document = parsed(body[:length])
    tensors = document.get("inputs") if isinstance(document, dict) else None
    if not isinstance(tensors, list) or not tensors or not all(map(is_record, tensors)):
        raise RequestError('body: send {"inputs": [tensor, ...]}')
    parameters = _parameters(document)
    return V2Request(
        id=_id(document.get("id")),
        rows=_rows(tensors, body[length:], is_table=parameters.get("content_type") == TABLE),
        is_binary=_is_binary(document.get("outputs"), parameters),
    )


def _id(value: Any) -> str:
    if not isinstance(value, str | None):
        raise RequestError(f"id {shown(value)}: not a text")
    return value or str(uuid.uuid4())


def _parameters(item: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = item.get("parameters")
    if not isinstance(parameters, dict | None):
        raise RequestError(f"parameters {shown(parameters)}: not an object")
    return parameters or {}


def _is_binary(outputs: Any, parameters: Mapping[str, Any]) -> bool:
    if not outputs:
        return bool(parameters.get("binary_data_output", False))
    names = [one.get("name") if is_record(one) else one for one in outputs]
    if names != [OUTPUT]:
        raise RequestError(f"outputs {shown(names)}: there is one, {OUTPUT}")
    return bool(_parameters(outputs[0]).get("binary_data", False))


def _rows(tensors: Sequence[Mapping[str, Any]], binary: bytes, *, is_table: bool) -> Rows:
    arrays: dict[str, Array] = {}
    for item in tensors:
        name = item.get("name")
        if not isinstance(name, str) or name in arrays:
            raise RequestError(f"input {shown(name)}: no name, or one that is given twice")
        arrays[name], binary = _tensor(name, item, binary)
    if binary:
        raise RequestError(f"inputs: {len(binary)} bytes are left after the last tensor")
    if is_table:
        return _of_columns(arrays)
    if len(arrays) > 1:
        raise RequestError(
            f"inputs {shown(list(arrays))}: send one tensor of shape [rows, features], or columns "
            'with "parameters": {"content_type": "pd"}'
        )
    (array,) = arrays.values()
    if array.dtype.kind == "O":
        return Rows(texts=tuple(array.reshape(-1).tolist()))
    if array.ndim != 2:
        raise RequestError(f"input {name!r}: shape {list(array.shape)}; send [rows, features]")
    return Rows(matrix=array)


def _of_columns(arrays: Mapping[str, Array]) -> Rows:
    if len(set(map(len, arrays.values()))) > 1:
        raise RequestError(f"inputs {shown(list(arrays))}: columns of different lengths")
    # Only a null has become NaN: no other is read.
    table = {
        name: [None if value != value else value for value in array.reshape(-1).tolist()]
        for name, array in arrays.items()
    }
    return _joined([table])


def _tensor(name: str, item: Mapping[str, Any], binary: bytes) -> tuple[Array, bytes]:
    shape, kind = item.get("shape"), item.get("datatype")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise RequestError(f"input {name!r}: shape {shown(shape)}: not a list of sizes")
    if kind not in DTYPES or kind == "BF16":
        raise RequestError(f"input {name!r}: datatype {shown(kind)}: use FP32, FP64, INT64 ...")
    size = _parameters(item).get("binary_data_size")
    if size is None:
        return _of_json(name, item.get("data"), shape, kind), binary
    if type(size) is not int or not 0 <= size <= len(binary):
        raise RequestError(f"input {name!r}: binary_data_size {shown(size)}: not so many bytes")
    return _of_bytes(name, binary[:size], shape, kind), binary[size:]


def _of_json(name: str, data: Any, shape: Sequence[int], kind: str) -> Array:
    if not isinstance(data, list):
        raise RequestError(f"input {name!r}: data {shown(data)}: not a list")
    _, items = unnested(name, data)
    numeric = DTYPES[kind].kind
    allowed = {"O": (str,), "b": (bool,)}.get(
        numeric, (int, float, type(None)) if numeric == "f" else (int,)
    )
    wrong = [one for one in _finite(name, items) if type(one) not in allowed]
    if wrong:
        raise RequestError(f"input {name!r}: {shown(wrong[0])} is not of type {kind}")
    return _shaped(name, np.array(items, dtype=DTYPES[kind]), shape)


def _of_bytes(name: str, data: bytes, shape: Sequence[int], kind: str) -> Array:
    dtype = DTYPES[kind]
    try:
        if dtype.kind == "O":
            texts = [value.decode() for value in cut_values(data)]
            return _shaped(name, np.array(texts, dtype=object), shape)
        return _shaped(name, np.frombuffer(data, dtype), shape)
    except ValueError as error:
        raise RequestError(f"input {name!r}: {error}") from error


def _shaped(name: str, array: Array, shape: Sequence[int]) -> Array:
    if array.size != math.prod(shape):
        raise RequestError(f"input {name!r}: {array.size} values do not fit shape {list(shape)}")
    return array.reshape(shape)


def v2_answer(request: V2Request, answers: Array, model: str) -> tuple[bytes, int | None]:
    """Return the body of an answer of V2, and the length of its JSON when binary data follows."""
    tensor: dict[str, Any] = {
        "name": OUTPUT,
        "shape": list(answers.shape),
        "datatype": datatype(answers.dtype),
        "parameters": None,
    }
    if not request.is_binary:
        tensor["data"] = _plain(answers.reshape(-1))
        head: dict[str, Any] = {"model_name": model, "model_version": None, "id": request.id}
        head |= {"parameters": None}
        return written(head | {"outputs": [tensor]}), None
    of_text = answers.dtype.kind == "O"
    tail = (
        joined_values(str(one).encode() for one in answers.flat) if of_text else answers.tobytes()
    )
    tensor["parameters"] = {"binary_data_size": len(tail)}
    head = {"id": request.id, "model_name": model, "model_version": None, "outputs": [tensor]}
    text = written(head)
    return text + tail, len(text)
