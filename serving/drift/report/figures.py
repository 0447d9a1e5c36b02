"""Figures in the cells of a table as inline SVG: two distributions, an effect. Pure."""

from kanaria.components.shared.report.html import Markup, text
from kanaria.serving.drift.protocol import Effect
from kanaria.serving.drift.records import Bars

REFERENCE, WINDOW = "var(--a)", "var(--b)"
FILLED = f'fill="{REFERENCE}" opacity=".45"'
OUTLINED = f'fill="none" stroke="{WINDOW}" stroke-width="2"'


def overlay(found: Bars, width: int = 250, height: int = 62) -> Markup:
    """Return both distributions over each other: the reference filled, the window as a line."""
    count, top = len(found.window), max(*found.reference, *found.window) or 1.0
    slot = width / count
    shapes = []
    for place, (before, after) in enumerate(zip(found.reference, found.window, strict=True)):
        told = f"{_bar_name(found, place)}: {100 * before:.3g} % → {100 * after:.3g} %"
        shapes.append(
            f'<g><title>{text(told)}</title><rect x="{place * slot:.1f}" y="0" '
            f'width="{slot:.1f}" height="{height}" fill="transparent"/>'
            + _rectangle(place * slot, slot * 0.92, height, before / top, FILLED)
            + _rectangle(place * slot + 1, slot * 0.92 - 2, height, after / top, OUTLINED)
            + "</g>"
        )
    ends = _ends(found)
    labels = (
        f'<text x="0" y="{height + 13}" font-size="11">{text(ends[0])}</text>'
        f'<text x="{width}" y="{height + 13}" font-size="11" text-anchor="end">'
        f"{text(ends[1])}</text>"
    )
    return Markup(
        f'<svg width="{width}" height="{height + 16}" role="img" fill="var(--ink)" '
        f'aria-label="reference and window">{"".join(shapes)}{labels}</svg>'
    )


def _rectangle(x: float, width: float, height: int, share: float, look: str) -> str:
    tall = (height - 2) * share
    return (
        f'<rect x="{x:.1f}" y="{height - tall:.1f}" width="{max(width, 0.5):.1f}" '
        f'height="{tall:.1f}" {look}/>'
    )


def _bar_name(found: Bars, place: int) -> str:
    if found.kinds:
        return found.kinds[place]
    return f"{found.edges[place]:.4g} to {found.edges[place + 1]:.4g}"


def _ends(found: Bars) -> tuple[str, str]:
    if found.kinds:
        first, last = found.kinds[0], found.kinds[-1]
        return first[:18], last[:18] if len(found.kinds) > 1 else ""
    return f"≤ {found.edges[0]:.4g}", f"≥ {found.edges[-1]:.4g}"


def interval(effect: Effect, most: float, width: int = 200) -> Markup:
    """Return an effect with its interval, and the least that matters, from 0 to `most`."""

    def x(value: float) -> float:
        return 4 + (width - 8) * min(max(value / most, 0.0), 1.0)

    color = "var(--bad)" if effect.matters else REFERENCE
    told = f"{effect.name} {effect.value:.3g}, 95 % from {effect.low:.3g} to {effect.high:.3g}"
    return Markup(
        f'<svg width="{width}" height="18" role="img"><title>{text(told)}</title>'
        f'<path d="M4 9H{width - 4}" stroke="var(--line)"/>'
        f'<path d="M{x(effect.least):.1f} 1V17" stroke="var(--bad)" stroke-dasharray="3 2"/>'
        f'<path d="M{x(effect.low):.1f} 9H{x(effect.high):.1f}" stroke="{color}" stroke-width="3"/>'
        f'<circle cx="{x(effect.value):.1f}" cy="9" r="4.5" fill="{color}"/></svg>'
    )
