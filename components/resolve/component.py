"""The KFP interfaces of resolve_span and resolve_deployed."""

from typing import NamedTuple

from kfp import dsl

from kanaria.components.shared.images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def resolve_span(
    data: str,
    span: str = "latest",
    version: str = "latest",
    window: int = 1,
    schedule_time: str = "",
    serving_statistics: str = "",
) -> NamedTuple(  # type: ignore[valid-type]
    "Outputs", [("data", str), ("span", str), ("serving_statistics", str)]
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

    Returns:
        data: The files, with "#sha256=" and the fingerprint of their content.
        span: The span, "first..last" for several, empty without one.
        serving_statistics: The URI with "#sha256=" and the fingerprint of what lies there; or
            empty.
    """
    from dataclasses import astuple

    from kanaria.components.resolve import span as work
    from kanaria.components.resolve.span_choice import Asked
    from kanaria.components.shared.pinned import pinned

    asked = Asked(span=span, version=version, window=window, schedule_time=schedule_time)
    statistics = pinned("serving_statistics", serving_statistics)
    return (*astuple(work.resolve_span(data, asked)), statistics)


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def resolve_deployed(
    service_name: str, namespace: str = "default", warm_start: bool = False
) -> NamedTuple("Outputs", [("release", str), ("base_model", str)]):  # type: ignore[valid-type]
    """Find the live release: the stable revision's, never the canary's. Never cache this step.

    Args:
        service_name: Name of the InferenceService.
        namespace: Its namespace.
        warm_start: Whether a training starts from the live model.

    Returns:
        release: URI of the release folder (model, schema, statistics, drift detector), or an empty
            string when nothing is deployed.
        base_model: The same with warm_start, else an empty string, so that a training without it
            is reused whatever is deployed.
    """
    from kanaria.components.resolve import deployed

    release = deployed.resolve_deployed(service_name, namespace)
    return release, release if warm_start else ""
