"""The work of materialize_features: the online store gets the values of one moment.

Rows up to the moment that are not loaded yet are loaded, so a second call with the same moment
loads nothing. Feast takes whole numbers beside missing values through 64-bit floats on their way,
so ones that a float does not hold are refused before anything is written.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from feast import FeatureStore, FeatureView

from kanaria.components.join import feature_repo, feature_source, store_errors, times
from kanaria.components.join.feature_repo import View
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.storage import atomic

log = logging.getLogger(__name__)
STEP = "materialize_features"
EXACT = 2**53
"""Every whole number up to here has a float of 64 bits of its own."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to load.

    Attributes:
        feature_repo: folder or URI of a Feast repository.
        until: ISO 8601 text of the moment, UTC without a zone; "" for now.
        feature_views: names; empty for all that have an online store.
        late_hours: how much later than their time rows may come, 0 or more.
    """

    feature_repo: str
    until: str = ""
    feature_views: Sequence[str] = ()
    late_hours: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What was loaded.

    Attributes:
        project: of the feature store.
        until: the moment, ISO 8601 in UTC.
        since: feature view -> from when on rows were loaded; "" where the moment was reached.
    """

    project: str
    until: str
    since: Mapping[str, str]

    def write(self, folder: Path) -> None:
        """Write `materialization.json` into a folder, which is made."""
        with atomic.published(folder) as temporary:
            temporary.mkdir()
            text = json.dumps(asdict(self), indent=2)
            (temporary / "materialization.json").write_text(text, encoding="utf-8")


def materialize(request: Request) -> Loaded:
    """Load the online store with the newest value up to a moment of every key.

    Raises:
        ParameterError: a parameter is wrong, the moment lies in the future, or before one that a
            view has reached; nothing was loaded.
        DataError: a source cannot be read, or has numbers that Feast would change.
        NotReadyError: a store does not answer.
    """
    until = _moment(request)
    with feature_repo.opened(request.feature_repo) as store:
        views = _views(store, request.feature_views)
        _check_order(views, until)
        starts = {view.name: _start(view, until, request.late_hours) for view in views}
        loading = {name: start for name, start in starts.items() if start is not None}
        for view in views:
            if view.name in loading:
                _check_source(store, feature_repo.stored_view(view), loading[view.name], until)
        for name, start in loading.items():
            with store_errors.named(f"feature view {name!r}"):
                store.materialize(start_date=start, end_date=until, feature_views=[name])
            log.info("%s: rows of %s to %s are online", name, start, until)
        since = {name: start.isoformat() if start else "" for name, start in starts.items()}
        return Loaded(project=str(store.project), until=until.isoformat(), since=since)


def _moment(request: Request) -> datetime:
    faults, now = Faults(STEP), datetime.now(UTC)
    faults.check(
        bool(request.feature_repo.strip()), "feature_repo", request.feature_repo, "name it"
    )
    late = request.late_hours
    faults.check(0 <= late < 1e6, "late_hours", late, "use a number of hours, 0 or more")
    moment = now
    if request.until.strip():
        try:
            moment = times.as_utc(times.moment(request.until, "until"))
        except DataError as error:
            faults.add(str(error))
    faults.check(
        moment <= now,
        "until",
        request.until,
        f"it is {now:%Y-%m-%dT%H:%M:%SZ}; "
        "rows of the future are not there yet, use a moment that has passed",
    )
    faults.raise_if_any()
    return moment


def _views(store: FeatureStore, names: Sequence[str]) -> list[FeatureView]:
    with store_errors.named(f"registry of {store.project!r}"):
        online = {view.name: view for view in store.list_feature_views() if view.online}
    absent = [name for name in names if name not in online]
    if absent or not online:
        raise ParameterError(
            f"feature_views={shown(list(names))}: no view {', '.join(map(repr, absent))} with "
            f"online=True in the registry of project {store.project!r}, which has "
            f"{', '.join(map(repr, online)) or 'none'}; run `feast apply`"
        )
    return [online[name] for name in names or sorted(online)]


def _check_order(views: Sequence[FeatureView], until: datetime) -> None:
    """Refuse a moment before one that was reached: newer values would be written over."""
    faults = Faults(STEP)
    for view in views:
        last = view.most_recent_end_time
        fits = last is None or times.as_utc(last) <= until
        remedy = f"feature view {view.name!r} is online up to {last}; use that moment or a later"
        faults.check(fits, "until", until.isoformat(), remedy)
    faults.raise_if_any()


def _start(view: FeatureView, until: datetime, late_hours: float) -> datetime | None:
    """Return from when on rows are loaded, None where the moment is reached."""
    last = view.most_recent_end_time
    # Values beyond the ttl are nobody's: the join would not take them either.
    oldest = until - view.ttl if view.ttl else BEGINNING
    if last is None:
        return oldest
    if times.as_utc(last) == until:
        return None
    return max(oldest, times.as_utc(last) - timedelta(hours=late_hours))


def _check_source(store: FeatureStore, view: View, start: datetime, until: datetime) -> None:
    """Refuse what Feast would change, or break off at."""
    read = feature_source.read(store, view, times.of(start), times.of(until))
    unwritten = 0 if read.rows.created is None else int(np.sum(read.rows.created == times.NEVER))
    if unwritten:
        raise DataError(
            f"feature view {view.name!r}: {unwritten} row{' has' if unwritten == 1 else 's have'} "
            f"no {view.created!r}, which Feast does not load; fill it"
        )
    for name, kind in view.types.items():
        column = read.values[name]
        if pa.types.is_int64(kind) and 0 < column.null_count < len(column):
            _check_whole_numbers(view.name, name, column)


def _check_whole_numbers(view: str, name: str, column: pa.ChunkedArray) -> None:
    ends = pc.min_max(column).as_py()
    largest = max(ends.values(), key=abs)
    if abs(largest) > EXACT:
        raise DataError(
            f"feature view {view!r}: feature {name!r} has missing values beside {largest}, a whole "
            "number that Feast changes on its way online; fill them, or make it a String"
        )
