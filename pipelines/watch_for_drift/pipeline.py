"""The pipeline that compares new data with the live model's training rows."""

from kfp import dsl

from kanaria.components import (
    detect_drift,
    ingest_data,
    resolve_deployed,
    resolve_span,
)


@dsl.pipeline(name="watch-for-drift")
def watch_for_drift(
    data: str,
    service: dict,
    reading: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    span: str = "latest",
    span_version: str = "latest",
    span_window: int = 1,
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
    """
    deployed = resolve_deployed(service=service)
    found = resolve_span(
        data=data,
        span=span,
        version=span_version,
        window=span_window,
        schedule_time=dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER,
        reading=reading,
    )
    for task in (deployed, found):  # They read the world.
        task.set_caching_options(False)
    ingest = ingest_data(
        data=found.outputs["data"],
        span=found.outputs["span"],
        query=found.outputs["query"],
        column_types=found.outputs["column_types"],
        separator=found.outputs["separator"],
        splits="serving=1",
    )
    detect_drift(
        examples=ingest.outputs["examples"],
        deployed=deployed.outputs["release"],
        fail_on_drift=True,
    )
