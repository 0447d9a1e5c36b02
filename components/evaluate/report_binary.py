"""A binary classifier: ROC, precision and recall, calibration with bands, and thresholds."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kanaria.components.evaluate.curves import Curves
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.html_page import Section
from kanaria.components.shared.html_report.layout import Row
from kanaria.components.shared.html_report.specs import colors_of
from kanaria.components.shared.html_report.table import Column, Table
from kanaria.components.shared.wilson_interval import wilson

UNIT = {"type": "quantitative", "scale": {"domain": [0, 1]}}


def _precision(curve: Curves, true: float, false: float) -> float | None:
    """Return the precision of a point of the ROC curve; None where it takes no row."""
    taken = true * curve.positives + false * curve.negatives
    return true * curve.positives / taken if taken else None


def _points(models: Mapping[str, Curves]) -> Iterator[list[object]]:
    for name, curve in models.items():
        points = zip(
            curve.threshold, curve.false_positive_rate, curve.true_positive_rate, strict=False
        )
        for threshold, false, true in points:
            shown = [round(each, 5) for each in (threshold, false, true)]
            precision = _precision(curve, true, false)
            yield [name, *shown, None if precision is None else round(precision, 5)]


def _columns(*keys: str) -> tuple[Column, ...]:
    return tuple(Column(title=key.replace("_", " "), key=key) for key in keys)


CURVE = _columns("model", "threshold", "false_positive_rate", "recall", "precision")
DIAGONAL = {
    "data": {"values": [{"at": 0}, {"at": 1}]},
    "mark": {"type": "line", "color": "var(--c)", "strokeDash": [4, 4], "strokeWidth": 1},
    "encoding": {"x": {"field": "at", **UNIT}, "y": {"field": "at", **UNIT}},
}


def _color(models: Iterable[str]) -> dict[str, Any]:
    return {"field": "model", "type": "nominal", "title": None, "scale": colors_of(models)}


def _curve(x: str, y: str, models: Iterable[str]) -> dict[str, Any]:
    tooltip = [{"field": column.key} for column in CURVE]
    line = {
        "mark": {"type": "line", "point": {"size": 12}, "strokeWidth": 2},
        "encoding": {
            "x": {"field": x, "title": x.replace("_", " "), **UNIT},
            "y": {"field": y, "title": y, **UNIT},
            "order": {"field": "threshold", "sort": "descending"},
            "color": _color(models),
            "tooltip": tooltip,
        },
    }
    layers = [line, DIAGONAL] if x == "false_positive_rate" else [line]
    return {"height": 320, "layer": layers, "usermeta": {"zoom": True}}


BINS = _columns("model", "mean_prediction", "positive_rate", "low", "high", "rows")


def _calibration(models: Iterable[str]) -> dict[str, Any]:
    color = _color(models)
    return {
        "height": 320,
        "usermeta": {"zoom": True},
        "layer": [
            {
                "mark": {"type": "errorband", "opacity": 0.2},
                "encoding": {
                    "x": {"field": "mean_prediction", "title": "mean prediction", **UNIT},
                    "y": {"field": "low", "title": "rate of positive labels", **UNIT},
                    "y2": {"field": "high"},
                    "color": color,
                },
            },
            {
                "mark": {"type": "line", "point": {"size": 40}, "strokeWidth": 2},
                "encoding": {
                    "x": {"field": "mean_prediction", **UNIT},
                    "y": {"field": "positive_rate", **UNIT},
                    "color": color,
                    "tooltip": [{"field": column.key} for column in BINS],
                },
            },
            DIAGONAL,
        ],
    }


def _bins(models: Mapping[str, Curves]) -> Iterator[list[object]]:
    for name, curve in models.items():
        # An older evaluation did not count the rows of its bins.
        rows = curve.bin_rows or [0.0] * len(curve.mean_prediction)
        for mean, rate, count in zip(curve.mean_prediction, curve.positive_rate, rows, strict=True):
            bounds = wilson(rate, count) if count else (None, None)
            yield [name, mean, rate, *bounds, count or None]


THRESHOLDS = (
    Column(title="model", choices=True),
    Column(title="threshold", help="a row is positive if it predicts that or more"),
    Column(title="precision"),
    Column(title="recall"),
    Column(title="F1"),
    Column(title="accuracy"),
    Column(title="false positive rate"),
    Column(title="true positives"),
    Column(title="false positives"),
    Column(title="false negatives"),
    Column(title="true negatives"),
)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _thresholds(models: Mapping[str, Curves]) -> Iterator[list[object]]:
    for name, curve in models.items():
        for at, true, false in zip(
            curve.at, curve.true_positives, curve.false_positives, strict=True
        ):
            missed, spared = curve.positives - true, curve.negatives - false
            yield [
                name,
                at,
                _share(true, true + false),
                _share(true, curve.positives),
                _share(2 * true, 2 * true + false + missed),
                _share(true + spared, curve.positives + curve.negatives),
                _share(false, curve.negatives),
                *(true, false, missed, spared),
            ]


def sections(models: Mapping[str, Curves]) -> list[Section]:
    """Return the sections of a binary classifier; none of another model."""
    if not models:
        return []
    points = Table(columns=CURVE, rows=list(_points(models)))
    roc = Chart(spec=_curve("false_positive_rate", "recall", models), table=points, title="ROC")
    spec = _curve("recall", "precision", models)
    recall = Chart(spec=spec, table=points, title="Precision and recall")
    bins = Table(columns=BINS, rows=list(_bins(models)))
    table = Table(columns=THRESHOLDS, rows=list(_thresholds(models)))
    return [
        Section("Curves", Row(roc, recall)),
        Section(
            "Calibration",
            Chart(spec=_calibration(models), table=bins),
            note="Bands are 95 % intervals of the rate in each tenth (Wilson).",
        ),
        Section("Thresholds of the score", table),
    ]
