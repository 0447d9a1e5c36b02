"""The pipeline that compares new data with the live model's training rows."""

from kfp import dsl

from kanaria.components import (
    detect_drift,
    ingest_data,
    resolve_deployed,
    resolve_span,
)
from kanaria.pipelines.run_exit_handler import reported

NAME = "watch-for-drift"
STEPS = ("resolve-span", "resolve-deployed", "ingest-data", "detect-drift")
"""Its tasks, for the report."""


def _fresh(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """Return the task, run anew every time."""
    task.set_caching_options(False)
    return task


@dsl.pipeline(name=NAME)
def watch_for_drift(
    data: str,
    service: dict,
    reading: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    span: str = "latest",
    span_version: str = "latest",
    span_window: int = 1,
    drift_detector: dict = {},  # noqa: B006
    notify_url: str = "",
    tracking: dict = {},  # noqa: B006
) -> None:
    """Fail the run when new data drifted from what the live model was trained on.

    Args:
        data: s3://bucket/data/*.csv: files or patterns as train_and_deploy takes them, or a
            database's URI.
        service: {"name": "tips"}: the InferenceService, as train_and_deploy takes it; its release
            holds the drift detector.
        reading: {"separator": ";"} and more: how the data is read, as train_and_deploy takes it;
            nothing is split.
        span: latest, schedule-time, a number, a day, or a time (its day in UTC).
        span_version: latest of each span, or a number.
        span_window: A number: how many spans up to and with that one.
        drift_detector: {"kind": "table", "alpha": 0.01}: parameters to change of the release's
            detector; {} for it as it was fitted.
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
        ingest = ingest_data(
            data=resolved.outputs["data"],
            span=resolved.outputs["span"],
            query=resolved.outputs["query"],
            column_types=resolved.outputs["column_types"],
            separator=resolved.outputs["separator"],
            splits="serving=1",
        )
        detect = detect_drift(
            examples=ingest.outputs["examples"],
            deployed=deployed.outputs["release"],
            verify_key=deployed.outputs["verify_key"],
            detector=drift_detector,
            fail_on_drift=True,
        )
        # Compared anew even where nothing changed: each run leaves its report, and KFP says of a
        # run whose last task was reused neither that it succeeded nor that it failed.
        _fresh(detect)
