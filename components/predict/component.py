"""The KFP interface of predict_batch."""

from typing import NamedTuple

from kfp import dsl

from kanaria.components.shared.step_images import TRAINING_IMAGE


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def predict_batch(
    release: str,
    data: str,
    output: str,
    scored: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    verify_key: str = "",
    query: str = "",
    column_types: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    separator: str = ",",
    keep: list = [],  # noqa: B006
    signature: str = "serving_default",
    run_id: str = "",
    chunk_rows: int = 100_000,
    batch_rows: int = 1_000,
) -> NamedTuple("Outputs", [("rows", int), ("drifted", bool)]):  # type: ignore[valid-type]
    """Score rows with a release into Parquet files or a table of PostgreSQL. Never cache this step.

    Chunks that an earlier try finished stay as they are, so a run that was killed goes on.

    Args:
        release: URI of a release, as push_model and resolve_deployed give it.
        data: Files or patterns, separated by commas, as ingest_data reads them; with a query, the
            URI of a database without a password.
        output: Folder of a volume or a bucket for Parquet files, or
            postgresql://user@host/name#table, or #schema.table.
        verify_key: Text of the public key that the release must be signed for, as resolve_deployed
            gives it; empty for KANARIA_VERIFY_KEY, where it is set.
        query: SQL that the database answers with the rows; empty for files.
        column_types: Column name -> string, int64, float64 or timestamp, where the type that
            would be found is not the right one, as in {"zip": "string"}.
        separator: Character between the values of CSV files, such as ; or tab.
        keep: Names of columns of the data that stand beside the predictions, as ["id"].
        signature: Name of the model's signature.
        run_id: Name of the run in its rows; empty for one that follows from release, data and
            settings, so that the same work has the same name.
        chunk_rows: Most rows of a chunk, which is written whole or not at all.
        batch_rows: Most rows of one call of the model.

    Returns:
        scored: Folder with scored.json (where, rows, rows a second, columns) and, where the release
            has a drift detector, drift.json.
        report: Drift of the rows from those the model was trained on.
        rows: How many rows have their prediction now.
        drifted: Whether they drifted.
    """
    from pathlib import Path

    from kanaria.components.predict.lean_imports import predict
    from kanaria.components.predict.request import Request, Targets
    from kanaria.components.shared.artifacts.metadata import described

    request = Request(
        release=release,
        data=data,
        output=output,
        verify_key=verify_key,
        query=query,
        column_types=column_types,
        separator=separator,
        keep=keep,
        signature=signature,
        run_id=run_id,
        chunk_rows=chunk_rows,
        batch_rows=batch_rows,
    )
    result = predict(request, Targets(scored=Path(scored.path), report=Path(report.path)))
    scored.metadata.update(result.metadata())
    report.metadata.update(described("report", {}, result.drift))
    return result.rows, result.drifted
