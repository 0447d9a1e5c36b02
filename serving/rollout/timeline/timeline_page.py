"""The timeline of a rollout as one self-contained HTML file of at most 2 MB."""

from collections.abc import Iterator, Sequence

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.html_report import markup
from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.html_page import MOST_BYTES, Page, Section
from kanaria.components.shared.html_report.table import Column, Table, columns
from kanaria.components.shared.times import clock, duration
from kanaria.serving.rollout.judgement.gates.gate_registry import BY_NAME
from kanaria.serving.rollout.timeline.decision_table import Row, rows
from kanaria.serving.rollout.timeline.headline import Headline, Light, headline
from kanaria.serving.rollout.timeline.panel_charts import panel_charts
from kanaria.serving.rollout.timeline.panels import CONFIDENCE, panels
from kanaria.serving.rollout.timeline.phrases import compared, printable, share, still_needed
from kanaria.serving.rollout.timeline.record_history import History, Totals
from kanaria.serving.rollout.timeline.step_counts import Step, needed, steps

CUTS = (1000, 200, 60, 12, 6)
"""Letters of a reason or a name; tried in this order until the page is small enough."""
LAMPS = {Light.GREEN: "var(--good)", Light.YELLOW: "var(--b)", Light.RED: "var(--bad)"}
CSS = {Light.GREEN: "good", Light.YELLOW: "warn", Light.RED: "bad"}
COLUMNS = (
    Column(title="no."),
    Column(title="when (UTC)"),
    Column(title="decision", choices=True),
    Column(title="traffic", help="percent of the requests"),
    Column(title="by", choices=True),
    Column(title="why"),
    Column(title="canary", help="errors of requests since the start; sorted by their share"),
    Column(title="stable", help="errors of requests since the start; sorted by their share"),
)
STEP_HEADERS = ("step", "traffic", "began (UTC)", "lasted", "in this step alone")
NOTE = (
    "Point at a panel to read it at that time; dotted lines are decisions, grey is without data. "
    "Times are UTC. Bands: "
    f"{CONFIDENCE:.0%} Clopper-Pearson intervals, each valid for a single look; what decides are "
    "the e-values, which hold for all looks together. They are drawn within 0.001 and 1,000,000."
)
REVISIONS = ("canary", "stable")
NUMBERS = "Under canary and stable: errors of requests, counted since the start."


def render(history: History) -> str:
    """Return the document; equal histories give equal text.

    Every decision is in its table. Where these are very many, long reasons are cut, and curves
    are thinned in any case.
    """
    said, table = headline(history), rows(history.moments)
    charts = list(panel_charts(history, panels(history), table))
    for most in CUTS:
        document = _page(history, said, charts, table, most).render()
        if len(document.encode()) <= MOST_BYTES:
            break
    return document


def _page(
    history: History, said: Headline, charts: Sequence[Chart], table: Sequence[Row], most: int
) -> Page:
    service = history.facts.get("service", "")
    decisions = Table(
        columns=COLUMNS,
        rows=[list(_cells(row, most)) for row in table],
        search="search decisions",
        most=len(table),
        narrow="stack",
    )
    return Page(
        title=f"Rollout of {service}" if service else "Rollout",
        lead=[_verdict(said), *_facts(history)],
        sections=[
            Section("Steps", *_steps(history)),
            Section("Timeline", *charts, note=NOTE),
            Section("Decisions", decisions, note=NUMBERS),
            Section("Policy", markup.element("pre", _policy(history))),
        ],
    )


def _verdict(said: Headline) -> markup.Markup:
    lamps = "".join(
        f'<circle cx="{11 + 22 * n}" cy="11" r="8" stroke="{color}" stroke-width="2" '
        f'fill="{color if light is said.light else "none"}"/>'
        for n, (light, color) in enumerate(LAMPS.items())
    )
    return markup.Markup(
        f'<svg width="66" height="22" role="img" aria-label="{said.light}">'
        f"<title>{said.light}</title>{lamps}</svg>"
        f"{markup.element('p', _cut(said.sentence, CUTS[0]), f'verdict {CSS[said.light]}')}"
    )


def _facts(history: History) -> Iterator[object]:
    facts = history.facts
    span = (
        f"namespace {facts.get('namespace', '')}; started {clock(history.started)} UTC, last entry "
        f"{clock(history.ended)} UTC, {duration(history.ended - history.started)} later"
    )
    rows = [[which, facts.get(which, ""), facts.get(f"{which}_uri", "")] for which in REVISIONS]
    yield markup.element("p", span, "note")
    yield Table(columns=columns("", "revision", "model"), rows=rows, narrow="stack")


def _steps(history: History) -> Iterator[object]:
    """Yield what each step counted by itself, and what the one under way still needs."""
    rows = [
        [
            step.name,
            Cell(content=f"{step.percent} %", value=step.percent),
            clock(step.started),
            Cell(content=duration(step.seconds), value=step.seconds, css="short"),
            Cell(content=_counted(step), css="text"),
        ]
        for step in steps(history)
    ]
    yield Table(columns=columns(*STEP_HEADERS), rows=rows, narrow="stack")
    if said := still_needed(needed(history)):
        yield markup.element("p", said, "note")


def _counted(step: Step) -> str:
    """Return what each gate counted in a step alone."""
    said = [f"{BY_NAME[gate].word}: {compared(one)}" for gate, one in step.counts.items()]
    return "; ".join(said)


def _cells(row: Row, most: int) -> Iterator[object]:
    """Yield the cells of a row; a hold that lasted tells when it began, and its last reasons."""
    first, last = row.first, row.last
    verdict = last.decision.verdict
    yield row.number
    same = first is last
    yield clock(first.when) if same else f"{clock(first.when)} – {clock(last.when, '%H:%M:%S')}"
    yield _what(row)
    yield Cell(content=f"{verdict.percent} %", value=verdict.percent)
    yield _cut(row.by, most)
    yield Cell(content=_cut("; ".join(verdict.reasons), most), css="text")
    yield _total(last.canary)
    yield _total(last.stable)


def _what(row: Row) -> object:
    if len(row.moments) > 1:
        return f"{row.what} × {len(row.moments):,}"
    return markup.element("b", row.what) if row.marked else row.what


def _total(totals: Totals) -> Cell | None:
    if not totals.requests:
        return None
    text = f"{totals.errors:,} of {totals.requests:,} ({share(totals.errors, totals.requests)})"
    return Cell(content=text, value=float(f"{totals.errors / totals.requests:.5g}"))


def _cut(text: str, most: int) -> str:
    return printable(text if len(text) <= most else f"{text[:most]}…")


def _policy(history: History) -> str:
    return yaml_text.dump(history.policy.model_dump(mode="json"))
