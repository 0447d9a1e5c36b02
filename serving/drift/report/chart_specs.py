"""Vega-Lite specifications of a drift report's charts. Pure.

Names of features, windows and series are text of data: they stand in domains alone.
"""

from collections.abc import Sequence
from typing import Any

from kanaria.components.shared.html_report.specs import colors_of
from kanaria.components.shared.html_report.table import Column

DRIFTED, NOT_DRIFTED, FEW_ROWS = "drifted", "not drifted", "not enough data"
RESULT: dict[str, Any] = {
    "field": "result",
    "type": "nominal",
    "title": None,
    "scale": {
        "domain": [DRIFTED, NOT_DRIFTED, FEW_ROWS],
        "range": ["var(--f)", "var(--a)", "var(--c)"],
    },
}
ROW = 18
"""Pixels of a feature."""
LINE = 150
"""Pixels of a chart of lines."""


def keyed(*keys: str) -> tuple[Column, ...]:
    """Return columns that a chart reads."""
    return tuple(Column(title=key.replace("_", " "), key=key) for key in keys)


def _tooltip(columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [{"field": column.key, "title": column.title} for column in columns]


def _windows(labels: Sequence[str]) -> dict[str, Any]:
    axis = {"labelAngle": 0, "labelOverlap": True, "labelSeparation": 8, "labelLimit": 130}
    scale = {"domain": list(labels)}
    return {"field": "window", "type": "ordinal", "title": None, "axis": axis, "scale": scale}


def _features(names: Sequence[str]) -> dict[str, Any]:
    return {"field": "feature", "type": "nominal", "title": None, "scale": {"domain": list(names)}}


HEAT = keyed("feature", "window", "effect", "least", "effect_/_least", "p_value", "result")
RATIO = "effect_/_least"


def heat_map(names: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Return features by windows: the deeper, the larger the effect beside the least that matters.

    Args:
        names: of the features, from top to bottom.
        labels: of the windows, from left to right.
    """
    place = {"x": _windows(labels), "y": _features(names), "tooltip": _tooltip(HEAT)}
    depth = {
        "field": RATIO,
        "type": "quantitative",
        "scale": {"domain": [0, 2], "range": [0.08, 1], "clamp": True},
        "legend": None,
    }
    return {
        "height": ROW * len(names),
        "layer": [
            {"mark": "rect", "encoding": {**place, "color": RESULT, "opacity": depth}},
            {
                "transform": [{"filter": {"field": "result", "equal": DRIFTED}}],
                "mark": {"type": "circle", "color": "var(--paper)", "size": 20, "opacity": 1},
                "encoding": place,
            },
        ],
    }


EFFECTS = keyed("feature", "effect", "low", "high", "least", "measure", "result")


def effects(names: Sequence[str]) -> dict[str, Any]:
    """Return an effect a feature with its interval, and a mark at the least that matters."""
    y, tooltip = _features(names), _tooltip(EFFECTS)
    x = {"type": "quantitative", "title": "effect; the mark is the least that matters"}
    least = {"x": {"field": "least", **x}, "y": y, "tooltip": tooltip}
    interval = {"x": {"field": "low", **x}, "x2": {"field": "high"}, "y": y, "color": RESULT}
    effect = {"x": {"field": "effect", **x}, "y": y, "color": RESULT, "tooltip": tooltip}
    return {
        "height": ROW * len(names),
        "usermeta": {"log": ["x"], "constant": 0.01},
        "layer": [
            {"mark": {"type": "tick", "thickness": 2, "color": "var(--ink)"}, "encoding": least},
            {"mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.6}, "encoding": interval},
            {"mark": {"type": "circle", "size": 60, "opacity": 1}, "encoding": effect},
        ],
    }


EFFECT_OVER_TIME = keyed("window", "effect", "least", "result")


def effect_over_time(labels: Sequence[str]) -> dict[str, Any]:
    """Return one feature's effect in each window, and the least that matters in dashes."""
    x, tooltip = _windows(labels), _tooltip(EFFECT_OVER_TIME)
    y = {"field": "effect", "type": "quantitative", "title": "effect"}
    least = {**y, "field": "least"}
    dashes = {"type": "line", "strokeDash": [4, 3], "strokeWidth": 1, "color": "var(--c)"}
    return {
        "layer": [
            {"mark": dashes, "encoding": {"x": x, "y": least}},
            {"mark": {"type": "line", "strokeWidth": 1.5}, "encoding": {"x": x, "y": y}},
            {
                "mark": {"type": "circle", "opacity": 1, "size": 22},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {**RESULT, "legend": None},
                    "tooltip": tooltip,
                },
            },
        ]
    }


LINES = keyed("window", "series", "value")
BANDS = keyed("low", "high")


def lines(
    names: Sequence[str], labels: Sequence[str], *, zero: bool, banded: bool, dashed: str = ""
) -> dict[str, Any]:
    """Return lines over windows, interrupted where a value is missing.

    Args:
        names: of the lines, at most as many as the page has colours.
        labels: of the windows, from left to right.
        zero: whether the vertical axis begins at 0.
        banded: whether the lines have bands.
        dashed: the line that is drawn in dashes; "" for none.
    """
    x = _windows(labels)
    y = {"type": "quantitative", "title": None, "scale": {"zero": zero}}
    color = {"field": "series", "type": "nominal", "title": None, "scale": colors_of(names)}
    color["legend"] = {"title": None} if len(names) > 1 else None
    dashes = [[6, 3] if name == dashed else [1, 0] for name in names]
    dash = {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": list(names), "range": dashes},
        "legend": color["legend"],
    }
    value = {"x": x, "y": {"field": "value", **y}, "color": color}
    tooltip = _tooltip([*LINES, *BANDS] if banded else LINES)
    layers = [
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {**value, "strokeDash": dash}},
        {
            "mark": {"type": "circle", "opacity": 1, "size": 36},
            "encoding": {**value, "tooltip": tooltip},
        },
    ]
    if banded:
        band = {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}, "color": color}
        layers.insert(0, {"mark": {"type": "area", "opacity": 0.16}, "encoding": band})
    return {"height": LINE, "layer": layers}


CALIBRATION = keyed("predicted", "observed", "rows")
UNIT = {"type": "quantitative", "scale": {"domain": [0, 1]}}


def calibration() -> dict[str, Any]:
    """Return predicted probabilities beside the share that came true."""
    x = {"field": "predicted", "title": "predicted probability", **UNIT}
    y = {"field": "observed", "title": "share that came true", **UNIT}
    ends = {"x": {"datum": 0}, "y": {"datum": 0}, "x2": {"datum": 1}, "y2": {"datum": 1}}
    return {
        "height": 260,
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [4, 4], "color": "var(--c)"}, "encoding": ends},
            {
                "mark": {"type": "line", "point": True},
                "encoding": {"x": x, "y": y, "tooltip": _tooltip(CALIBRATION)},
            },
        ],
    }
