"""Every feature of the newest window: its effect, what it was, and what it was in time. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from kanaria.components.shared.html_report.cells import NOTHING, Cell, number
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.markup import Markup, element, join
from kanaria.components.shared.html_report.specs import legend, overlaid_bins, side_by_side
from kanaria.components.shared.html_report.table import Column, Table
from kanaria.serving.drift.report import chart_specs
from kanaria.serving.drift.report.chart_specs import DRIFTED, FEW_ROWS, NOT_DRIFTED
from kanaria.serving.drift.report.detail_levels import Detail, cut, distinct
from kanaria.serving.drift.report.verdict_wording import by_effect
from kanaria.serving.drift.report_records import Bars, Feature, Window
from kanaria.serving.drift.report_records import Column as Held

SETS = ("reference", "window")
CSS = {DRIFTED: "bad", FEW_ROWS: "warn", NOT_DRIFTED: ""}
ALL = "all features"
"""The name of a detector's result for all features together, which has none."""
HINT = (
    "Click a small chart to enlarge it; in time: effect, and in dashes the least that matters. "
    "Open an effect for its interval and limits. The reference's bars are what was expected."
)
COLUMNS = (
    Column(title="feature"),
    Column(title="result", choices=True),
    Column(title="values"),
    Column(title="in time"),
    Column(title="effect / least", help="beside the least that matters"),
    Column(title="effect"),
    Column(title="p-value"),
    Column(title="missing %", help="in the reference → in the window; sorted by the change"),
    Column(title="mean", help="in the reference → in the window; sorted by the change"),
)


def finite(value: float | None) -> float | None:
    """Return a number that can be drawn; None for one that is none."""
    return value if value is not None and math.isfinite(value) else None


def result(feature: Feature) -> str:
    """Return what was found of a feature, in words."""
    return DRIFTED if feature.drifted else NOT_DRIFTED if feature.enough else FEW_ROWS


def ratio(feature: Feature) -> float | None:
    """Return how many times the least that matters an effect is."""
    return finite(feature.effect.value / (feature.effect.least or 1.0))


def content(windows: Sequence[Window], labels: Sequence[str], detail: Detail) -> Iterator[object]:
    """Yield the chart of effects and the table of the newest window's features.

    Args:
        windows: at least one, in order.
        labels: of the windows, no two equal.
        detail: how much is shown.
    """
    shown = by_effect(windows[-1])[: detail.features]
    yield _effects(shown[: detail.lines])
    yield legend(SETS)
    in_time = _InTime(windows, labels)
    rows = [
        _row(feature, _drawn(feature, in_time) if place < detail.drawn else [_undrawn()] * 2)
        for place, feature in enumerate(shown)
    ]
    yield Table(columns=COLUMNS, rows=rows, search="search features", most=len(rows), narrow="pin")
    left = len(windows[-1].features) - len(shown)
    if left:
        yield element("p", f"{left} features of smaller effects are in the JSON only.", "note")


def _effects(shown: Sequence[Feature]) -> object:
    measured = [feature for feature in shown if finite(feature.effect.value) is not None]
    if not measured:
        return ""
    names = distinct([feature.feature or ALL for feature in measured])
    rows = [
        [
            name,
            *map(finite, (f.effect.value, f.effect.low, f.effect.high, f.effect.least)),
            f.effect.name,
            result(f),
        ]
        for name, f in zip(names, measured, strict=True)
    ]
    table = Table(columns=chart_specs.EFFECTS, rows=rows)
    return Chart(spec=chart_specs.effects(names), table=table, title="Largest effects")


def _row(feature: Feature, charts: Sequence[object]) -> list[object]:
    effect, outcome = feature.effect, result(feature)
    before, after = feature.reference, feature.window
    name = element("div", cut(feature.feature or ALL), CSS[outcome])
    return [
        Cell(content=name, css="name"),
        Cell(content=outcome, css=CSS[outcome]),
        *charts,
        ratio(feature),
        Cell(content=_effect(feature), value=effect.value),
        finite(feature.p_value),
        _change(_missing(before), _missing(after)),
        _change(finite(before.mean) if before else None, finite(after.mean) if after else None),
    ]


def _effect(feature: Feature) -> Markup:
    """Return an effect with its measure, and what it is judged by where the reader asks."""
    effect = feature.effect
    facts = (
        ("95 % interval from", effect.low),
        ("to", effect.high),
        ("least that matters", effect.least),
        ("limit of the p-value", feature.threshold),
        ("statistic", feature.statistic),
    )
    lines = [
        element("div", f"{name} {number(value)}", "short")
        for name, value in facts
        if value is not None and math.isfinite(value)
    ]
    size = NOTHING if finite(effect.value) is None else number(effect.value)
    summary = element("summary", f"{size} {effect.name}")
    return element("details", join([summary, *lines]))


def _change(before: float | None, after: float | None) -> object:
    """Return a number before and now, sorted by their difference; None where there is neither."""
    if before is None and after is None:
        return None
    shown = " → ".join(NOTHING if one is None else number(one) for one in (before, after))
    # What has no change is sorted last.
    change = math.nan if before is None or after is None else after - before
    return Cell(content=shown, value=change, css="number")


def _missing(held: Held | None) -> float | None:
    return 100 * held.missing / held.rows if held and held.rows else None


def _undrawn() -> Markup:
    return element("span", "not drawn", "note")


def _drawn(feature: Feature, in_time: "_InTime") -> list[object]:
    values = _values(feature.bars) if feature.bars else element("span", "not kept", "note")
    return [values, in_time.chart(feature.feature)]


def _values(bars: Bars) -> Chart:
    shares = [[round(share, 5) for share in row] for row in (bars.reference, bars.window)]
    if bars.kinds:
        columns = chart_specs.keyed("value", "s0", "s1")
        rows: list[list[object]] = [
            list(row) for row in zip(distinct(bars.kinds), *shares, strict=True)
        ]
        spec = side_by_side(SETS)
    else:
        columns = chart_specs.keyed("from", "to", "s0", "s1")
        rows = [
            [*ends, *row] for ends, *row in zip(pairwise(_edges(bars.edges)), *shares, strict=True)
        ]
        spec = overlaid_bins(SETS)
    named = [*columns[:-2], *(Column(title=s, key=f"s{n}") for n, s in enumerate(SETS))]
    return Chart(spec=spec, table=Table(columns=named, rows=rows), small=True)


def _edges(edges: Sequence[float]) -> list[float]:
    """Return edges with the digits that tell them apart, and two more."""
    step = edges[1] - edges[0]
    if step <= 0:
        return list(edges)
    digits = 2 - math.floor(math.log10(step))
    return [round(edge, digits) for edge in edges]


class _InTime:
    """The effects of each feature in all windows."""

    def __init__(self, windows: Sequence[Window], labels: Sequence[str]) -> None:
        self._features_of_windows = [{f.feature: f for f in window.features} for window in windows]
        self._labels = labels
        self._spec: Mapping[str, object] = chart_specs.effect_over_time(labels)

    def chart(self, name: str) -> object:
        """Return a feature's small chart."""
        rows = [
            [label, finite(feature.effect.value), feature.effect.least, result(feature)]
            for label, by_name in zip(self._labels, self._features_of_windows, strict=True)
            if (feature := by_name.get(name)) is not None
        ]
        if sum(row[1] is not None for row in rows) < 2:
            return element("span", "one window", "note")
        table = Table(columns=chart_specs.EFFECT_OVER_TIME, rows=rows)
        return Chart(spec=self._spec, table=table, small=True)
