"""What Feast's feature server answers, with the age policy that its online reads leave out. Pure.

Feast serves whatever it holds, however old, whatever the ttl of the view (feast#1802); a row of
nobody has the status NOT_FOUND, a value of none is null.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.features.feature_rows import Value
from kanaria.serving.features.feature_settings import FeatureSettings

PRESENT = "PRESENT"
NOT_FINITE = ("NaN", "Infinity", "-Infinity")
NO_TIME = -(2**63)
"""What Feast stores and serves for a missing time."""


def by_feature(
    answer: Any, rows: int, settings: FeatureSettings, now: float
) -> dict[str, list[Value]]:
    """Return feature -> one value a row.

    Args:
        answer: JSON of `POST /get-online-features`.
        rows: how many were asked for.
        settings: of the service.
        now: seconds since 1970.

    Raises:
        DataError: the answer is no such one.
    """
    try:
        names = answer["metadata"]["feature_names"]
        columns = list(zip(names, answer["results"], strict=True))
        features = {
            name: [
                _value(*one, settings=settings, name=name, now=now)
                for one in zip(
                    column["values"],
                    column["statuses"],
                    column["event_timestamps"],
                    strict=True,
                )
            ]
            for name, column in columns
            if name not in settings.entities
        }
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"feature server: {shown(answer)} is no answer to entities") from error
    if any(len(values) != rows for values in features.values()) or not features:
        raise DataError(f"feature server: {shown(answer)} has no value for each of {rows} rows")
    absent = settings.max_age_seconds.keys() - features.keys()
    if absent:
        raise DataError(
            f"features.maxAgeSeconds: {settings.feature_service!r} has no feature "
            f"{sorted(absent)[0]!r}; it has {', '.join(map(repr, sorted(features)))}"
        )
    return features


def _value(
    value: Any, status: str, event_time: str, *, settings: FeatureSettings, name: str, now: float
) -> Value:
    value = _as_ingested(value, settings.defaults.get(name))
    if status != PRESENT or value is None:
        return Value(why="missing")
    most = settings.max_age_seconds.get(name)
    if most is not None and now - datetime.fromisoformat(event_time).timestamp() > most:
        return Value(why="stale")
    return Value(value=value)


def _as_ingested(value: Any, default: Any) -> Any:
    """Return a value as ingest_data has it in training rows.

    True and false are 1 and 0. JSON has no NaN and no infinity: Feast writes their names, which
    a feature of text might hold, too, so they are numbers where the default is one.
    """
    if isinstance(value, list):
        return [_as_ingested(one, default) for one in value]
    if isinstance(value, bool):
        return int(value)
    if value == NO_TIME:
        return None
    is_number = isinstance(default, int | float) and not isinstance(default, bool)
    if value in NOT_FINITE and is_number:
        return None if value == "NaN" else float(value)
    return value


def nowhere(rows: int, settings: FeatureSettings, why: str) -> dict[str, list[Value]]:
    """Return every feature that has a default, without a value for any row."""
    names: Sequence[str] = sorted(settings.defaults.keys())
    return {name: [Value(why=why)] * rows for name in names}


def query(entities: Mapping[str, Sequence[Any]], settings: FeatureSettings) -> dict[str, Any]:
    """Return the body of the question."""
    return {
        "feature_service": settings.feature_service,
        "entities": dict(entities),
        "full_feature_names": settings.full_names,
    }
