"""A drift report as one self-contained HTML file, the twin of its JSON."""

from collections.abc import Iterator, Sequence

from kanaria.components.shared.html_report import markup
from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.html_page import MOST_BYTES, Page, Section
from kanaria.components.shared.html_report.table import Column, Table
from kanaria.components.shared.utf8_text import encodable
from kanaria.serving.drift.report import (
    feature_table,
    quality_charts,
    verdict_wording,
    window_charts,
)
from kanaria.serving.drift.report.detail_levels import DETAILS, MOST_TEXT, Detail, cut, first
from kanaria.serving.drift.report.verdict_wording import Light
from kanaria.serving.drift.report_records import Report, Watched, Window

MOST_WATCHED, MOST_ITEMS = 500, 50
CSS = {Light.GREEN: "good", Light.YELLOW: "warn", Light.RED: "bad"}
NOTE = "Times are UTC. Bands and intervals hold the true value with 95 %, each for a single look."
COLUMNS = (
    Column(title="watched"),
    Column(title="verdict", choices=True),
    Column(title="drifted features"),
    Column(title="tested features"),
    Column(title="share %", help="of the newest window's tested features that drifted"),
    Column(title="rows", help="of the newest window"),
    Column(title="in words"),
)


def render(report: Report) -> str:
    """Return the document, at most 2 MB; equal reports give equal text."""
    for detail in DETAILS[first(report.watched) :]:
        document = _document(report, detail, len(report.watched))
        if _fits(document):
            return document
    sections = len(report.watched)
    while not _fits(document) and sections:
        sections //= 2
        document = _document(report, DETAILS[-1], sections)
    return document


def _fits(document: str) -> bool:
    return len(document.encode()) <= MOST_BYTES


def _document(report: Report, detail: Detail, sections: int) -> str:
    left = len(report.watched) - sections
    lead = [
        markup.element("p", f"{verdict_wording.clock(report.created)} UTC. {NOTE}", "note"),
        _summary(report.watched),
        markup.element("p", f"Details of the last {left} are in the JSON only.", "note")
        if left
        else "",
    ]
    parts = [Section(cut(one.name), *_watched(one, detail)) for one in report.watched[:sections]]
    return encodable(Page(title=report.title, lead=lead, sections=parts).render())


def _summary(watched: Sequence[Watched]) -> object:
    if not watched:
        said = "No model version has had traffic that is watched."
        return markup.element("p", said, "verdict warn")
    if len(watched) > 1:
        return Table(
            columns=COLUMNS,
            rows=[_line(one) for one in watched],
            search="search what is watched",
            most=MOST_WATCHED,
            rest="more are in the JSON.",
            narrow="stack",
        )
    (one,) = watched
    said = f"{cut(one.name)}: {cut(verdict_wording.sentence(one), MOST_TEXT)}"
    return markup.element("p", said, f"verdict {CSS[verdict_wording.light(one)]}")


def _line(watched: Watched) -> list[object]:
    newest = watched.windows[-1] if watched.windows else None
    verdict = Cell(
        content=newest.verdict if newest else "no window", css=CSS[verdict_wording.light(watched)]
    )
    tested = newest.features if newest else ()
    share = window_charts.share(newest) if newest else None
    return [
        cut(watched.name),
        verdict,
        len(verdict_wording.drifted(newest)) if newest and tested else None,
        len(tested) or None,
        None if share is None else 100 * share,
        newest.rows if newest else None,
        Cell(content=cut(verdict_wording.sentence(watched), MOST_TEXT), css="text"),
    ]


def _watched(watched: Watched, detail: Detail) -> Iterator[object]:
    windows = watched.windows[-detail.windows :]
    if windows:
        labels = window_charts.axis(windows)
        yield from _newest(windows, labels, detail)
        yield from window_charts.heat_map(windows, labels, detail)
        yield from window_charts.verdicts(windows, labels)
        yield from window_charts.answers(windows, labels)
        yield from window_charts.volume(windows, labels)
    if watched.labels or any(window.estimated for window in windows):
        yield from quality_charts.content(
            watched.labels[-detail.windows :], windows, detail.windows
        )
    yield markup.element("h3", "Thresholds")
    yield markup.element("p", verdict_wording.thresholds(watched.windows))


def _newest(windows: Sequence[Window], labels: Sequence[str], detail: Detail) -> Iterator[object]:
    window = windows[-1]
    yield _facts(window)
    changes = verdict_wording.changes(window)
    if changes:
        yield markup.element("h3", "What changed")
        yield _items(markup.join([markup.element("b", cut(n or feature_table.ALL)), ": ",
                                cut(s, MOST_TEXT)]) for n, s in changes)  # fmt: skip
    if window.differences:
        yield markup.element("h3", "Differences of the schema")
        yield _items(cut(difference, MOST_TEXT) for difference in window.differences)
    if window.features:
        yield markup.element("h3", "Features by effect")
        yield markup.element("p", feature_table.HINT, "note")
        yield from feature_table.content(windows, labels, detail)


def _items(items: Iterator[str]) -> markup.Markup:
    elements = list(items)
    left = (
        [f"{len(elements) - MOST_ITEMS} more are in the JSON."]
        if len(elements) > MOST_ITEMS
        else []
    )
    return markup.element(
        "ul", markup.join(markup.element("li", item) for item in [*elements[:MOST_ITEMS], *left])
    )


def _facts(window: Window) -> markup.Markup:
    span = f"{verdict_wording.clock(window.begin)} – {verdict_wording.clock(window.end)} UTC"
    share = window_charts.share(window)
    said = [
        f"Newest window: {cut(window.name) or span}; {window.rows:,} rows",
        f"reference of {window.reference_rows:,} rows" if window.reference_rows else "",
        f"detector {window.detector}",
        f"p-value of the window {window.p_value:.3g}" if window.p_value is not None else "",
    ]
    drifted = (
        f"{len(verdict_wording.drifted(window))} of {len(window.features)} features drifted "
        f"({verdict_wording.percent(share)}). "
        if share is not None
        else ""
    )
    facts = "; ".join(part for part in said if part)
    return markup.element("p", markup.join([markup.element("b", drifted), facts]))
