"""Reads the rows of a feature view from where they lie, exactly.

Files are read by Arrow: Feast reads them by pandas, which makes floats of integers beside missing
values. Of other stores Feast selects the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from feast import FeatureStore, FileSource

from kanaria.components.join import store_errors, times
from kanaria.components.join.entity_rows import SECONDS, cast
from kanaria.components.join.feature_repo import View
from kanaria.components.join.point_in_time import Rows
from kanaria.components.shared.data import arrow_files
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import uri_files

SUFFIX = "*.parquet"
FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureRows:
    """The rows of a view that have a time.

    Attributes:
        rows: their keys and times.
        values: features under the names of the training rows, in the store's types.
    """

    rows: Rows
    values: pa.Table


def read(store: FeatureStore, view: View, first: int | None, last: int) -> FeatureRows:
    """Read a view's rows from one moment to another.

    Args:
        store: the repository.
        view: whose rows.
        first: nanoseconds since 1970, None for the beginning.
        last: nanoseconds since 1970; a store of files gives rows beyond both.

    Raises:
        DataError: the source lacks a column, or a value does not fit its declared type.
        NotReadyError: the store does not answer.
    """
    table = _table(store, view, first, last)
    where = f"feature view {view.name!r}"
    absent = [name for name in view.columns if name not in table.column_names]
    if absent:
        raise DataError(
            f"{where}: its source {view.source.name!r} has no column {absent[0]!r}; it has "
            f"{', '.join(map(repr, table.column_names))}"
        )
    moments = times.nanoseconds(table[view.timestamp], f"{where}: column {view.timestamp!r}")
    # A row without a time was known at no moment.
    timed = np.flatnonzero(moments != times.NEVER)
    table, moments = table.take(pa.array(timed)), moments[timed]
    keys = [
        cast(table[column], view.key_types[key], f"{where}: column {column!r}")
        for column, key in view.keys.items()
    ]
    created = None
    if view.created:
        created = times.nanoseconds(table[view.created], f"{where}: column {view.created!r}")
    values = {
        name: _as_served(cast(table[column], view.types[name], f"{where}: column {column!r}"))
        for column, name in view.features.items()
    }
    return FeatureRows(
        rows=Rows(keys=keys, times=moments, created=created), values=pa.table(values)
    )


def _as_served(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values as the feature server writes them: a time is seconds since 1970."""
    return column.cast(pa.int64()) if column.type == SECONDS else column


def _table(store: FeatureStore, view: View, first: int | None, last: int) -> pa.Table:
    if isinstance(view.source, FileSource):
        return _from_files(store, view.source, view.columns)
    with store_errors.named(f"feature view {view.name!r}"):
        job = store.provider.offline_store.pull_all_from_table_or_query(
            config=store.config,
            data_source=view.source,
            join_key_columns=list(view.keys),
            feature_name_columns=list(view.features),
            timestamp_field=view.timestamp,
            created_timestamp_column=view.created or None,
            start_date=None if first is None else _moment(first),
            end_date=_moment(last) + timedelta(microseconds=1),
        )
        return job.to_arrow()


def _moment(nanoseconds: int) -> datetime:
    return FIRST + timedelta(microseconds=nanoseconds // 1000)


def _from_files(store: FeatureStore, source: FileSource, columns: Sequence[str]) -> pa.Table:
    uri = FileSource.get_uri_for_file_path(store.repo_path, source.path)
    with uri_files.opened(uri) as path:
        files = sorted(path.rglob(SUFFIX)) if path.is_dir() else [path]
        if not files:
            raise DataError(f"{uri}: no file {SUFFIX} in it; check the source {source.name!r}")
        return pa.concat_tables(
            [_from_file(file, columns) for file in files], promote_options="permissive"
        )


def _from_file(path: Path, columns: Sequence[str]) -> pa.Table:
    with arrow_files.parquet(path) as opened:
        names = opened.schema_arrow.names
        return opened.read([name for name in columns if name in names])
