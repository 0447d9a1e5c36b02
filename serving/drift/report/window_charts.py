"""A report's charts over windows: features, answers, volume. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.markup import Markup, element
from kanaria.components.shared.html_report.table import Column, Table
from kanaria.serving.drift import report_records
from kanaria.serving.drift.report import chart_specs
from kanaria.serving.drift.report.detail_levels import Detail, cut, distinct
from kanaria.serving.drift.report.feature_table import ALL, finite, ratio, result
from kanaria.serving.drift.report.verdict_wording import by_effect, clock, drifted, title
from kanaria.serving.drift.report_records import Window

MOST_LINES = 5
DAY = 86_400.0
HEAT = "Deeper: the effect is larger beside the least that matters. A red cell with a dot: drifted."
VERDICTS = {"drifted": "bad", "stable": "good"}
COLUMNS = (
    Column(title="window"),
    Column(title="verdict", choices=True),
    Column(title="drifted features"),
    Column(title="tested features"),
    Column(title="share %", help="of the tested features that drifted"),
    Column(title="rows"),
    Column(title="p-value", help="of the window as a whole"),
    Column(title="largest effect"),
    Column(title="of", help="the feature"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Values of the windows, in order; None where a window has none.

    Attributes:
        name: for the legend.
        values: one a window.
        band: (lower, upper) around each, or empty.
        dashed: the line is drawn in dashes.
    """

    name: str
    values: Sequence[float | None]
    band: Sequence[tuple[float, float] | None] = ()
    dashed: bool = False


def lines(
    heading: str, drawn: Sequence[Line], labels: Sequence[str], *, zero: bool = True
) -> object:
    """Return lines over windows; nothing where they have no value.

    Args:
        heading: with the unit.
        drawn: each with one value a label.
        labels: of the windows, no two equal.
        zero: whether the vertical axis begins at 0.
    """
    finite_lines = [
        line for line in drawn if any(finite(value) is not None for value in line.values)
    ]
    if not finite_lines:
        return ""
    names = distinct([line.name for line in finite_lines])
    dashed = next((n for n, line in zip(names, finite_lines, strict=True) if line.dashed), "")
    banded = any(pair for line in finite_lines for pair in line.band)
    rows = [
        [label, name, finite(value), *(map(finite, pair or (None, None)) if banded else ())]
        for name, line in zip(names, finite_lines, strict=True)
        for label, value, pair in zip(
            labels, line.values, line.band or [None] * len(labels), strict=True
        )
    ]
    columns = (*chart_specs.LINES, *(chart_specs.BANDS if banded else ()))
    spec = chart_specs.lines(names, labels, zero=zero, banded=banded, dashed=dashed)
    return Chart(spec=spec, table=Table(columns=columns, rows=rows), title=heading)


def axis(windows: Sequence[Window]) -> list[str]:
    """Return a label for each window, no two equal."""
    begins = [window.begin for window in windows if window.begin is not None and not window.name]
    if len(begins) == len(windows):
        return times(begins)
    return distinct([title(window, place) for place, window in enumerate(windows, 1)])


def times(begins: Sequence[float]) -> list[str]:
    """Return times no longer than tells them apart."""
    is_short = max(begins) - min(begins) < DAY
    return distinct([clock(b, "%H:%M:%S" if is_short else "%Y-%m-%d %H:%M") for b in begins])


def heat_map(windows: Sequence[Window], labels: Sequence[str], detail: Detail) -> Iterator[object]:
    """Yield features by windows, those of the newest window's largest effects."""
    tested = [window for window in windows if window.features]
    if not tested:
        return
    features = [feature.feature for feature in by_effect(tested[-1])][: detail.lines]
    names = distinct([name or ALL for name in features])
    features_by_window = [{f.feature: f for f in window.features} for window in windows]
    rows = [
        [name, label, *_heat(by_name[feature])]
        for name, feature in zip(names, features, strict=True)
        for label, by_name in zip(labels, features_by_window, strict=True)
        if feature in by_name
    ]
    yield element("h3", "Effect over time")
    yield element("p", HEAT, "note")
    yield Chart(
        spec=chart_specs.heat_map(names, labels), table=Table(columns=chart_specs.HEAT, rows=rows)
    )


