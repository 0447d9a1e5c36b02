"""Which entities a V1 request names, and the request with their features. Pure.

{"instances": [{"driver_id": 7, "hour": 3}]}         by rows
{"inputs": {"driver_id": [7], "hour": [3]}}          by columns
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.errors import shown
from kanaria.serving.features.expected_inputs import ExpectedInputs
from kanaria.serving.features.feature_settings import DEFAULTS, FeatureSettings
from kanaria.serving.protocol.base64_values import is_record
from kanaria.serving.protocol.json_body import RequestError


class FeatureError(Exception):
    """A feature has no value that the settings allow; the request cannot be answered now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """What the store holds of one feature of one row.

    Attributes:
        value: None where there is none.
        why: "" where it counts, else `missing`, `stale` or `unreachable`.
    """

    value: Any = None
    why: str = ""


Features = Mapping[str, Sequence[Value]]
"""Feature -> one value a row."""


def entities(document: Any, settings: FeatureSettings) -> dict[str, list[Any]]:
    """Return join key -> one value a row; None where a row names none.

    Raises:
        RequestError: there are no rows, or a key is no text and no whole number.
    """
    if isinstance(document, Mapping) and "instances" in document:
        rows = _rows(document["instances"])
        columns = {name: [row.get(name) for row in rows] for name in settings.entities}
    else:
        columns = _columns(document, settings)
    return {
        name: [join_key(name, number, value) for number, value in enumerate(values)]
        for name, values in columns.items()
    }


def _rows(instances: Any) -> list[Any]:
    if not isinstance(instances, list) or not instances or not all(map(is_record, instances)):
        raise RequestError(
            'instances: send {"instances": [{name: value, ...}, ...]} with at least one row, '
            "which names its entities"
        )
    return instances


def _columns(document: Any, settings: FeatureSettings) -> dict[str, list[Any]]:
    inputs = document.get("inputs") if isinstance(document, dict) else None
    if not isinstance(inputs, dict) or not is_record(inputs):
        raise RequestError('body: send {"instances": [row, ...]} or {"inputs": {name: values}}')
    columns: dict[str, Any] = {name: inputs.get(name) for name in settings.entities}
    for name, values in columns.items():
        if not isinstance(values, list):
            raise RequestError(f"inputs: send {name!r}, a join key, as a list of values")
    if len({len(values) for values in columns.values()}) > 1:
        raise RequestError(f"inputs: {', '.join(columns)} have different numbers of values")
    return columns


def join_key(name: str, number: int, value: Any) -> Any:
    """Return the value of a row's join key as the feature server takes it.

    Raises:
        RequestError: it is no text and no whole number.
    """
    # The feature server makes 1 of 1.5 and of true, and would give another one's features.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is not None and type(value) not in (int, str):
        raise RequestError(
            f"row {number}: {name}={shown(value)} is no join key; send a whole number or text"
        )
    return value


def with_features(
    document: Any, features: Features, settings: FeatureSettings, inputs: ExpectedInputs
) -> Any:
    """Return the request as the model takes it.

    Args:
        document: of the client.
        features: of its rows.
        settings: of the service.
        inputs: of the model.

    Raises:
        RequestError: the request has a value for a feature itself.
        FeatureError: a feature has no value, and none may take its place.
    """
    columns = {
        name: [inputs.value(name, value) for value in settled(name, values, settings)]
        for name, values in features.items()
    }
    gone = () if settings.keep_entities else settings.entities
    if "instances" in document:
        rows = document["instances"]
        joined: Any = [
            _joined(row, {name: values[number] for name, values in columns.items()}, gone)
            for number, row in enumerate(rows)
        ]
        return {**document, "instances": joined}
    return {**document, "inputs": _joined(document["inputs"], columns, gone)}


def _joined(
    row: Mapping[str, Any], features: Mapping[str, Any], gone: Sequence[str]
) -> dict[str, Any]:
    for name in row.keys() & features.keys():
        if row[name] is not None:
            raise RequestError(
                f"{name}={shown(row[name])}: comes from the feature store; leave it out"
            )
    return {**{name: value for name, value in row.items() if name not in gone}, **features}


def settled(name: str, values: Sequence[Value], settings: FeatureSettings) -> list[Any]:
    """Return a feature's values, with the default where a policy says so.

    Raises:
        FeatureError: a row has no value, and none may take its place.
    """
    return [_one(name, number, value, settings) for number, value in enumerate(values)]


def _one(name: str, number: int, value: Value, settings: FeatureSettings) -> Any:
    if not value.why:
        return value.value
    if getattr(settings, value.why) == DEFAULTS and name in settings.defaults:
        return settings.defaults[name]
    raise FeatureError(
        f"row {number}: feature {name!r} of {settings.feature_service!r} is {value.why}, and the "
        "service has no default for that"
    )
