"""From the result of an instant query to the counters of one revision's replicas. Pure.

Prometheus keeps samples that it took itself, so a value is older than the question. A sample
counts here while it is younger than FRESH_SECONDS; a replica whose last one is older is left out,
as one that Prometheus itself no longer shows (its target is gone, or a scrape failed). `counters`
keeps its last value, so that a gap is made up for when it is seen again.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.rollout.counters import Replica
from kanaria.serving.rollout.observations.queries import PART, QuerySet

FRESH_SECONDS = 150.0
"""Two scrapes at Prometheus' default interval of a minute may fail."""
IN_A_SECOND = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Series:
    """One series of the result: replica, part, upper bound of a bucket, value."""

    replica: str
    part: str
    bound: float | None
    value: float


def replicas(result: Iterable[Mapping[str, Any]], queries: QuerySet) -> tuple[Replica, ...]:
    """Return the replicas that an instant query for `queries.query(...)` found.

    Args:
        result: series as Prometheus' HTTP API gives them: {"metric": labels, "value": [t, "v"]}.
        queries: that were asked.

    Raises:
        DataError: no replica has a fresh sample, or the series are not what the queries promise.
    """
    rows = list(result)
    found = [_series(row, queries) for row in rows]
    values = {(one.replica, one.part, one.bound): one.value for one in found}
    if len(values) != len(found):
        raise DataError(
            f"several series of one {queries.replica}; is it scraped twice, or a `sum by` missing?"
        )
    evaluated = float(rows[0]["value"][0]) if rows else 0.0
    times = {one.replica: one.value for one in found if one.part == "sampled"}
    fresh = [name for name, time in times.items() if evaluated - time < FRESH_SECONDS]
    if not fresh:
        stale = (
            f"the last sample is of {max(times.values()):.0f}" if times else "there is no sample"
        )
        raise DataError(f"{stale}; is it scraped?")
    return tuple(_replica(name, found, queries) for name in sorted(fresh))


def _series(row: Mapping[str, Any], queries: QuerySet) -> _Series:
    labels, value = row["metric"], float(row["value"][1])
    name, part, bound = labels.get(queries.replica, ""), labels[PART], labels.get("le")
    if not name:
        raise DataError(f"{part}: a series has no label {queries.replica}: {shown(labels)}")
    if not math.isfinite(value):
        raise DataError(f"{part}: {value} of {name}")
    if (part == "buckets") != (bound is not None):
        raise DataError(f"{part}: the label le belongs to buckets, and to each: {shown(labels)}")
    return _Series(
        replica=name, part=part, bound=None if bound is None else float(bound), value=value
    )


def _replica(name: str, found: Iterable[_Series], queries: QuerySet) -> Replica:
    own = [one for one in found if one.replica == name]
    values = {one.part: one.value for one in own if one.bound is None}
    within = {one.bound: one.value for one in own if one.bound is not None}
    total = within.pop(math.inf, 0.0)
    scale = IN_A_SECOND[queries.unit]
    return Replica(
        name=name,
        requests=values.get("requests", 0.0),
        errors=values.get("errors", 0.0),
        slower=tuple((bound / scale, total - within[bound]) for bound in sorted(within)) or None,
        started=values.get("started"),
    )
