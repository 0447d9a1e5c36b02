"""Every metric of every slice: both models beside each other, with intervals and counts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kanaria.components.shared.artifacts.judged_metrics import Interval, Value
from kanaria.components.shared.html_report.cells import NOTHING, Cell, cut, number
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.html_page import Section
from kanaria.components.shared.html_report.specs import colors_of
from kanaria.components.shared.html_report.table import Column, Table

OVERALL = "overall"
COUNT = "example_count"
"""How TFMA's metric of a slice's rows begins; its weighted ones end otherwise."""
MOST_SLICES = 40
MOST_NAME = 60
MOST_METRIC = 100
"""Characters of a metric's name in a table; a chart and its choice have it whole."""
MOST_ROWS = 1200
MOST_METRICS = 12
BAND = 22
"""Pixels of a slice in the chart."""
WITHOUT = (
    "No confidence intervals: ask for them by options { compute_confidence_intervals { value: true "
    "} } in the EvalConfig."
)
DRAWN = tuple(
    Column(title=key, key=key)
    for key in ("metric", "slice", "model", "value", "low", "high", "rows")
)


MODEL = 2
"""Place of the model among them."""


def rows_of(values: Sequence[Value]) -> dict[str, float]:
    """Return slice -> its number of rows, where a metric counted them."""
    counts = [value for value in values if value.metric == COUNT and value.candidate is not None]
    return {value.slice: value.candidate or 0.0 for value in counts}


def shown(slice_name: str) -> str:
    """Return the name of a slice as a page shows it."""
    return cut(slice_name, MOST_NAME) or OVERALL


def difference(value: Value) -> float | None:
    """Return by how much the candidate's value is greater than the deployed model's."""
    if value.candidate is None or value.baseline is None:
        return None
    return value.candidate - value.baseline


def _interval(bounds: Interval | None) -> object:
    if bounds is None:
        return None
    low, high = bounds
    return Cell(content=f"{number(low)} to {number(high)}", value=high - low, css="short")


def table(values: Sequence[Value], counts: Mapping[str, float], *, sliced: bool = True) -> Table:
    """Return all values; columns that would be empty, or one slice's name alone, are left out."""
    columns = [
        Column(title="slice", choices=len({value.slice for value in values}) < MOST_SLICES),
        Column(title="metric", choices=sliced),
        Column(title="rows"),
        Column(title="candidate"),
        Column(title="its interval", help="95 %; sorted by its width"),
        Column(title="deployed"),
        Column(title="its interval", help="95 %; sorted by its width"),
        Column(title="difference", help="candidate less deployed"),
    ]
    rows = [
        [
            shown(value.slice),
            cut(value.metric, MOST_METRIC),
            counts.get(value.slice),
            value.candidate,
            _interval(value.candidate_interval),
            value.baseline,
            _interval(value.baseline_interval),
            difference(value),
        ]
        for value in values
    ]
    places = [i for i in range(len(columns)) if i in (1, 3) or any(r[i] is not None for r in rows)]
    places = places if sliced else [place for place in places if place != 0]
    return Table(
        columns=[columns[i] for i in places],
        rows=[[row[i] for i in places] for row in rows],
        search="search slices and metrics" if sliced else "",
        most=MOST_ROWS,
    )


def _points(value: Value, counts: Mapping[str, float]) -> list[list[object]]:
    sides = (
        ("candidate", value.candidate, value.candidate_interval),
        ("deployed", value.baseline, value.baseline_interval),
    )
    return [
        [
            value.metric,
            shown(value.slice),
            model,
            side_value,
            *(bounds or (None, None)),
            counts.get(value.slice),
        ]
        for model, side_value, bounds in sides
        if side_value is not None
    ]


def _is_drawn(value: Value) -> bool:
    sides = (value.candidate, value.baseline)
    return any(side is not None and math.isfinite(side) for side in sides)


def _shown(values: Sequence[Value], counts: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """Return the metrics, and the slices with most rows, that the chart has."""
    # A metric without any number would leave its axis without bounds.
    drawn = (value.metric for value in values if _is_drawn(value) and value.metric != COUNT)
    metrics = list(dict.fromkeys(drawn))
    slices = dict.fromkeys(value.slice for value in values)
    largest = sorted(slices, key=lambda name: (name != "", -counts.get(name, 0.0), name))
    return metrics[:MOST_METRICS], largest[:MOST_SLICES]


def spec(
    metrics: Sequence[str], slices: int, models: Iterable[str], *, counted: bool = True
) -> dict[str, Any]:
    """Return a chart of one metric at a time, which the reader chooses.

    Args:
        metrics: at least one.
        slices: how many there are.
        models: their names.
        counted: whether the rows of slices are known, which points are sized by.
    """
    tooltip = [{"field": column.key} for column in DRAWN]
    y = {"field": "slice", "type": "nominal", "sort": None, "title": None}
    shift = {"yOffset": {"field": "model", "type": "nominal"}}
    color = {"field": "model", "type": "nominal", "title": None, "scale": colors_of(models)}
    value = {"type": "quantitative", "scale": {"zero": False}, "title": None}
    encoding = {"y": y, "color": color, "tooltip": tooltip, **shift}
    rows = {"field": "rows", "type": "quantitative", "legend": None, "scale": {"range": [30, 200]}}
    size = {"size": rows} if counted else {}
    choice = {"input": "select", "options": list(metrics), "name": "metric "}
    return {
        "height": BAND * max(slices, 2),
        "params": [{"name": "chosen", "value": metrics[0], "bind": choice}],
        "transform": [
            {"filter": "datum.metric === chosen"},
            # An axis of no intervals at all would have no bounds.
            *(
                {"calculate": f"isValid(datum.{end}) ? datum.{end} : datum.value", "as": line_end}
                for end, line_end in (("low", "from"), ("high", "to"))
            ),
        ],
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {**encoding, "x": {**value, "field": "from"}, "x2": {"field": "to"}},
            },
            {
                "mark": {"type": "point", "filled": True, "opacity": 0.9},
                "encoding": {**encoding, "x": {**value, "field": "value"}, **size},
            },
        ],
    }


def section(values: Sequence[Value]) -> list[Section]:
    """Return the section of slices, none where there are no slices."""
    sliced = [value for value in values if value.slice]
    if not sliced:
        return []
    counts = rows_of(values)
    metrics, slices = _shown(values, counts)
    by_place = {(value.slice, value.metric): value for value in values}
    rows = [
        point
        for metric in metrics
        for name in slices
        if (name, metric) in by_place
        for point in _points(by_place[name, metric], counts)
    ]
    cut = len({value.slice for value in values}) > len(slices)
    title = f"Overall and the {len(slices) - 1} slices with most rows" if cut else ""
    drawn = []
    if rows:
        models = [str(row[MODEL]) for row in rows]
        chosen = spec(metrics, len(slices), models, counted=bool(counts))
        drawn = [Chart(spec=chosen, table=Table(columns=DRAWN, rows=rows), title=title)]
    has_intervals = any(value.candidate_interval for value in values)
    note = (
        "Lines are 95 % intervals; the larger a point, the more rows." if has_intervals else WITHOUT
    )
    return [Section("Slices", *drawn, table(sliced, counts), note=note)]


def overall(values: Sequence[Value]) -> Section:
    """Return the section of all rows."""
    whole = [value for value in values if not value.slice]
    return Section("Overall", table(whole, {}, sliced=False) if whole else NOTHING)
