"""The panels of a timeline as charts below each other, each over the same time. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.table import Column, Table
from kanaria.components.shared.times import clock
from kanaria.serving.rollout.timeline.decision_table import Row
from kanaria.serving.rollout.timeline.panel_curves import Curve, Panel
from kanaria.serving.rollout.timeline.panels import gaps
from kanaria.serving.rollout.timeline.record_history import History

MOST_LINES = 200
"""Lines of decisions through a panel, and marks; the table of decisions has them all."""
LEAST = 1e-300
"""Stands for 0 on a logarithmic axis, which ends far above."""
ROOM = 64
"""Pixels left of every panel, so that they stand exactly below each other."""
MILLISECOND = 1000
SHAPES = {
    "shift": ("triangle-up", "var(--a)"),
    "promote": ("diamond", "var(--good)"),
    "rollback": ("triangle-down", "var(--bad)"),
    "ask": ("circle", "var(--warn)"),
    "command": ("square", "var(--ink)"),
}
CLOCK = {"hours": "%H:%M", "minutes": "%H:%M"}
"""Labels of an axis of times, as d3 writes them; its own hours end at 12."""
LINE_KEY = {"symbolType": "stroke", "symbolStrokeWidth": 2, "symbolSize": 500, "symbolOpacity": 1}
Layer = dict[str, Any]


def panel_charts(history: History, panels: Sequence[Panel], rows: Sequence[Row]) -> Iterator[Chart]:
    """Yield the marks of what was done, then a chart a panel."""
    marked = [row for row in rows if row.marked][-MOST_LINES:]
    if marked:
        yield _marks(history, marked)
    behind = [*_no_data(history), *_lines(marked)]
    for panel in panels:
        yield _chart(history, panel, behind)


def _time(history: History) -> Layer:
    domain = [round(end * MILLISECOND) for end in (history.started, history.horizon)]
    scale = {"type": "utc", "domain": domain, "nice": False}
    axis = {"format": CLOCK}
    return {"field": "when", "type": "temporal", "title": None, "scale": scale, "axis": axis}


def _when(when: float) -> Cell:
    return Cell(content=clock(when), value=round(when * MILLISECOND))


def _marks(history: History, marked: Sequence[Row]) -> Chart:
    kinds = ["command" if row.last.who else str(row.last.decision.verdict.action) for row in marked]
    cells = [
        [_when(row.last.when), row.number, kind] for row, kind in zip(marked, kinds, strict=True)
    ]
    keyed = (("when (UTC)", "when"), ("number", "number"), ("what was done", "kind"))
    table = Table(columns=[Column(title=title, key=key) for title, key in keyed], rows=cells)
    shapes = {name: SHAPES[name] for name in SHAPES if name in kinds}
    domain = {"domain": list(shapes)}
    legend = {"field": "kind", "type": "nominal", "title": None}
    encoding = {
        "x": _time(history),
        "y": {"datum": "", "type": "nominal", "title": None, "axis": {"minExtent": ROOM}},
        "shape": {**legend, "scale": {**domain, "range": [shape for shape, _ in shapes.values()]}},
        "color": {**legend, "scale": {**domain, "range": [color for _, color in shapes.values()]}},
        "tooltip": _tooltip([("number", "decision"), ("kind", "what")]),
    }
    mark = {"type": "point", "filled": True, "size": 90, "opacity": 1}
    spec = {"height": 24, "mark": mark, "encoding": encoding}
    return Chart(spec=spec, table=table, title="What was done")


def _tooltip(fields: Sequence[tuple[str, str]], form: str = "") -> list[Layer]:
    time = {"field": "when", "type": "temporal", "title": "UTC", "format": "%d %b %H:%M:%S"}
    time["formatType"] = "utc"
    numbers = [{"field": key, "title": title} for key, title in fields]
    if form:
        numbers = [{**one, "type": "quantitative", "format": form} for one in numbers]
    return [time, *numbers]


def _no_data(history: History) -> Iterator[Layer]:
    """Yield a layer that shades the stretches without data."""
    values = [
        {"from": round(start * MILLISECOND), "to": round(end * MILLISECOND)}
        for start, end in gaps(history)
    ]
    if values:
        x = {"field": "from", "type": "temporal"}
        mark = {"type": "rect", "color": "var(--c)", "opacity": 0.25, "clip": True}
        encoding = {"x": x, "x2": {"field": "to"}}
        yield {"data": {"values": values}, "mark": mark, "encoding": encoding}


def _lines(marked: Sequence[Row]) -> Iterator[Layer]:
    """Yield a layer with a line at each time at which something was done."""
    times = sorted({round(row.last.when * MILLISECOND) for row in marked})
    if times:
        mark = {"type": "rule", "color": "var(--c)", "strokeDash": [1, 3]}
        values = [{"when": when} for when in times]
        encoding = {"x": {"field": "when", "type": "temporal"}}
        yield {"data": {"values": values}, "mark": mark, "encoding": encoding}


def _chart(history: History, panel: Panel, behind: Sequence[Layer]) -> Chart:
    time: Layer = {"field": "when", "type": "temporal"}
    values = _values(panel)
    names = [curve.name for curve in panel.curves]
    colors = _of_curve(names, [curve.color for curve in panel.curves])
    dashes = _of_curve(names, [_dash(curve) for curve in panel.curves])
    layers: list[Layer] = list(behind)
    for place, curve in enumerate(panel.curves):
        if curve.band:
            band = {"y": {**values, "field": f"low{place}"}, "y2": {"field": f"high{place}"}}
            mark: Layer = {"type": "area", "opacity": 0.16, "clip": True, "invalid": "filter"}
            color = {"datum": curve.name, **colors}
            layers.append({"mark": mark, "encoding": {"x": time, **band, "color": color}})
        mark = {"type": "line", "clip": True, "strokeWidth": 2, "invalid": "filter"}
        mark |= {"interpolate": "step-after"} if curve.stepped else {}
        encoding = {
            "x": time,
            "y": {**values, "field": f"y{place}"},
            "color": {"datum": curve.name, **colors},
            "strokeDash": {"datum": curve.name, **dashes},
        }
        layers.append({"mark": mark, "encoding": encoding})
    layers += [*_thresholds(panel, values), _pointed_at(_time(history), panel)]
    spec = {"height": panel.height, "layer": layers, "usermeta": {"zoom": True}}
    return Chart(spec=spec, table=_table(panel), title=panel.title)


def _values(panel: Panel) -> Layer:
    scale = panel.scale
    scale_spec = {"domain": [scale.low, scale.high], "nice": True}
    scale_spec |= {"type": "log", "clamp": True} if scale.logarithmic else {}
    axis = {"format": scale.form, "minExtent": ROOM, "maxExtent": ROOM, "tickCount": 4}
    return {"type": "quantitative", "title": None, "scale": scale_spec, "axis": axis}


def _of_curve(names: Sequence[str], values: Sequence[object]) -> Layer:
    scale = {"domain": list(names), "range": list(values)}
    return {"type": "nominal", "title": None, "scale": scale, "legend": LINE_KEY}


def _dash(curve: Curve) -> list[int]:
    return [int(part) for part in curve.dash.split()] or [1, 0]


def _thresholds(panel: Panel, values: Layer) -> Iterator[Layer]:
    """Yield the lines with their labels; the highest bears its label above, others below."""
    for rank, (value, label) in enumerate(sorted(panel.thresholds, reverse=True)):
        y = {key: value for key, value in values.items() if key != "field"} | {"datum": value}
        rule = {"type": "rule", "color": "var(--bad)", "strokeDash": [8, 4], "clip": True}
        yield {"mark": rule, "encoding": {"y": y}}
        text = {"type": "text", "color": "var(--bad)", "align": "left", "x": 6}
        text |= {"text": label, "dy": 9 if rank else -6}
        yield {"data": {"values": [{}]}, "mark": text, "encoding": {"y": y}}


def _pointed_at(time: Layer, panel: Panel) -> Layer:
    """Return a line at the time nearest to the pointer, which tells the values of all curves."""
    chosen = {"type": "point", "fields": ["when"], "nearest": True}
    chosen |= {"on": "pointermove", "clear": "pointerout"}
    fields = [(f"y{place}", curve.name) for place, curve in enumerate(panel.curves)]
    shown = {"condition": {"param": "at", "empty": False, "value": 0.7}, "value": 0}
    tooltip = _tooltip(fields, panel.scale.form if not panel.scale.logarithmic else ".4~g")
    return {
        "params": [{"name": "at", "select": chosen}],
        "mark": {"type": "rule", "color": "var(--ink)", "clip": True},
        "encoding": {"x": time, "opacity": shown, "tooltip": tooltip},
    }


def _table(panel: Panel) -> Table:
    """Return the numbers of all curves by time; a value that holds is told at every time."""
    columns = [Column(title="when (UTC)", key="when")]
    series: list[dict[tuple[float, int], tuple[float, ...]]] = []
    for place, curve in enumerate(panel.curves):
        columns.append(Column(title=curve.name, key=f"y{place}"))
        if curve.band:
            columns += [Column(title=end, key=f"{end}{place}") for end in ("low", "high")]
        series.append(_series(panel, curve))
    rows: list[list[object]] = []
    held: list[tuple[float, ...] | None] = [None] * len(series)
    for moment in sorted({moment for one in series for moment in one}):
        row: list[object] = [_when(moment[0])]
        for place, curve in enumerate(panel.curves):
            point = series[place].get(moment)
            held[place] = point or (held[place] if curve.stepped else None)
            row += held[place] or [None] * (3 if curve.band else 1)
        rows.append(row)
    return Table(columns=columns, rows=rows)


def _series(panel: Panel, curve: Curve) -> dict[tuple[float, int], tuple[float, ...]]:
    """Return the values, with their band, by time and by how often that time came before."""
    bands: list[tuple[float, ...]] = [(low, high) for _, low, high in curve.band]
    bands = bands or [()] * len(curve.points)
    points: dict[tuple[float, int], tuple[float, ...]] = {}
    times: Counter[float] = Counter()
    for (when, value), band in zip(curve.points, bands, strict=True):
        drawn = max(value, LEAST) if panel.scale.logarithmic else value
        points[when, times[when]] = tuple(float(f"{one:.5g}") for one in (drawn, *band))
        times[when] += 1
    return points
