"""What TFMA's plots show of models that are no binary classifiers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from kanaria.components.evaluate.plots import Buckets, Matrix
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.html_page import Section
from kanaria.components.shared.html_report.layout import Row
from kanaria.components.shared.html_report.specs import colors_of
from kanaria.components.shared.html_report.table import Column, Table

MOST_CLASSES = 60
MOST_CLASSES_WITH_TEXT = 15
CELL, CELL_WITHOUT_TEXT = 26, 10
"""Pixels of a class."""
MOST_COLOUR = 0.55
"""Of a cell, on which its number is read in light and in dark."""
PAIRS = tuple(Column(title=key, key=key) for key in ("actual", "predicted", "rows", "share"))
RESIDUALS = tuple(
    Column(title=key.replace("_", " "), key=key)
    for key in ("model", "mean_prediction", "mean_label", "residual", "rows")
)


def _class(number: int) -> str:
    return "none" if number < 0 else str(number)


def _matrix_spec(classes: list[int]) -> dict[str, Any]:
    names = [_class(number) for number in classes]
    with_text = len(classes) <= MOST_CLASSES_WITH_TEXT
    place = {"type": "ordinal", "scale": {"domain": names}}
    axis = {"labelAngle": 0, "labelOverlap": True}
    x = {"field": "predicted", "title": "predicted", "axis": axis, **place}
    y = {"field": "actual", "title": "actual", "axis": axis, **place}
    tooltip = [{"field": column.key} for column in PAIRS]
    opacity = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "range": [0.04, MOST_COLOUR if with_text else 1]},
        "legend": None,
    }
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rect", "color": "var(--a)"},
            "encoding": {"x": x, "y": y, "opacity": opacity, "tooltip": tooltip},
        }
    ]
    if with_text:
        text = {"field": "rows", "type": "quantitative", "format": ",.5~g"}
        layers.append(
            {
                "mark": {"type": "text", "fontSize": 11},
                "encoding": {"x": x, "y": y, "text": text, "tooltip": tooltip},
            }
        )
    height = CELL if with_text else CELL_WITHOUT_TEXT
    return {"height": height * max(len(classes), 4), "layer": layers}


def _matrix(title: str, matrix: Matrix) -> Chart:
    pairs = list(zip(matrix.actual, matrix.predicted, matrix.rows, strict=True))
    totals: Counter[int] = Counter()
    for actual, predicted, rows in pairs:
        totals[actual] += rows  # type: ignore[assignment]
        totals[predicted] += 0
    # Where not all can be drawn, the classes with most rows are.
    drawn = {number for number, _ in totals.most_common(MOST_CLASSES)}
    shown = [
        [_class(actual), _class(predicted), rows, round(rows / totals[actual], 5)]
        for actual, predicted, rows in sorted(pairs)
        if {actual, predicted} <= drawn
    ]
    classes = sorted(drawn, key=lambda number: (number < 0, number))
    left_out = len(totals) - len(drawn)
    title += f", {left_out} classes with fewer rows are left out" if left_out else ""
    return Chart(spec=_matrix_spec(classes), table=Table(columns=PAIRS, rows=shown), title=title)


def matrices(models: Mapping[str, Matrix]) -> list[Section]:
    """Return the section of the confusion matrices; none where none was plotted."""
    if not models:
        return []
    note = "The stronger a cell's colour, the larger its share of the rows with that label."
    charts = [_matrix(name, matrix) for name, matrix in models.items()]
    return [Section("Confusion matrix", Row(*charts), note=note)]


def residuals(models: Mapping[str, Buckets]) -> list[Section]:
    """Return the section of labels less predictions; none where no calibration was plotted."""
    if not models:
        return []
    rows = [
        [name, prediction, label, label - prediction, count]
        for name, buckets in models.items()
        for prediction, label, count in zip(
            buckets.mean_prediction, buckets.mean_label, buckets.rows, strict=True
        )
    ]
    chart = Chart(spec=_residual_spec(models), table=Table(columns=RESIDUALS, rows=rows))
    note = "Mean of label less prediction, by prediction; the larger a point, the more rows."
    return [Section("Residuals", chart, note=note)]


def _residual_spec(models: Iterable[str]) -> dict[str, Any]:
    x = {"field": "mean_prediction", "title": "mean prediction", "type": "quantitative"}
    size = {"field": "rows", "type": "quantitative", "legend": None, "scale": {"range": [20, 200]}}
    color = {"field": "model", "type": "nominal", "title": None, "scale": colors_of(models)}
    points = {
        "mark": {"type": "point", "filled": True, "opacity": 0.8},
        "encoding": {
            "x": {**x, "scale": {"zero": False}},
            "y": {"field": "residual", "type": "quantitative", "title": "mean residual"},
            "size": size,
            "color": color,
            "tooltip": [{"field": column.key} for column in RESIDUALS],
        },
    }
    zero = {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"y": {"datum": 0}}}
    return {"height": 320, "layer": [points, zero], "usermeta": {"zoom": True}}
