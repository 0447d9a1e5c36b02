"""The sections of the page as HTML, in the style of all pages. Pure."""

from collections.abc import Callable, Sequence

from kanaria.components.shared.report.cells import Cell
from kanaria.components.shared.report.content import Specs, written
from kanaria.components.shared.report.html import Markup, element, join
from kanaria.components.shared.report.layout import Row
from kanaria.components.shared.report.table import Table, columns
from kanaria.components.shared.times import clock, duration
from kanaria.serving.live_page.band_chart import Curve, chart
from kanaria.serving.live_page.page_state import (
    DRIFT,
    ROLLOUTS,
    ROUTER,
    Condition,
    DriftState,
    Light,
    PageState,
    QualityState,
    RevisionState,
    RolloutState,
    ServiceState,
    Source,
)
from kanaria.serving.live_page.wording import ago, percent, percent_band, seconds, seconds_band

CONDITIONS = {
    Condition.FRESH: ("● answers", "good"),
    Condition.STALE: ("▲ stale", "warn"),
    Condition.AWAY: ("✕ away", "bad"),
}
LIGHTS = {
    Light.DRIFTED: ("▲ drifted", "bad"),
    Light.STABLE: ("● stable", "good"),
    Light.UNKNOWN: ("? not enough rows yet", "note"),
    Light.FAILED: ("✕ window not tested", "bad"),
    Light.BROKEN: ("✕ watch is broken", "bad"),
}
"""A shape and a word beside each colour."""
LEAST_ERRORS, LEAST_SECONDS = 0.01, 0.01
"""What the axes of charts reach up to at least."""
NO_DRIFT_SERVER = (
    "No drift server is named and no store is here: start one with `kanaria drift serve`, and name "
    "it by --drift-server URL."
)


def sections(state: PageState) -> dict[str, Markup]:
    """Return the sections by id, in order."""
    return {
        "sources": _sources(state),
        "services": _section("Services", state.sources.get(ROUTER), state.at, _services(state)),
        "rollouts": _section("Rollouts", state.sources.get(ROLLOUTS), state.at, _rollouts(state)),
        "drift": _section("Drift", state.sources.get(DRIFT), state.at, _drift(state)),
        "quality": _section(
            "Quality by labels", state.sources.get(DRIFT), state.at, _quality(state)
        ),
    }


def _section(title: str, source: Source | None, at: float, content: Markup) -> Markup:
    """Return a section, which says first whether what follows is of now."""
    warning = _warning(source, at) if source else Markup("")
    body = f'<div class="outdated">{content}</div>' if warning else content
    return join([element("h2", title), warning, Markup(body)])


def _warning(source: Source, at: float) -> Markup:
    if source.condition is Condition.FRESH:
        return Markup("")
    if source.age is None:
        why = source.fault or "it was not read yet"
        return element("p", f"✕ Nothing is known yet: {why}.", "verdict bad")
    said = f"▲ Stale: what stands below is of {clock(at - source.age, '%H:%M:%S')} UTC, "
    said += f"{duration(source.age)} old. {source.fault}"
    return element("p", said.strip(), "verdict warn")


def _sources(state: PageState) -> Markup:
    rows = []
    for one in state.sources.values():
        words, css = CONDITIONS[one.condition]
        rows.append(
            [one.name, Cell(content=words, css=css), one.place, ago(one.age), one.fault or None]
        )
    table = Table(
        columns=columns("read from", "", "where", "last read", "why not now"),
        rows=rows,
        narrow="stack",
    )
    return table.markup(Specs())


def _services(state: PageState) -> Markup:
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
        _bar(one.share_set),
        _of(percent_band, one.share_seen),
        one.requests,
        None if one.per_second is None else round(one.per_second, 2),
        _of(percent_band, one.errors),
        one.refused,
        _of(seconds_band, one.median),
        _of(seconds_band, one.slow),
        one.restarts,
    ]


def _of(words: Callable[[object], str], value: object) -> object:  # type: ignore[misc]
    """Return what is to stand in a cell, None for no value."""
    return None if value is None else Markup(f'<span class="short">{words(value)}</span>')


def _bar(share: float | None) -> object:
    if share is None:
        return None
    width = f"{100 * min(max(share, 0.0), 1.0):.4g}"
    return Markup(f'{percent(share)}<div class="span"><i style="width:{width}%"></i></div>')


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


def _rollouts(state: PageState) -> Markup:
    active = [one for one in state.rollouts if one.is_active]
    over = [one for one in state.rollouts if not one.is_active]
    parts = [_rollout(one) for one in active]
    if not active:
        parts.append(element("p", "No rollout is under way.", "note"))
    if over:
        rows = [
            [one.service, f"rollout {one.number}", one.phase, dict(one.rows)["last"]]
            for one in over
        ]
        parts.append(
            Table(columns=columns("over", "", "phase", "last"), rows=rows, narrow="stack").markup(
                Specs()
            )
        )
    return join(parts)


def _rollout(one: RolloutState) -> Markup:
    sign, css = ("? waits for a person", "warn") if one.needs_person else ("● under way", "good")
    heading = element("h3", f"{one.service}, rollout {one.number}")
    spent = dict(one.spent)
    rows = [
        [name, Cell(content=text, css="text"), _bar(spent.get(name)) if name in spent else None]
        for name, text in one.rows
    ]
    table = Table(
        columns=columns("", "", "of what evidence of harm may use up"), rows=rows, narrow="stack"
    )
    looked = f"{sign}; its numbers were read {ago(one.look_age)}"
    return join([heading, element("p", looked, f"verdict {css}"), table.markup(Specs())])


def _drift(state: PageState) -> Markup:
    if DRIFT not in state.sources:
        return element("p", NO_DRIFT_SERVER, "note")
    if not state.drift:
        return element("p", "No window was tested yet, and no watch is told of.", "note")
    titles = (
        "service",
        "version",
        "watch",
        "newest window",
        "newest three",
        "rows",
        "ended",
        "what drifted",
    )
    return Table(
        columns=columns(*titles), rows=[_watch(one) for one in state.drift], narrow="stack"
    ).markup(Specs())


def _watch(one: DriftState) -> Sequence[object]:
    words, css = LIGHTS[one.light]
    recent = ", ".join(f"{many} {verdict}" for verdict, many in one.recent.items() if many)
    return [
        one.service,
        one.version or None,
        one.detector,
        Cell(content=words, css=css),
        recent or None,
        one.rows,
        None if one.window_age is None else ago(one.window_age),
        Cell(content=", ".join(one.features) or None, css="text"),
    ]


def _quality(state: PageState) -> Markup:
    if DRIFT not in state.sources:
        return element("p", NO_DRIFT_SERVER, "note")
    if not state.quality:
        return element("p", "No version was judged by labels yet.", "note")
    titles = (
        "service",
        "version",
        "watch",
        "metric",
        "value",
        "95 % band",
        "expected before labels",
        "rows with label",
    )
    return Table(
        columns=columns(*titles), rows=[_metric(one) for one in state.quality], narrow="stack"
    ).markup(Specs())


def _metric(one: QualityState) -> Sequence[object]:
    band = None if one.low is None or one.high is None else f"{one.low:.4g} to {one.high:.4g}"
    metric = (
        Cell(content="✕ labels could not be judged", css="bad")
        if one.has_failed and not one.metric
        else one.metric
    )
    return [
        one.service,
        one.version,
        one.detector,
        metric,
        one.value,
        band,
        one.expected,
        None if one.coverage is None else percent(one.coverage),
    ]
