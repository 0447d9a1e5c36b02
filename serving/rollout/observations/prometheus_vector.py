"""From the result of an instant query to the counters of one revision's replicas. Pure.

Prometheus keeps samples that it took itself, so a value is older than the question. A sample
counts here while it is younger than FRESH_SECONDS; a replica whose last one is older is left out,
as one that Prometheus itself no longer shows (its target is gone, or a scrape failed). `counters`
keeps its last value, so that a gap is made up for when it is seen again.

What no process can count is no answer: nothing is clamped, and nothing missing is taken for zero
save what the queries say is none without a series.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from kanaria.components.shared.config.validation import first_fault
from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.rollout.observations.latency_histogram import slower
from kanaria.serving.rollout.observations.prometheus_queries import PART, PARTS, QuerySet
from kanaria.serving.rollout.observations.replica_counters import Replica

FRESH_SECONDS = 150.0
"""Two scrapes at Prometheus' default interval of a minute may fail."""
AHEAD_SECONDS = 1.0
"""A sample is not younger than the moment that a query sees, save for rounding."""
IN_A_SECOND = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6}


class _Row(BaseModel):
    """One series as Prometheus' HTTP API gives it."""

    model_config = ConfigDict(frozen=True, strict=True)
    metric: dict[str, str]
    value: Annotated[tuple[FiniteFloat, str], Field(strict=False)]


_ROWS = TypeAdapter(list[_Row])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Series:
    """One series of the result: replica, part, upper bound of a bucket, time, value."""

    replica: str
    part: str
    bound: float | None
    evaluated: float
    value: float


def replicas(result: Iterable[Mapping[str, Any]], queries: QuerySet) -> tuple[Replica, ...]:
    """Return the replicas that an instant query for `queries.query(...)` found.

    Args:
        result: series as Prometheus' HTTP API gives them: {"metric": labels, "value": [t, "v"]}.
        queries: that were asked.

    Raises:
        DataError: no replica has a fresh sample, the series are not what the queries promise, or
            no process counts so.
    """
    try:
        rows = _ROWS.validate_python(list(result))
    except ValidationError as error:
        raise DataError(f"not a vector of samples: {first_fault(error)}") from error
    series = [_series(row, queries) for row in rows]
    if len({(one.replica, one.part, one.bound) for one in series}) != len(series):
        raise DataError(
            f"several series of one {queries.replica}; is it scraped twice, or a `sum by` missing?"
        )
    return tuple(_replica(name, series, queries) for name in _fresh(series))


def _fresh(series: Iterable[_Series]) -> list[str]:
    """Return the names of the replicas whose last sample is young, in order."""
    sampled = [one for one in series if one.part == "sampled"]
    ages = {one.replica: one.evaluated - one.value for one in sampled}
    if ages and min(ages.values()) < -AHEAD_SECONDS:
        raise DataError("sampled: a time in the future; use timestamp(), which gives seconds")
    fresh = sorted(name for name, age in ages.items() if age < FRESH_SECONDS)
    if fresh:
        return fresh
    last = max((one.value for one in sampled), default=None)
    stale = "there is no sample" if last is None else f"the last sample is of {last:.0f}"
    raise DataError(f"{stale}; is it scraped?")


def _series(row: _Row, queries: QuerySet) -> _Series:
    labels, (evaluated, text) = row.metric, row.value
    name, part, bound = labels.get(queries.replica, ""), labels.get(PART, ""), labels.get("le")
    if part not in PARTS:
        raise DataError(f"a series is none of what was asked for: {shown(labels)}")
    if not name:
        raise DataError(f"{part}: a series has no label {queries.replica}: {shown(labels)}")
    if (part == "buckets") != (bound is not None):
        raise DataError(f"{part}: the label le belongs to buckets, and to each: {shown(labels)}")
    value = _number(text, f"{part} of {name}")
    if not 0 <= value < math.inf:
        raise DataError(f"{part}: {value} of {name} is none that a counter has")
    upper = None if bound is None else _number(bound, f"{part} of {name}, label le")
    return _Series(replica=name, part=part, bound=upper, evaluated=evaluated, value=value)


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise DataError(f"{what}: {shown(text)} is no number") from error


def _replica(name: str, series: Iterable[_Series], queries: QuerySet) -> Replica:
    own = [one for one in series if one.replica == name]
    values = {one.part: one.value for one in own if one.bound is None}
    scale = IN_A_SECOND[queries.unit]
    within = {one.bound / scale: one.value for one in own if one.bound is not None}
    requests = values.get("requests", 0.0)
    if within and not requests and max(within.values()):
        raise DataError(f"requests of {name}: none are counted, though its buckets have some")
    return Replica(
        name=name,
        requests=requests,
        errors=values.get("errors", 0.0),
        refused=None if queries.refused is None else values.get("refused", 0.0),
        slower=slower(within),
        started=values.get("started"),
    ).require_possible()
