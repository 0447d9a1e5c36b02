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
    service_name: str,
    namespace: str = "default",
    query: str = "",
    column_types: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
    separator: str = ",",
    span: str = "latest",
    span_version: str = "latest",
    span_window: int = 1,
) -> None:
    """Fail the run when new data drifted from what the live model was trained on.

    Args:
        data: Files or patterns as train_and_deploy takes them, or a database's URI.
        service_name: Name of the InferenceService; its release holds the drift detector.
        namespace: Namespace of the InferenceService.
        query: SQL to read from the database; empty for files.
        column_types: Column name -> string, int64, float64 or timestamp, as the training has
            them; {} to find them all.
        separator: Character between the values of CSV files, such as ; or tab.
        span: latest, schedule-time, a number, a day, or a time (its day in UTC).
        span_version: latest of each span, or a number.
        span_window: How many spans up to and with that one.
    """
    deployed = resolve_deployed(service_name=service_name, namespace=namespace)
    found = resolve_span(
        data=data,
        span=span,
        version=span_version,
        window=span_window,
        schedule_time=dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER,
    )
    for task in (deployed, found):  # They read the world.
        task.set_caching_options(False)
    ingest = ingest_data(
        data=found.outputs["data"],
        span=found.outputs["span"],
        query=query,
        column_types=column_types,
        separator=separator,
        splits="serving=1",
    )
    detect_drift(
        examples=ingest.outputs["examples"],
        deployed=deployed.outputs["release"],
        fail_on_drift=True,
    )
