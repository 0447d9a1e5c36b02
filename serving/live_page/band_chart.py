"""Curves with their bands as a small SVG: a page that changes all the time redraws it. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from kanaria.components.shared.html_report.markup import Markup, element, join
from kanaria.components.shared.html_report.specs import COLORS
from kanaria.serving.live_page.band import Band

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 520.0, 130.0, 58.0, 20.0, 8.0
DASHES = ("", "7 3", "2 3", "9 2 2 2", "5 2 1 2", "1 2")
MARKS = ("M-3-3H3V3H-3Z", "M0-4L4 3H-4Z", "M0-4L4 0L0 4L-4 0Z")
"""Dashes and shapes stand beside the colours: curves are told apart without them too."""
MINUTES = 30.0
HEADROOM = 1.5
"""Of the highest value; a band of few requests may leave the chart above."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A name, and points: minutes from now (0 or less) and a number, None where there is none."""

    name: str
    points: Sequence[tuple[float, Band | None]]


def chart(
    title: str, curves: Sequence[Curve], least: float, written: Callable[[float], str]
) -> Markup:
    """Return a figure.

    Args:
        title: of it.
        curves: the last ones are drawn, as many as there are dashes.
        least: the axis reaches up to this at least.
        written: how a number of the axis is written.
    """
    drawn = curves[-len(DASHES) :]
    values = [band.value for one in drawn for _, band in one.points if band is not None]
    top = max([least, *(HEADROOM * value for value in values)])
    lines = join(_curve(one, place, top) for place, one in enumerate(drawn))
    label = f"{title}: {'; '.join(_last(one, written) for one in drawn)}"
    legend = join(_legend(one, place) for place, one in enumerate(drawn))
    return Markup(
        f'<figure class="live">{element("figcaption", title)}'
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(label)}">'
        f"{_axes(top, written)}{lines}</svg>"
        f'<p class="legend">{legend}</p></figure>'
    )


def _x(minutes: float) -> float:
    return LEFT + (WIDTH - LEFT - 4) * (1 + minutes / MINUTES)


def _y(value: float, top: float) -> float:
    share = min(max(value / top, 0.0), 1.0)
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)


def _axes(top: float, written: Callable[[float], str]) -> Markup:
    parts = []
    for value in (0.0, top / 2, top):
        y = _y(value, top)
        parts.append(f'<path class="grid" d="M{LEFT:g} {y:.1f}H{WIDTH - 4:g}"/>')
        parts.append(
            f'<text x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">'
            f"{escape(written(value))}</text>"
        )
    for minutes, text, anchor in ((-MINUTES, "30 min ago", "start"), (0.0, "now", "end")):
        parts.append(
            f'<text x="{_x(minutes):.1f}" y="{HEIGHT - 4:g}" text-anchor="{anchor}">{text}</text>'
        )
    return Markup("".join(parts))


def _curve(curve: Curve, place: int, top: float) -> Markup:
    """Draw one; where there is no number it is interrupted."""
    parts = []
    for run in _runs(curve.points):
        line = " ".join(f"{_x(x):.1f},{_y(band.value, top):.1f}" for x, band in run)
        highs = [f"{_x(x):.1f},{_y(band.high, top):.1f}" for x, band in run]
        lows = [f"{_x(x):.1f},{_y(band.low, top):.1f}" for x, band in reversed(run)]
        color = COLORS[place]
        parts.append(
            f'<polygon points="{" ".join([*highs, *lows])}" fill="{color}" fill-opacity=".16"/>'
            f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.8" '
            f'stroke-dasharray="{DASHES[place]}" stroke-linejoin="round"/>'
        )
        if len(run) == 1:
            parts.append(f'<path d="M{highs[0]}L{lows[0]}" stroke="{color}" stroke-width="1.2"/>')
        x, band = run[-1]
        parts.append(_mark(place, _x(x), _y(band.value, top)))
    return Markup("".join(parts))


def _mark(place: int, x: float, y: float) -> str:
    """Return where a curve ends, in a shape of its own."""
    shape = MARKS[place % len(MARKS)]
    return f'<path transform="translate({x:.1f} {y:.1f})" d="{shape}" fill="{COLORS[place]}"/>'


def _runs(points: Sequence[tuple[float, Band | None]]) -> list[list[tuple[float, Band]]]:
    runs: list[list[tuple[float, Band]]] = [[]]
    for x, band in points:
        if band is None:
            runs.append([])
        else:
            runs[-1].append((x, band))
    return [run for run in runs if run]


def _last(curve: Curve, written: Callable[[float], str]) -> str:
    values = [band.value for _, band in curve.points if band is not None]
    last = values[-1] if values else math.nan
    return f"{curve.name} {'no requests' if math.isnan(last) else written(last)}"


def _legend(curve: Curve, place: int) -> Markup:
    line = (
        f'<svg class="key" viewBox="0 0 30 8" aria-hidden="true"><path d="M0 4H30" '
        f'stroke="{COLORS[place]}" stroke-width="2.4" stroke-dasharray="{DASHES[place]}"/>'
        f"{_mark(place, 26, 4)}</svg>"
    )
    return Markup(f"<span>{line}{element('span', curve.name)}</span>")
