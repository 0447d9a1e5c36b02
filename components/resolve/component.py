"""The KFP interfaces of resolve_span and resolve_deployed."""

from typing import NamedTuple

from kfp import dsl

from kanaria.components.shared.step_images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def resolve_span(
    data: str,
    span: str = "latest",
    version: str = "latest",
    window: int = 1,
    schedule_time: str = "",
    serving_statistics: str = "",
    reading: dict = {},  # noqa: B006  KFP takes a literal default and never mutates it.
) -> NamedTuple(  # type: ignore[valid-type]
    "Outputs",
    [
        ("data", str),
        ("span", str),
        ("span_files", list),
        ("serving_statistics", str),
        ("query", str),
        ("column_types", dict),
        ("separator", str),
        ("splits", str),
        ("key_column", str),
        ("time_column", str),
        ("examples_format", str),
    ],
):
    """Choose the spans of this run and pin their data by its content. Never cache this step.

    A token of a path stands for a span: {SPAN}, or a day as {YYYY}, {MM} and {DD}; {VERSION}
    beside it for a version. Without tokens all files are read.

    Args:
        data: Files or patterns separated by commas, or the URI of a database.
        span: latest, schedule-time, a number, a day as 2013-03-01, or a time (its day in UTC).
        version: latest of each span, or a number.
        window: How many spans up to and with that one; those without files are left out.
        schedule_time: Time of the schedule that started the run, as KFP's placeholder gives it.
        serving_statistics: URI of statistics of serving data, to be pinned too; or empty.
        reading: How ingest_data reads and splits the data, see the README; checked here and
            handed on entry by entry, since a pipeline cannot pick from a mapping.

    Returns:
        data: The files, with "#sha256=" and the fingerprint of their content.
        span: The span, "first..last" for several, empty without one.
        span_files: How many of the files, in their order, each span has, for ingest_data; none
            without spans.
        serving_statistics: The URI with "#sha256=" and the fingerprint of what lies there; or
            empty.
        query: Entry of reading, for ingest_data, as all that follow.
        column_types: Entry of reading.
        separator: Entry of reading.
        splits: Entry of reading.
        key_column: Entry of reading.
        time_column: Entry of reading.
        examples_format: Entry of reading.
    """
    from dataclasses import astuple

    from kanaria.components.resolve import reading_settings as how
    from kanaria.components.resolve import span as work
    from kanaria.components.resolve.span_choice import SpanRequest
    from kanaria.components.shared.storage.content_pin import pinned

    read = how.checked(reading)
    choice = SpanRequest(span=span, version=version, window=window, schedule_time=schedule_time)
    statistics = pinned("serving_statistics", serving_statistics)
    resolved = work.resolve_span(data, choice)
    return resolved.data, resolved.span, list(resolved.span_files), statistics, *astuple(read)


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def resolve_deployed(
    service: dict,
    warm_start: bool = False,
    delivery: dict = {},  # noqa: B006
    tracking: dict = {},  # noqa: B006
    run_id: str = "",
    pipeline_name: str = "",
) -> NamedTuple(  # type: ignore[valid-type]
    "Outputs",
    [
        ("release", str),
        ("base_model", str),
        ("prometheus_url", str),
        ("drift_server_url", str),
        ("verify_key", str),
    ],
):
    """Find the live release: the stable revision's, never the canary's. Never cache this step.

    What is wrong in a mapping is told here, in the first seconds of a run, and so is a tracking
    server that does not answer; the run is begun there.

    Args:
        service: What serves, as push_model takes it; its name and namespace say where to look.
        warm_start: Whether a training starts from the live model.
        delivery: How a release comes to its traffic, as push_model takes it; checked here.
        tracking: The MLflow server in which the run is logged, as push_model takes it; {} for none.
        run_id: dsl.PIPELINE_JOB_ID_PLACEHOLDER, by which the run is found again there; or empty.
        pipeline_name: Name of the pipeline, likewise; or empty.

    Returns:
        release: URI of the release folder (model, schema, statistics, drift detector), or an empty
            string when nothing is deployed.
        base_model: The same with warm_start, else an empty string, so that a training without it
            is reused whatever is deployed.
        prometheus_url: Entry of delivery, for rollout_model.
        drift_server_url: Entry of delivery, for rollout_model.
        verify_key: Text of the public key that releases must be signed for, of the file that
            delivery.verify_key or KANARIA_VERIFY_KEY names here; empty where neither does.
    """
    from kanaria.components.resolve import deployed_release, run_tracking

    spec, delivery_settings = deployed_release.checked(service, delivery, tracking)
    run_tracking.begin(tracking, run_id, pipeline_name)
    release = deployed_release.resolve_deployed(spec.name, spec.namespace)
    base_model = release if warm_start else ""
    urls = delivery_settings.prometheus_url, delivery_settings.drift_server_url
    return release, base_model, *urls, deployed_release.verify_key(delivery_settings)
