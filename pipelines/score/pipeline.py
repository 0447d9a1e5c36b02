"""The pipeline that scores rows with the live model."""

from kfp import dsl

from kanaria.components import predict_batch, resolve_deployed, resolve_span
from kanaria.pipelines.run_exit_handler import reported

NAME = "score"
STEPS = ("resolve-span", "resolve-deployed", "predict-batch")
"""Its tasks, for the report."""


def _fresh(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """Return the task, run anew every time."""
    task.set_caching_options(False)
    return task


@dsl.pipeline(name=NAME)
def score(
    data: str,
    output: str,
    service: dict,
    keep: list = [],  # noqa: B006  KFP takes a literal default and never mutates it.
    signature: str = "serving_default",
    run_id: str = "",
    chunk_rows: int = 100_000,
    batch_rows: int = 1_000,
    reading: dict = {},  # noqa: B006
    span: str = "latest",
    span_version: str = "latest",
    span_window: int = 1,
    notify_url: str = "",
    tracking: dict = {},  # noqa: B006
) -> None:
    """Score rows with the live model into Parquet files or a table of PostgreSQL.

    Args:
        data: s3://bucket/data/*.csv: files or patterns as train_and_deploy takes them, or a
            database's URI.
        output: s3://bucket/scores: folder for Parquet files, or
            postgresql://user@host/name#table.
        service: {"name": "tips"}: the InferenceService, as train_and_deploy takes it; its live
            release scores.
        keep: ["id"]: columns of the data that stand beside the predictions.
        signature: serving_default: name of the model's signature.
        run_id: nightly: name of the run in its rows; empty for one that follows from release, data
            and settings.
        chunk_rows: A number: most rows of a chunk, which is written whole or not at all.
        batch_rows: A number: most rows of one call of the model.
        reading: {"separator": ";"} and more: how the data is read, as train_and_deploy takes it;
            nothing is split.
        span: latest, schedule-time, a number, a day, or a time (its day in UTC).
        span_version: latest of each span, or a number.
        span_window: A number: how many spans up to and with that one.
        notify_url: https://example.com/events: where the run's end is posted; empty for
            KANARIA_NOTIFY_URL, else nowhere.
        tracking: {"tracking_uri": "http://host:5000"} and more: the MLflow server in which runs are
            logged, as train_and_deploy takes it.
    """
    with reported(NAME, STEPS, STEPS[-1], notify_url, tracking):
        deployed = _fresh(
            resolve_deployed(
                service=service,
                tracking=tracking,
                run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                pipeline_name=NAME,
            )
        )
        resolved = _fresh(
            resolve_span(
                data=data,
                span=span,
                version=span_version,
                window=span_window,
                schedule_time=dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER,
                reading=reading,
            )
        )
        # What a target holds is known to no cache; it keeps a ledger of its own.
        _fresh(
            predict_batch(
                release=deployed.outputs["release"],
                verify_key=deployed.outputs["verify_key"],
                data=resolved.outputs["data"],
                output=output,
                query=resolved.outputs["query"],
                column_types=resolved.outputs["column_types"],
                separator=resolved.outputs["separator"],
                keep=keep,
                signature=signature,
                run_id=run_id,
                chunk_rows=chunk_rows,
                batch_rows=batch_rows,
            )
        )
