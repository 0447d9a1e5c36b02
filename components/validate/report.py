"""The HTML reports of this folder: findings first, then every feature at a glance."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import statistics_pb2

from kanaria.components.shared.outcome import Outcome
from kanaria.components.shared.report import html, svg_charts
from kanaria.components.validate import histograms
from kanaria.components.validate.comparators import by_name

MOST_BYTES_OF_FEATURES = 1_500_000
MOST_BYTES_OF_CHARTS = 1_300_000
MOST_REASONS = 300
MOST_NOTES = 300
MOST_LABEL = 40
MOST_SERIES = 3


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

Statistics = Mapping[str, statistics_pb2.DatasetFeatureStatisticsList]
Features = Sequence[histograms.Feature | None]


def _cut(value: str, most: int = MOST_LABEL) -> str:
    return value if len(value) <= most else f"{value[:most]}…"


def _chart(features: Features, names: Sequence[str]) -> html.Markup:
    is_text = any(f is not None and histograms.distinct(f) is not None for f in features)
    labels, shares = (histograms.categorical if is_text else histograms.numeric)(features)
    if not labels:
        return html.element("span", "no values", "note")
    series = [svg_charts.Series(name=n, ys=ys) for n, ys in zip(names, shares, strict=True)]
    return svg_charts.bars(series, [_cut(label) for label in labels])


def _cells(features: Features) -> tuple[str, str]:
    """Return what is missing and how many values are distinct in each data set."""
    missing = [f"{histograms.missing_share(f):.1%}" if f else "absent" for f in features]
    counts = [histograms.distinct(f) if f else None for f in features]
    shown = ["–" if c is None else str(c) for c in counts] if any(counts) else ["–"]
    return " / ".join(missing), " / ".join(shown)


class _Groups:
    """The data sets drawn together: the splits, and the first split beside its baselines."""

    def __init__(self, splits: Statistics, baselines: Statistics) -> None:
        first = next(iter(splits))
        self.all = {**splits, **baselines}
        self.groups = [list(splits)[:MOST_SERIES]]
        if baselines:
            self.groups.append([first, *baselines][:MOST_SERIES])
        self.features = {name: by_name(found) for name, found in self.all.items()}

    def names(self, flagged: set[str]) -> list[str]:
        """Return every feature's name, those with an anomaly first."""
        names = {name for found in self.features.values() for name in found}
        return sorted(names, key=lambda name: (name not in flagged, name))

    def of(self, name: str, sets: Sequence[str]) -> list[histograms.Feature | None]:
        """Return one feature in each of `sets`."""
        return [self.features[one].get(name) for one in sets]


def _legend(sets: Sequence[str]) -> html.Markup:
    return html.join(
        html.join([html.Markup(f'<span style="color:{color}">■</span> '), name, " "])
        for name, color in zip(sets, svg_charts.COLORS, strict=False)
    )


def _rows(groups: _Groups, flagged: set[str]) -> Iterator[list[object]]:
    """Yield one row a feature while they fit, without charts when these grow too large."""
    size = 0
    for name in groups.names(flagged):
        known = next(f for f in groups.of(name, list(groups.all)) if f is not None)
        kind = statistics_pb2.FeatureNameStatistics.Type.Name(known.type).lower()
        label = html.element("span", _cut(name, 80), "bad" if name in flagged else "")
        row: list[object] = [label, kind, *_cells(groups.of(name, list(groups.all)))]
        if size < MOST_BYTES_OF_CHARTS:
            row += [_chart(groups.of(name, sets), sets) for sets in groups.groups]
        else:
            row += [html.element("span", "not drawn", "note") for _ in groups.groups]
        size += sum(len(html.text(cell).encode()) + 30 for cell in row)
        if size > MOST_BYTES_OF_FEATURES:
            return
        yield row


def _features(groups: _Groups, flagged: set[str]) -> html.Markup:
    order = " / ".join(groups.all)
    legends = [_legend(sets) for sets in groups.groups]
    headers = ["feature", "type", f"missing ({order})", f"distinct ({order})", *legends]
    rows = list(_rows(groups, flagged))
    left_out = len(groups.names(flagged)) - len(rows)
    note = html.element("p", f"{left_out} more features are not shown.", "note") if left_out else ""
    hint = (
        "Bars are shares of values: common bins of a number, the outer ones open, or the most "
        "frequent values of a text. Point at a bar to read it."
    )
    return html.join([html.element("p", hint, "note"), html.table(headers, rows), note])


def _findings(outcome: Outcome, none: str) -> html.Markup:
    if not outcome.reasons:
        return html.element("p", none)
    rows = [
        [
            html.element("span", r.severity, "bad" if r.severity == "ERROR" else "warn"),
            _cut(r.subject, 80),
            r.split,
            r.kind,
            _cut(r.text, 400),
        ]
        for r in outcome.reasons[:MOST_REASONS]
    ]
    left_out = len(outcome.reasons) - len(rows)
    note = f"{left_out} more are in the outcome." if left_out else ""
    headers = ["severity", "feature", "split", "kind", "reason"]
    return html.join([html.table(headers, rows), html.element("p", note, "note")])


def _notes(notes: Sequence[str]) -> html.Markup:
    shown = [*notes[:MOST_NOTES]]
    if len(notes) > MOST_NOTES:
        shown.append(f"{len(notes) - MOST_NOTES} more are in the outcome.")
    items = html.join(html.element("li", _cut(note, 400)) for note in shown)
    return html.section("Distances and notes", html.element("ul", items)) if notes else items


def _data_sets(groups: _Groups) -> html.Markup:
    rows = [[name, found.datasets[0].num_examples] for name, found in groups.all.items()]
    return html.section("Data", html.table(["data set", "rows"], rows))


def render(words: Words, outcome: Outcome, splits: Statistics, baselines: Statistics) -> str:
    """Return the document, at most 2 MB.

    Args:
        words: what it is called.
        outcome: verdict, anomalies in order, distances as notes.
        splits: split name -> statistics, at least one; the first three are drawn together.
        baselines: name -> statistics, drawn beside the first split; may be empty.
    """
    groups = _Groups(splits, baselines)
    flagged = {reason.subject for reason in outcome.reasons}
    return html.page(
        words.title,
        html.verdict(outcome.passed, words.passed, words.failed),
        html.section(words.findings, _findings(outcome, words.none)),
        _notes(outcome.notes),
        _data_sets(groups),
        html.section("Features", _features(groups, flagged)),
    )