def _heat(feature: report_records.Feature) -> list[object]:
    effect = feature.effect
    numbers = map(finite, (effect.value, effect.least, ratio(feature), feature.p_value))
    return [*numbers, result(feature)]


def share(window: Window) -> float | None:
    """Return the share of a window's tested features that drifted."""
    return len(drifted(window)) / len(window.features) if window.features else None


def verdicts(windows: Sequence[Window], labels: Sequence[str]) -> Iterator[object]:
    """Yield what was found of each window, the newest first."""
    yield element("h3", "Windows")
    if len(windows) > 1:
        shares = [Line(name="share", values=[share(window) for window in windows])]
        yield lines("share of features that drifted", shares, labels)
    rows = [_verdict(label, window) for label, window in zip(labels, windows, strict=True)]
    yield Table(columns=COLUMNS, rows=rows[::-1], search="search windows")


def _verdict(label: str, window: Window) -> list[object]:
    largest = next(iter(by_effect(window)), None)
    part = share(window)
    return [
        label,
        Cell(content=window.verdict, css=VERDICTS.get(window.verdict, "warn")),
        len(drifted(window)) if window.features else None,
        len(window.features) or None,
        None if part is None else 100 * part,
        window.rows,
        finite(window.p_value),
        finite(largest.effect.value) if largest else None,
        cut(largest.feature or ALL) if largest else None,
    ]


def answers(windows: Sequence[Window], labels: Sequence[str]) -> Iterator[object]:
    """Yield the classes and means of what the model answered."""
    columns = [{column.name: column for column in window.outputs} for window in windows]
    names = list(dict.fromkeys(name for held in columns for name in held))[:MOST_LINES]
    if names:
        yield element("h3", "Predictions over time")
    for name in names:
        of_name = [held.get(name) for held in columns]
        kinds = sorted({k for column in of_name if column for k in column.shares})
        drawn = [_class_share(kind, of_name) for kind in kinds[:MOST_LINES]]
        yield lines(f"{cut(name)}: share of the class", drawn, labels)
        means = [None if column is None else column.mean for column in of_name]
        yield lines(f"{cut(name)}: mean", [Line(name="mean", values=means)], labels, zero=False)


def _class_share(kind: str, columns: Sequence[report_records.Column | None]) -> Line:
    values = [column.shares.get(kind, 0.0) if column else None for column in columns]
    return Line(name=kind, values=values)


def volume(windows: Sequence[Window], labels: Sequence[str]) -> Iterator[object]:
    """Yield the rows, and the columns of which most is missing."""
    yield element("h3", "Rows and missing values over time")
    rows = Line(name="rows", values=[window.rows for window in windows])
    yield lines("rows of a window", [rows], labels)
    missing = [
        {c.name: c.missing / c.rows for c in (*w.inputs, *w.outputs) if c.rows} for w in windows
    ]
    worst: dict[str, float] = {}
    for held in missing:
        for name, part in held.items():
            worst[name] = max(worst.get(name, 0.0), part)
    names = sorted((name for name in worst if worst[name] > 0), key=lambda name: -worst[name])
    yield _missing(names, missing, labels)


def _missing(
    names: Sequence[str], missing: Sequence[dict[str, float]], labels: Sequence[str]
) -> object:
    if not names:
        return Markup(element("p", "No value is missing in any of these windows.", "note"))
    drawn = [Line(name=n, values=[held.get(n) for held in missing]) for n in names[:MOST_LINES]]
    of = f" of {cut(names[0])}" if len(names) == 1 else ""
    return lines(f"share of missing values{of}", drawn, labels)
