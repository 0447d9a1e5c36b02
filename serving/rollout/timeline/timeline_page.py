"""The timeline of a rollout as one self-contained HTML file of at most 2 MB."""

from collections.abc import Iterator, Sequence

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.report import html
from kanaria.components.shared.times import clock, duration
from kanaria.serving.rollout.judgement.gates.registry import BY_NAME
from kanaria.serving.rollout.timeline import svg
from kanaria.serving.rollout.timeline.decision_table import Row, rows
from kanaria.serving.rollout.timeline.headline import Headline, Light, headline
from kanaria.serving.rollout.timeline.history import History, Totals
from kanaria.serving.rollout.timeline.panels import CONFIDENCE, panels
from kanaria.serving.rollout.timeline.phrases import compared, printable, share, still_needed
from kanaria.serving.rollout.timeline.steps import needed, steps

MOST_BYTES = 2_000_000
CUTS = (1000, 200, 60, 12)
"""Letters of a reason or a name; tried in this order until the page is small enough."""
LAMPS = {Light.GREEN: "var(--good)", Light.YELLOW: "var(--b)", Light.RED: "var(--bad)"}
CSS = {Light.GREEN: "good", Light.YELLOW: "warn", Light.RED: "bad"}
HEADERS = ("", "when (UTC)", "decision", "traffic", "by", "why", "canary", "stable")
STEP_HEADERS = ("step", "traffic", "began (UTC)", "lasted", "in this step alone")
MARKS = "Marks, with the number of the decision below: "
NOTE = (
    "Grey: no data. Times are UTC. Bands: "
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
    said, table, drawn = headline(history), rows(history.moments), panels(history)
    timeline = svg.svg(history, drawn, table)
    for most in CUTS:
        document = _document(history, said, timeline, table, most)
        if len(document.encode()) <= MOST_BYTES:
            break
    return document


def _document(
    history: History, said: Headline, timeline: html.Markup, table: Sequence[Row], most: int
) -> str:
    service = history.facts.get("service", "")
    return html.page(
        f"Rollout of {service}" if service else "Rollout",
        _verdict(said),
        _facts(history),
        html.section(
            "Timeline",
            timeline,
            html.element("p", html.join([MARKS, svg.key(), NOTE]), "note"),
        ),
        html.section("Steps", *_steps(history)),
        html.section(
            "Decisions",
            html.element("p", NUMBERS, "note"),
            html.table(HEADERS, [list(_cells(row, most)) for row in table]),
        ),
        html.section("Policy", html.element("pre", _policy(history))),
    )


def _verdict(said: Headline) -> html.Markup:
    lamps = "".join(
        f'<circle cx="{11 + 22 * n}" cy="11" r="8" stroke="{color}" stroke-width="2" '
        f'fill="{color if light is said.light else "none"}"/>'
        for n, (light, color) in enumerate(LAMPS.items())
    )
    return html.Markup(
        f'<svg width="66" height="22" role="img" aria-label="{said.light}">'
        f"<title>{said.light}</title>{lamps}</svg>"
        f"{html.element('p', _cut(said.sentence, CUTS[0]), f'verdict {CSS[said.light]}')}"
    )


def _facts(history: History) -> html.Markup:
    facts = history.facts
    span = (
        f"namespace {facts.get('namespace', '')}; started {clock(history.started)} UTC, last entry "
        f"{clock(history.ended)} UTC, {duration(history.ended - history.started)} later"
    )
    rows = [[which, facts.get(which, ""), facts.get(f"{which}_uri", "")] for which in REVISIONS]
    return html.join([html.element("p", span, "note"), html.table(("", "revision", "model"), rows)])


def _steps(history: History) -> Iterator[html.Markup]:
    """Yield what each step counted by itself, and what the one under way still needs."""
    rows = [
        [
            step.name,
            f"{step.percent} %",
            clock(step.started),
            duration(step.seconds),
            "; ".join(
                f"{BY_NAME[gate].word}: {compared(one)}" for gate, one in step.counts.items()
            ),
        ]
        for step in steps(history)
    ]
    yield html.table(STEP_HEADERS, rows)
    if said := still_needed(needed(history)):
        yield html.element("p", said, "note")


def _cells(row: Row, most: int) -> Iterator[object]:
    """Yield the cells of a row; a hold that lasted tells when it began, and its last reasons."""
    first, last = row.first, row.last
    verdict = last.decision.verdict
    yield row.number
    same = first is last
    yield clock(first.when) if same else f"{clock(first.when)} – {clock(last.when, '%H:%M:%S')}"
    yield _what(row)
    yield f"{verdict.percent} %"
    yield _cut(row.by, most)
    yield _cut("; ".join(verdict.reasons), most)
    yield _total(last.canary)
    yield _total(last.stable)


def _what(row: Row) -> object:
    if len(row.moments) > 1:
        return f"{row.what} × {len(row.moments):,}"
    return html.element("b", row.what) if row.marked else row.what


def _total(totals: Totals) -> str:
    if not totals.requests:
        return "–"
    return f"{totals.errors:,} of {totals.requests:,} ({share(totals.errors, totals.requests)})"


def _cut(text: str, most: int) -> str:
    return printable(text if len(text) <= most else f"{text[:most]}…")


def _policy(history: History) -> str:
    return yaml_text.dump(history.policy.model_dump(mode="json"))
