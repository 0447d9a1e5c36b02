"""Requests of several rows in both protocols. Pure.

V1  {"instances": [row, ...]}: each row as it stands in its message, so that no number changes
V2  {"inputs": [tensor, ...]}: a row is {input: value}, or the value alone for a single input

Sources: TensorFlow Serving RESTful API, "Predict API", row format; Open Inference Protocol v2.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kanaria.components.shared.errors import shown
from kanaria.serving.protocol.json_body import RequestError, written
from kanaria.serving.protocol.signature_inputs import unnested
from kanaria.serving.stream.messages import Row

GUESSED = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}
"""Datatypes of inputs that the model's metadata do not name, as custom models have them."""


def body(rows: Sequence[Row], protocol: str, datatypes: Mapping[str, str]) -> bytes:
    """Return the request of some rows, at least one.

    Args:
        rows: in the order in which they are answered.
        protocol: "v1" or "v2".
        datatypes: of the model's inputs, by name; V2 only.

    Raises:
        RequestError: they do not make one request of V2: a row is none, or they differ in their
            inputs or shapes.
    """
    if protocol == "v1":
        return b'{"instances":[' + b",".join(row.text for row in rows) + b"]}"
    columns = _columns([_inputs(row.value, datatypes) for row in rows])
    tensors = [_tensor(name, values, datatypes.get(name, "")) for name, values in columns.items()]
    return written({"inputs": tensors})


def _inputs(value: Any, datatypes: Mapping[str, str]) -> Mapping[str, Any]:
    if isinstance(value, dict) and value:
        return value
    if len(datatypes) == 1:
        return {next(iter(datatypes)): value}
    raise RequestError(f"{shown(value)}: a row of V2 is an object, as {{input: value}}")


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = list(rows[0])
    for row in rows:
        if set(row) != set(names):
            raise RequestError(f"a row has {shown(sorted(row))}, another {shown(sorted(names))}")
    return {name: [row[name] for row in rows] for name in names}


def _tensor(name: str, values: list[Any], datatype: str) -> dict[str, Any]:
    shape, items = unnested(name, values)
    kinds = {type(item) for item in items}
    strange = kinds - set(GUESSED)
    if strange or (not datatype and len(kinds - {int, float}) + bool(kinds & {int, float}) > 1):
        raise RequestError(f"input {name!r}: {shown(items)}: use texts, numbers or booleans alone")
    guessed = GUESSED[float if float in kinds or not kinds else kinds.pop()]
    return {"name": name, "shape": shape, "datatype": datatype or guessed, "data": items}
