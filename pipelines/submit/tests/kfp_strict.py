"""Checks a request's JSON against the models of kfp_server_api, made from the server's protos."""

import json
import re
from typing import Any

import kfp_server_api

PLAIN = {
    "str": (str, int),  # An int64 of the server is a string there; both are read.
    "int": (int,),
    "bool": (bool,),
    "datetime": (str,),
    "object": (dict,),
}


class RefusedError(Exception):
    """The server's answer to a wrong request: HTTP status, gRPC code, message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def invalid(message: str) -> RefusedError:
    return RefusedError(400, 3, message)


def not_found(kind: str, identity: str) -> RefusedError:
    return RefusedError(404, 5, f"{kind} {identity} not found")


def check(kind: str, value: Any, where: str = "body") -> None:
    """Raise RefusedError unless `value` has the fields and types of the model `kind`."""
    many = re.fullmatch(r"(list|dict)(?:\[|\(str, )(.+)[\])]", kind)
    if many:
        check_many(many[1], many[2], value, where)
    elif kind not in PLAIN:
        check_model(getattr(kfp_server_api, kind), value, where)
    elif not isinstance(value, PLAIN[kind]):
        raise invalid(f"{where}: {value!r} is no {kind}")


def check_many(kind: str, inner: str, value: Any, where: str) -> None:
    if not isinstance(value, list if kind == "list" else dict):
        raise invalid(f"{where}: {value!r} is no {kind}")
    if inner != "object":  # A protobuf Value may be anything.
        for entry in value.values() if isinstance(value, dict) else value:
            check(inner, entry, f"{where}[]")


def check_model(model: Any, value: Any, where: str) -> None:
    if hasattr(model, "allowable_values"):
        if value not in model.allowable_values:
            raise invalid(f"{where}: {value!r} is none of {model.allowable_values}")
        return
    if not isinstance(value, dict):
        raise invalid(f"{where}: {value!r} is no object")
    fields = {json_name: name for name, json_name in model.attribute_map.items()}
    for name, entry in value.items():
        if name not in fields:
            raise invalid(f'{where}: unknown field "{name}"')
        check(model.openapi_types[fields[name]], entry, f"{where}.{name}")


def equals(text: str) -> tuple[str, str] | None:
    """Return key and value of a filter with one EQUALS predicate, the only kind used here."""
    if not text:
        return None
    (predicate,) = json.loads(text)["predicates"]
    if predicate["operation"] not in ("EQUALS", 1) or set(predicate) != {
        "operation",
        "key",
        "stringValue",
    }:
        raise invalid(f"failed to parse valid filter from {text!r}")
    return predicate["key"], predicate["stringValue"]
