"""The HTML reports of this folder: findings first, distances, then every feature at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass

from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.components.shared.html_report import markup
from kanaria.components.shared.html_report.cells import Cell, cut
from kanaria.components.shared.html_report.html_page import Page, Section
from kanaria.components.shared.html_report.specs import legend
from kanaria.components.shared.html_report.table import Column, Group, Table, columns
from kanaria.components.validate import report_distances
from kanaria.components.validate.comparators import Distance
from kanaria.components.validate.report_data import Data, Judgements
from kanaria.components.validate.report_features import FeatureTable

MOST_BYTES_OF_FEATURES = 1_100_000
"""The page has 0.45 MB of style and scripts beside, and its findings."""
MOST_BYTES_WITH_CHARTS = 950_000
MOST_REASONS = 300
MOST_NOTES = 300
MOST_TEXT = 400
HINT = (
    "Bars are shares of values: common bins of a number, the outer ones open, or the most frequent "
    "values of a text, the first data set filled. Point at a bar to read it, click to enlarge."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What a report is called, and how it names its findings and its two verdicts."""

    title: str
    findings: str
    none: str
    passed: str
    failed: str


VALIDATION = Words(
    title="Data validation",
    findings="Anomalies",
    none="No anomalies.",
    passed="The data passed.",
    failed="The data did not pass.",
)
COMPARISON = Words(
    title="Data comparison",
    findings="Drift from the live release",
    none="None.",
    passed="The data passed.",
    failed="The data drifted from what the live release was trained on.",
)


def _finding(reason: Reason) -> list[object]:
    css = "bad" if reason.severity == "ERROR" else "warn"
    severity = Cell(content=reason.severity, css=css)
    return [
        severity,
        cut(reason.subject, 80),
        reason.split,
        reason.kind,
        Cell(content=cut(reason.text, MOST_TEXT), css="text"),
    ]


def _findings(outcome: Outcome, words: Words) -> Section:
    if not outcome.reasons:
        return Section(words.findings, words.none)
    headers = (
        Column(title="severity", choices=True),
        Column(title="feature"),
        Column(title="split", choices=True),
        Column(title="kind", choices=True),
        Column(title="reason"),
    )
    table = Table(
        columns=headers,
        rows=[_finding(reason) for reason in outcome.reasons],
        search="search findings",
        most=MOST_REASONS,
        rest="more are in the outcome.",
        narrow="stack",
    )
    return Section(words.findings, table)


def _notes(notes: Sequence[str]) -> list[Section]:
    shown = [cut(note, MOST_TEXT) for note in notes[:MOST_NOTES]]
    if len(notes) > MOST_NOTES:
        shown.append(f"{len(notes) - MOST_NOTES} more are in the outcome.")
    items = markup.join(markup.element("li", note) for note in shown)
    return [Section("Notes", markup.element("ul", items))] if notes else []


def _data_sets(data: Data) -> Section:
    rows = [[name, statistics.datasets[0].num_examples] for name, statistics in data.all.items()]
    left_out = len(data.all) - len(data.shown)
    note = f"The features of the last {left_out} are not shown." if left_out else ""
    return Section("Data", Table(columns=columns("data set", "rows"), rows=rows), note=note)


def _features(data: Data, judged: Judgements) -> list[Section]:
    """Return the numbers and the other features while they fit, and how many do not."""
    sections, size = [], 0
    for title, numeric in (("Numeric features", True), ("Other features", False)):
        features = FeatureTable(data=data, judged=judged, numeric=numeric)
        groups: list[Group] = []
        used = size
        for group, bytes_so_far in features.groups(
            MOST_BYTES_OF_FEATURES - used, MOST_BYTES_WITH_CHARTS - used
        ):
            groups.append(group)
            size = used + bytes_so_far
        if features.names:
            table = Table(
                columns=features.columns,
                rows=groups,
                search="search features",
                most=len(groups),
                narrow="pin",
            )
            left_out = len(features.names) - len(groups)
            rest = markup.element("p", f"{left_out} more features are not shown.", "note")
            sections.append(
                Section(title, legend(data.shown), table, rest if left_out else "", note=HINT)
            )
    return sections


def render(words: Words, outcome: Outcome, data: Data, distances: Sequence[Distance] = ()) -> str:
    """Return the document, at most 2 MB.

    Args:
        words: what it is called.
        outcome: verdict, anomalies in order, notes.
        data: the data sets and the schema in force.
        distances: what comparators measured; they are notes of the outcome, too.
    """
    measured = set(map(str, distances))
    judged = Judgements.of(outcome, distances)
    sections = [
        _findings(outcome, words),
        *([report_distances.section(distances)] if distances else []),
        *_notes([note for note in outcome.notes if note not in measured]),
        _data_sets(data),
        *_features(data, judged),
    ]
    verdict = markup.verdict(outcome.passed, words.passed, words.failed)
    return Page(title=words.title, lead=[verdict], sections=sections).render()
