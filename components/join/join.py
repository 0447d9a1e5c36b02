"""The work of join_features: entity rows and a feature service in, training rows out."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from kanaria.components.join import entity_rows, feature_repo, feature_source
from kanaria.components.join.entity_rows import EntityRows
from kanaria.components.join.feature_repo import View
from kanaria.components.join.point_in_time import NONE, Last, Rows, last_rows
from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data import hive
from kanaria.components.shared.data.data_reference import PIN
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import atomic, uri_files

log = logging.getLogger(__name__)
STEP = "join_features"
FILE = "rows.parquet"


class MissingRows(StrEnum):
    """What becomes of an entity row for which a feature view has no row."""

    KEEP = "keep"
    DROP = "drop"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to join.

    Attributes:
        entity_rows: reference to Parquet or CSV files with the join keys, a time, and labels.
        feature_repo: folder or URI of a Feast repository.
        feature_service: name of the feature service.
        timestamp_column: of the entity rows.
        missing_rows: one of `MissingRows`.
        full_feature_names: whether a feature is called `<view>__<feature>`.
        filter_by_created_timestamp: whether values that were written after an entity row's time
            are passed over.
    """

    entity_rows: str
    feature_repo: str
    feature_service: str
    timestamp_column: str = "event_timestamp"
    missing_rows: str = MissingRows.KEEP.value
    full_feature_names: bool = False
    filter_by_created_timestamp: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """What was written.

    Attributes:
        feature_service: its name.
        project: of the feature store.
        rows: entity rows that were read.
        joined: of them, how many every feature view has a row for.
        dropped: how many were left out.
        missing: feature view -> entity rows that it has no row for.
        written_later: feature view -> entity rows whose values were written after their time.
        ambiguous: feature view -> entity rows whose values have a twin of the same time.
        entity_rows: fingerprint of the entity rows' files.
        sha256: of the file that was written.
    """

    feature_service: str
    project: str
    rows: int
    joined: int
    dropped: int
    missing: Mapping[str, int]
    written_later: Mapping[str, int]
    ambiguous: Mapping[str, int]
    entity_rows: str
    sha256: str

    def data(self, uri: str) -> str:
        """Return the reference that ingest_data takes, of rows that were published at `uri`."""
        file = uri_files.absolute(uri_files.join(uri, FILE))
        return file + PIN + fingerprint.of_text(hive.name(file), self.sha256)


def _check(request: Request) -> None:
    faults = Faults(STEP)
    for name in ("entity_rows", "feature_repo", "feature_service", "timestamp_column"):
        faults.check(bool(getattr(request, name).strip()), name, getattr(request, name), "name it")
    policies = [policy.value for policy in MissingRows]
    is_known = request.missing_rows in policies
    remedy = f"use {', '.join(policies)}"
    faults.check(is_known, "missing_rows", request.missing_rows, remedy)
    faults.raise_if_any()


def join(request: Request, target: Path) -> Joined:
    """Write the entity rows with the features that were known at their times.

    Args:
        request: what to join.
        target: folder of the rows, published atomically.

    Raises:
        ParameterError: parameters are wrong, or name no repository or service.
        DataError: rows or sources cannot be read, columns collide, or rows are missing that must
            not be.
        NotReadyError: a store does not answer.
    """
    _check(request)
    with feature_repo.opened(request.feature_repo) as store:
        names = request.full_feature_names
        views = feature_repo.service_views(store, request.feature_service, full_names=names)
        keys = {name: kind for view in views for name, kind in view.key_types.items()}
        entities = entity_rows.read(request.entity_rows, request.timestamp_column, [*keys])
        _check_collisions(entities, views)
        columns: dict[str, pa.ChunkedArray] = {}
        matches: dict[str, Last] = {}
        for view in views:
            matches[view.name], values = _of_view(store, view, entities, request)
            columns.update(values)
        project = str(store.project)
    table, facts = _judged(entities, columns, matches, MissingRows(request.missing_rows))
    with atomic.published(target) as folder:
        folder.mkdir()
        with pq.ParquetWriter(folder / FILE, table.schema) as writer:
            writer.write_table(table)
        sha256 = fingerprint.of_file(folder / FILE)
    return Joined(
        feature_service=request.feature_service,
        project=project,
        entity_rows=entities.fingerprint,
        sha256=sha256,
        **facts,
    )


def _check_collisions(entities: EntityRows, views: Sequence[View]) -> None:
    for view in views:
        for name in view.types:
            if name in entities.table.column_names:
                raise DataError(
                    f"entity_rows: column {name!r} is a feature of view {view.name!r}, too; leave "
                    "it out, rename it, or set full_feature_names"
                )


def _of_view(
    store: Any, view: View, entities: EntityRows, request: Request
) -> tuple[Last, dict[str, pa.ChunkedArray]]:
    """Return the view's rows for the entity rows, and their values."""
    first, last = int(entities.times.min()), int(entities.times.max())
    source = feature_source.read(store, view, first - view.ttl if view.ttl else None, last)
    wanted = Rows(keys=entities.keys(view.key_types), times=entities.times)
    rows = last_rows(
        wanted,
        source.rows,
        view.ttl,
        only_written_before=request.filter_by_created_timestamp,
    )
    places = pa.array(rows.rows, mask=rows.rows == NONE)
    values = source.values.take(places)
    return rows, {name: values[name] for name in values.column_names}


def _judged(
    entities: EntityRows,
    columns: Mapping[str, pa.ChunkedArray],
    matches: Mapping[str, Last],
    policy: MissingRows,
) -> tuple[pa.Table, dict[str, Any]]:
    """Return the training rows, and what is told of them."""
    absent = {name: last.rows == NONE for name, last in matches.items()}
    missing = np.zeros(len(entities.times), bool)
    for rows in absent.values():
        missing |= rows
    counts = {name: int(rows.sum()) for name, rows in absent.items()}
    lacking = int(missing.sum())
    if lacking:
        said = ", ".join(f"{name}: {count}" for name, count in counts.items() if count)
        log.warning("%d of %d entity rows lack features (%s)", lacking, len(missing), said)
        _refuse(policy, missing, said)
    table = pa.table(
        {**dict(zip(entities.table.column_names, entities.table.columns, strict=True)), **columns}
    )
    drops = policy is MissingRows.DROP
    return (table.filter(pa.array(~missing)) if drops else table), {
        "rows": len(missing),
        "joined": len(missing) - lacking,
        "dropped": lacking if drops else 0,
        "missing": counts,
        "written_later": {name: last.written_later for name, last in matches.items()},
        "ambiguous": {name: last.ambiguous for name, last in matches.items()},
    }


def _refuse(policy: MissingRows, missing: npt.NDArray[np.bool_], said: str) -> None:
    """Raise DataError where rows may not be missing, or none would be left."""
    rows, lacking = len(missing), int(missing.sum())
    if policy is MissingRows.FAIL:
        first = int(missing.argmax()) + 1
        raise DataError(
            f"entity_rows: {lacking} of {rows} rows lack features ({said}), the first is row "
            f"{first}; load the features, use a longer ttl, or set missing_rows to keep or drop"
        )
    if policy is MissingRows.DROP and lacking == rows:
        raise DataError(
            f"entity_rows: every one of {rows} rows lacks features ({said}), none would be left; "
            "check keys, times and ttl"
        )
