"""Services and revisions as HTML. Pure."""

from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.content import Specs, written
from kanaria.components.shared.html_report.layout import Row
from kanaria.components.shared.html_report.markup import Markup, element, join
from kanaria.components.shared.html_report.table import Table, columns
from kanaria.components.shared.times import duration
from kanaria.serving.live_page.band_chart import Curve, chart
from kanaria.serving.live_page.page_state import PageState, RevisionState, ServiceState
from kanaria.serving.live_page.share_bar import share_bar
from kanaria.serving.live_page.wording import percent, percent_band, seconds, seconds_band

LEAST_ERRORS, LEAST_SECONDS = 0.01, 0.01
"""What the axes of charts reach up to at least."""


def services(state: PageState) -> Markup:
    """Return each service: its revisions in numbers, and their course."""
    if not state.services:
        return element("p", "No service is served.", "note")
    over = duration(state.window_seconds)
    note = (
        f"Of the newest 5 minutes, {over} of which were looked at. In brackets: 95 % intervals. "
        "Errors are answers of 500 and more, as shares of the requests."
    )
    parts = [element("p", note, "note"), *(_service(one) for one in state.services)]
    return join(parts)


def _service(service: ServiceState) -> Markup:
    titles = (
        "revision", "predictor", "share set", "share seen", "requests", "a second", "errors",
        "refused", "half within", "95 % within", "restarts",
    )  # fmt: skip
    table = Table(
        columns=columns(*titles), rows=[_revision(one) for one in service.revisions], narrow="pin"
    )
    fault = element("p", f"✕ {service.fault}", "bad") if service.fault else ""
    heading = element("h3", f"{service.namespace}/{service.name}")
    return join([heading, fault, table.markup(Specs()), written(_charts(service), Specs())])


def _revision(one: RevisionState) -> list[object]:
    ready = Cell(content="not told", css="note")
    if one.is_ready is not None:
        ready = (
            Cell(content="● ready", css="good")
            if one.is_ready
            else Cell(content="✕ away", css="bad")
        )
    return [
        Cell(content=one.name, css="name"),
        ready,
        share_bar(one.share_set),
        _written(percent_band(one.share_seen)),
        one.requests,
        None if one.per_second is None else round(one.per_second, 2),
        _written(percent_band(one.errors)),
        one.refused,
        _written(seconds_band(one.median)),
        _written(seconds_band(one.slow)),
        one.restarts,
    ]


def _written(text: str) -> Markup | None:
    """Return what is to stand in a cell, None for nothing."""
    return element("span", text, "short") if text else None


def _charts(service: ServiceState) -> Row:
    errors = [
        Curve(name=one.name, points=[(point.minutes, point.errors) for point in one.course])
        for one in service.revisions
    ]
    slow = [
        Curve(name=one.name, points=[(point.minutes, point.slow) for point in one.course])
        for one in service.revisions
    ]
    return Row(
        chart("Errors by minute, share of requests", errors, LEAST_ERRORS, percent),
        chart("95 % answered within, by minute", slow, LEAST_SECONDS, seconds),
    )
