"""Vega-Lite specifications of the charts that several pages draw. Pure."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from kanaria.components.shared.html_report.markup import Markup, element

COLORS = tuple(f"var(--{name})" for name in "abdefc")
"""Of several series, in order; the page's style defines them."""


def colors_of(names: Iterable[str]) -> dict[str, Any]:
    """Return the scale of the colours of series by their names, the page's colours in order."""
    domain = list(dict.fromkeys(names))
    return {"domain": domain, "range": list(COLORS[: len(domain)])}


def legend(names: Sequence[str]) -> Markup:
    """Return which colour stands for which name, for charts without a legend of their own."""
    marks = (
        f'<span><i style="background:{escape(color)}"></i>{element("span", name)}</span>'
        for name, color in zip(names, COLORS, strict=False)
    )
    return Markup(f'<p class="legend">{"".join(marks)}</p>')


def _tooltip(names: Sequence[str], *first: dict[str, Any]) -> list[dict[str, Any]]:
    shares = [{"field": f"s{place}", "title": name} for place, name in enumerate(names)]
    return [*first, *shares]


def overlaid_bins(names: Sequence[str]) -> dict[str, Any]:
    """Return histograms over each other: the first one filled, the outlines of the others.

    Args:
        names: of the data sets; their shares are the fields `s0`, `s1`, ..., over bins between the
            fields `from` and `to`.
    """
    tooltip = _tooltip(names, {"field": "from"}, {"field": "to"})
    layers = []
    for place in range(len(names)):
        color = COLORS[place % len(COLORS)]
        mark: dict[str, Any] = {"type": "bar", "binSpacing": 0}
        mark |= (
            {"filled": False, "stroke": color, "strokeWidth": 1.6}
            if place
            else {"color": color, "opacity": 0.45}
        )
        encoding = {
            "x": {"field": "from", "type": "quantitative", "bin": "binned", "title": None},
            "x2": {"field": "to"},
            "y": {"field": f"s{place}", "type": "quantitative", "title": "share of values"},
            "tooltip": tooltip,
        }
        layers.append({"mark": mark, "encoding": encoding})
    meta = {"log": ["y"], "constant": 0.001, "zoom": True, "names": list(names)}
    return {"layer": layers, "usermeta": meta}


def side_by_side(names: Sequence[str]) -> dict[str, Any]:
    """Return bars of each data set beside those of the others.

    Args:
        names: of the data sets; their shares are the fields `s0`, `s1`, ..., of values in the
            field `value`.
    """
    fields = [f"s{place}" for place in range(len(names))]
    color = {
        "field": "set",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": fields, "range": list(COLORS[: len(fields)])},
    }
    encoding = {
        "x": {"field": "value", "type": "nominal", "sort": None, "title": None},
        "xOffset": {"field": "set", "sort": fields},
        "y": {"field": "share", "type": "quantitative", "title": "share of values"},
        "color": color,
        "tooltip": _tooltip(names, {"field": "value"}),
    }
    return {
        "transform": [{"fold": fields, "as": ["set", "share"]}],
        "mark": "bar",
        "encoding": encoding,
        "usermeta": {"log": ["y"], "constant": 0.001, "names": list(names)},
    }
