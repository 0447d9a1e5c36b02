"""Opens a Feast repository and reads what a feature service is made of.

The registry is as `feast apply` left it; the Python files of the repository are not run.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from feast import FeatureStore, FeatureView
from feast.data_source import DataSource
from feast.errors import FeastError
from feast.feature_view import DUMMY_ENTITY_ID
from feast.feature_view_projection import FeatureViewProjection
from feast.repo_config import FeastConfigError
from feast.types import (
    Array,
    Bytes,
    ImageBytes,
    PdfBytes,
    UnixTimestamp,
    from_feast_to_pyarrow_type,
)

from kanaria.components.join import store_errors
from kanaria.components.join.entity_rows import SECONDS
from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.storage import uri_files

CONFIG = "feature_store.yaml"
LONGEST_TTL = 2**63 - 1
"""Nanoseconds, 292 years; what counts longer counts for ever."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A feature view as a feature service takes it.

    Attributes:
        name: of the view, or its alias in the service.
        keys: join key's column in the source -> column of the entity rows.
        key_types: column of the entity rows -> type of the join key.
        features: feature's column in the source -> name in the training rows.
        types: name in the training rows -> type that the store declares.
        source: where its values lie.
        timestamp: column of the source with each value's time.
        created: column that says when a row was written, or "".
        ttl: nanoseconds that a value counts for, 0 for ever.
        until: moment up to which the online store has its values, None before the first time.
    """

    name: str
    keys: Mapping[str, str]
    key_types: Mapping[str, pa.DataType]
    features: Mapping[str, str]
    types: Mapping[str, pa.DataType]
    source: DataSource
    timestamp: str
    created: str
    ttl: int
    until: datetime | None

    @property
    def columns(self) -> list[str]:
        """Return the columns of the source that are read, each once."""
        names = [*self.keys, *self.features, self.timestamp, self.created]
        return list(dict.fromkeys(name for name in names if name))


@contextmanager
def opened(uri: str) -> Iterator[FeatureStore]:
    """Yield the store of a repository; its relative paths begin at the repository's folder.

    Args:
        uri: folder with `feature_store.yaml`; one in an object store is copied.

    Raises:
        ParameterError: there is no such file, it is wrong, or its registry cannot be read.
        NotReadyError: an object store or the registry's database does not answer.
    """
    with uri_files.opened(uri) as folder:
        if not (folder / CONFIG).is_file():
            raise ParameterError(
                f"feature_repo={shown(uri)}: no {CONFIG} in it; name the folder of a Feast "
                "repository"
            )
        if uri_files.is_remote(uri):
            _check_copied(uri, folder)
        yield _store(uri, folder)


def _check_copied(uri: str, folder: Path) -> None:
    """Refuse a registry that lies in a copy: what is written there would be lost."""
    config = yaml.safe_load((folder / CONFIG).read_text(encoding="utf-8")) or {}
    registry = config.get("registry", "data/registry.db")
    path = registry.get("path", "") if isinstance(registry, dict) else str(registry)
    if "://" not in path:
        raise ParameterError(
            f"feature_repo={shown(uri)}: {CONFIG} has registry {shown(path)}, a path of one "
            "machine; use registry_type: sql or a registry in a bucket"
        )


def _store(uri: str, folder: Path) -> FeatureStore:
    try:
        return FeatureStore(repo_path=str(folder))
    except (FeastError, FeastConfigError, ValueError, OSError, yaml.YAMLError) as error:
        raise ParameterError(f"feature_repo={shown(uri)}: {CONFIG}: {shown(str(error))}") from error


def service_views(store: FeatureStore, name: str, *, full_names: bool) -> list[View]:
    """Return the views of a feature service, in its order.

    Args:
        store: the repository.
        name: of the feature service.
        full_names: whether a feature is called `<view>__<feature>`.

    Raises:
        ParameterError: there is no such service; or it has features that are computed on request,
            or two of one name.
    """
    with store_errors.named(f"registry of {store.project!r}"):
        names = [service.name for service in store.list_feature_services()]
        if name not in names:
            raise ParameterError(
                f"feature_service={shown(name)}: not in the registry of project "
                f"{store.project!r}, which has {', '.join(map(repr, names)) or 'none'}; run "
                "`feast apply`"
            )
        projections = store.get_feature_service(name).feature_view_projections
        on_demand = {view.name for view in store.list_on_demand_feature_views()}
        computed = [one.name for one in projections if one.name in on_demand]
        if computed:
            raise ParameterError(
                f"feature_service={shown(name)}: {', '.join(computed)} is computed on demand, and "
                "is not joined; compute it in preprocessing_fn, or store its values"
            )
        views = [_projected(store, one, full_names=full_names) for one in projections]
    _check_names(name, views)
    return views


def _check_names(service: str, views: Sequence[View]) -> None:
    features = [feature for view in views for feature in view.features.values()]
    twice = sorted({feature for feature in features if features.count(feature) > 1})
    if twice:
        raise ParameterError(
            f"feature_service={shown(service)}: two views have a feature {twice[0]!r}; set "
            "full_feature_names"
        )


def _arrow_type(name: str, kind: Any) -> pa.DataType:
    """Return the type of a feature or a join key in training rows."""
    if kind in (Bytes, ImageBytes, PdfBytes):  # Feast's own table of types leaves them out.
        return pa.binary()
    if kind == UnixTimestamp:
        return SECONDS
    if kind == Array(Bytes):
        return pa.list_(pa.binary())
    try:
        return from_feast_to_pyarrow_type(kind)
    except ValueError as error:
        raise ParameterError(
            f"feature {name!r}: type {kind} has no form in training rows; use numbers, text, "
            "bytes, or an Array of them"
        ) from error


def _projected(store: FeatureStore, projection: FeatureViewProjection, *, full_names: bool) -> View:
    view = store.get_feature_view(projection.name)
    label = projection.name_to_use()
    columns = {field.name: field for field in projection.features}
    names = {name: f"{label}__{name}" if full_names else name for name in columns}
    types = {names[name]: _arrow_type(name, f.dtype) for name, f in columns.items()}
    return _view(view, label, names, types, projection.join_key_map)


def stored_view(view: FeatureView) -> View:
    """Return a view as it is materialized: all its features, under their own names."""
    names = {field.name: field.name for field in view.features}
    types = {field.name: _arrow_type(field.name, field.dtype) for field in view.features}
    return _view(view, view.name, names, types, {})


def _view(
    view: FeatureView,
    label: str,
    names: Mapping[str, str],
    types: Mapping[str, pa.DataType],
    entity_names: Mapping[str, str],
) -> View:
    source: Any = view.batch_source
    # A source's field_mapping says column -> name; what is read are columns.
    columns = {name: column for column, name in (source.field_mapping or {}).items()}
    keys = {
        column.name: column.dtype
        for column in view.entity_columns
        if column.name != DUMMY_ENTITY_ID  # Of a view without entities: no column of its source.
    }
    ttl = (view.ttl or timedelta()) // timedelta(microseconds=1) * 1000
    return View(
        name=label,
        keys={columns.get(key, key): entity_names.get(key, key) for key in keys},
        key_types={
            entity_names.get(key, key): _arrow_type(key, kind) for key, kind in keys.items()
        },
        features={columns.get(name, name): names[name] for name in names},
        types=types,
        source=source,
        timestamp=columns.get(source.timestamp_field, source.timestamp_field),
        created=columns.get(source.created_timestamp_column, source.created_timestamp_column or ""),
        ttl=ttl if ttl <= LONGEST_TTL else 0,
        until=view.most_recent_end_time,
    )
