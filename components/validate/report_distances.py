"""The distances that comparators measured, beside their limits."""

from collections.abc import Sequence
from typing import Any

from kanaria.components.shared.html_report.cells import Cell, cut
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.html_page import Section
from kanaria.components.shared.html_report.table import Column, Table
from kanaria.components.validate.comparators import Distance
from kanaria.components.validate.report_data import ratio

MOST_ROWS = 1000
MOST_BARS = 40
BAR = 18
"""Pixels of a bar."""
HINT = "Largest first, in units of its limit; a distance above its limit is an anomaly."
COLUMNS = (
    Column(title="feature"),
    Column(title="kind", choices=True),
    Column(title="measure", choices=True),
    Column(title="split", choices=True),
    Column(title="distance"),
    Column(title="limit"),
    Column(title="distance / limit"),
    Column(title="result", choices=True),
)
DRAWN = (
    Column(title="comparison", key="name"),
    Column(title="distance", key="distance"),
    Column(title="limit", key="limit"),
    Column(title="result", key="result"),
)
NAMES: dict[str, Any] = {"field": "name", "type": "nominal", "sort": None, "title": None}
TOOLTIP = [{"field": name} for name in ("name", "distance", "limit", "result")]
COLOR = {
    "field": "result",
    "type": "nominal",
    "title": None,
    "scale": {"domain": ["within", "above"], "range": ["var(--a)", "var(--f)"]},
}
SPEC: dict[str, Any] = {
    "usermeta": {"log": ["x"], "constant": 0.001},
    "layer": [
        {
            "mark": "bar",
            "encoding": {
                "x": {
                    "field": "distance",
                    "type": "quantitative",
                    "title": "distance; the mark is its limit",
                },
                "y": NAMES,
                "color": COLOR,
                "tooltip": TOOLTIP,
            },
        },
        {
            "mark": {"type": "tick", "thickness": 2, "color": "var(--ink)"},
            "encoding": {
                "x": {"field": "limit", "type": "quantitative"},
                "y": NAMES,
                "tooltip": TOOLTIP,
            },
        },
    ],
}


def _result(distance: Distance) -> str:
    return "above" if ratio(distance) > 1 else "within"


def _row(distance: Distance) -> list[object]:
    comparator, result = distance.comparator, _result(distance)
    css = "bad" if result == "above" else ""
    return [
        cut(comparator.feature, 80),
        comparator.kind,
        comparator.measure,
        distance.split,
        distance.value,
        comparator.threshold,
        ratio(distance),
        Cell(content=result, css=css),
    ]


def _bar(distance: Distance) -> list[object]:
    comparator = distance.comparator
    name = f"{cut(comparator.feature)}, {distance.split}, {comparator.measure}"
    return [name, distance.value, comparator.threshold, _result(distance)]


def section(distances: Sequence[Distance]) -> Section:
    """Return the distances as a chart of the largest and a table of all."""
    if not distances:
        return Section("Distances", "None was measured.")
    ordered = sorted(distances, key=lambda one: (-ratio(one), str(one)))
    bars = Table(columns=DRAWN, rows=[_bar(one) for one in ordered[:MOST_BARS]])
    table = Table(
        columns=COLUMNS,
        rows=[_row(one) for one in ordered],
        search="search features",
        most=MOST_ROWS,
        rest="more are in the outcome.",
    )
    title = f"The {MOST_BARS} largest" if len(ordered) > MOST_BARS else ""
    return Section(
        "Distances",
        Chart(spec={**SPEC, "height": BAR * len(bars.rows)}, table=bars, title=title),
        table,
        note=HINT,
    )
