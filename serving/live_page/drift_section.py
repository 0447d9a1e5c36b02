"""Drift and quality as HTML. Pure."""

from collections.abc import Sequence

from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.content import Specs
from kanaria.components.shared.html_report.markup import Markup, element
from kanaria.components.shared.html_report.table import Table, columns
from kanaria.components.shared.times import DAY
from kanaria.serving.live_page.page_state import DRIFT, DriftState, Light, PageState, QualityState
from kanaria.serving.live_page.wording import ago, percent

LIGHTS = {
    Light.DRIFTED: ("▲ drifted", "bad"),
    Light.STABLE: ("● stable", "good"),
    Light.UNKNOWN: ("? not enough rows yet", "note"),
    Light.FAILED: ("✕ window not tested", "bad"),
    Light.BROKEN: ("✕ watch is broken", "bad"),
}
"""A shape and a word beside each colour."""
OLD_SECONDS = DAY
"""After which a window tells nothing of now: its version may not be served any more."""
NO_DRIFT_SERVER = (
    "No drift server is named and no store is here: start one with `kanaria drift serve`, and name "
    "it by --drift-server URL."
)


def drift(state: PageState) -> Markup:
    """Return all watches."""
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
    if one.window_age is not None and one.window_age > OLD_SECONDS:
        words, css = f"? was {one.light.value}, long ago", "note"
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


def quality(state: PageState) -> Markup:
    """Return what all versions are worth on their labels."""
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
