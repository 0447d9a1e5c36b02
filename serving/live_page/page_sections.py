"""The sections of the page as HTML, in the style of all pages. Pure."""

from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.content import Specs
from kanaria.components.shared.html_report.markup import Markup, element, join
from kanaria.components.shared.html_report.table import Table, columns
from kanaria.components.shared.times import clock, duration
from kanaria.serving.live_page.drift_section import drift, quality
from kanaria.serving.live_page.page_state import (
    DRIFT,
    ROLLOUTS,
    ROUTER,
    Condition,
    PageState,
    Source,
)
from kanaria.serving.live_page.rollout_section import rollouts
from kanaria.serving.live_page.service_section import services
from kanaria.serving.live_page.wording import ago

CONDITIONS = {
    Condition.FRESH: ("● answers", "good"),
    Condition.STALE: ("▲ stale", "warn"),
    Condition.AWAY: ("✕ away", "bad"),
}


def sections(state: PageState) -> dict[str, Markup]:
    """Return the sections by id, in order."""
    return {
        "sources": _sources(state),
        "services": _section("Services", state.sources.get(ROUTER), state.at, services(state)),
        "rollouts": _section("Rollouts", state.sources.get(ROLLOUTS), state.at, rollouts(state)),
        "drift": _section("Drift", state.sources.get(DRIFT), state.at, drift(state)),
        "quality": _section(
            "Quality by labels", state.sources.get(DRIFT), state.at, quality(state)
        ),
    }


def _section(title: str, source: Source | None, at: float, content: Markup) -> Markup:
    """Return a section, which says first whether what follows is of now."""
    heading = element("h2", title)
    if source is None or source.condition is Condition.FRESH:
        return join([heading, content])
    if source.age is None:
        return join([heading, _unread(source)])
    return join([heading, _stale(source, at, source.age), _outdated(content)])


def _outdated(content: Markup) -> Markup:
    return Markup(f'<div class="outdated">{content}</div>')


def _unread(source: Source) -> Markup:
    """Say that nothing is known, and why."""
    if not source.fault:
        return element("p", "It is being read.", "note")
    return element("p", f"✕ Nothing is known yet: {source.fault}", "verdict bad")


def _stale(source: Source, at: float, age: float) -> Markup:
    """Say of when the section is, and why it is not of now."""
    said = f"▲ Stale: what stands below is of {clock(at - age, '%H:%M:%S')} UTC, "
    said += f"{duration(age)} old. {source.fault}"
    return element("p", said.strip(), "verdict warn")


def _sources(state: PageState) -> Markup:
    rows = []
    for one in state.sources.values():
        words, css = CONDITIONS[one.condition]
        rows.append([one.name, Cell(content=words, css=css), one.place, ago(one.age), one.fault])
    table = Table(
        columns=columns("read from", "", "where", "last read", "why not now"),
        rows=rows,
        narrow="stack",
    )
    return table.markup(Specs())
