"""The KFP interfaces of join_features and materialize_features."""

from typing import NamedTuple

from kfp import dsl

from kanaria.components.shared.step_images import FEAST_IMAGE


@dsl.component(base_image=FEAST_IMAGE, install_kfp_package=False)
def join_features(
    entity_rows: str,
    feature_repo: str,
    feature_service: str,
    training_rows: dsl.Output[dsl.Dataset],
    timestamp_column: str = "event_timestamp",
    missing_rows: str = "keep",
    full_feature_names: bool = False,
    filter_by_created_timestamp: bool = False,
) -> NamedTuple("Outputs", [("data", str)]):  # type: ignore[valid-type]
    """Join entity rows with the features of a Feast service that were known at their times.

    Never cache this step: it reads what the feature store holds now.

    Args:
        entity_rows: Parquet or CSV files with the join keys, a time and labels; patterns and
            commas as ingest_data takes them.
        feature_repo: Folder or URI of a Feast repository, with feature_store.yaml.
        feature_service: Name of the feature service.
        timestamp_column: Column of the entity rows with their times; UTC where it has no zone.
        missing_rows: What becomes of a row that a feature view has nothing for: keep (its
            features are missing), drop or fail.
        full_feature_names: Whether features are called VIEW__FEATURE.
        filter_by_created_timestamp: Whether values are passed over that were written later than
            the row's time, for views with a created_timestamp_column.

    Returns:
        training_rows: Folder with rows.parquet; the feature service and counts in the metadata.
        data: The rows as ingest_data takes them, with "#sha256=" and their fingerprint.
    """
    from dataclasses import asdict
    from pathlib import Path

    from kanaria.components.join.join import Request, join
    from kanaria.components.shared.artifacts.metadata import described, rows

    request = Request(
        entity_rows=entity_rows,
        feature_repo=feature_repo,
        feature_service=feature_service,
        timestamp_column=timestamp_column,
        missing_rows=missing_rows,
        full_feature_names=full_feature_names,
        filter_by_created_timestamp=filter_by_created_timestamp,
    )
    joined = join(request, Path(training_rows.path))
    facts = described("training_rows", asdict(joined), feature_service, rows(joined.joined))
    training_rows.metadata.update(facts)
    return (joined.data(training_rows.uri),)


@dsl.component(base_image=FEAST_IMAGE, install_kfp_package=False)
def materialize_features(
    feature_repo: str,
    materialization: dsl.Output[dsl.Artifact],
    until: str = "",
    feature_views: list = [],  # noqa: B006  KFP takes a literal default and never mutates it.
    late_hours: float = 0.0,
) -> None:
    """Load a Feast online store with the newest values up to a moment. Never cache this step.

    Args:
        feature_repo: Folder or URI of a Feast repository, with feature_store.yaml.
        until: The moment in ISO 8601, UTC without a zone; empty for now. Neither in the future
            nor before the last one.
        feature_views: Names of feature views; [] for all that are online.
        late_hours: How many hours later than their time rows may come: so much before the last
            moment is loaded again.

    Returns:
        materialization: materialization.json; the moment, and from when on each view's rows were
            loaded, in the metadata.
    """
    from dataclasses import asdict
    from pathlib import Path

    from kanaria.components.join.materialize import Request, materialize
    from kanaria.components.shared.artifacts.metadata import described

    request = Request(
        feature_repo=feature_repo, until=until, feature_views=feature_views, late_hours=late_hours
    )
    loaded = materialize(request)
    loaded.write(Path(materialization.path))
    facts = described("materialization", asdict(loaded), loaded.project, loaded.until)
    materialization.metadata.update(facts)
