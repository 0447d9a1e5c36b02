"""Charts of a drift report as inline SVG: bars, intervals, lines over windows, a heat map. Pure."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kanaria.components.shared.html import Markup, join, text
from kanaria.serving.drift.protocol import Effect
from kanaria.serving.drift.report.records import Bars

WIDTH, LEFT, RIGHT, FOOT = 1060, 190, 20, 30
ROW, LINES = 18, 120
REFERENCE, WINDOW = "var(--a)", "var(--b)"
FILLED = f'fill="{REFERENCE}" opacity=".45"'
OUTLINED = f'fill="none" stroke="{WINDOW}" stroke-width="2"'
COLORS = (WINDOW, REFERENCE, "#7b3fa0", "#00796b", "#8d6e00", "#5b6b7b")
TICKS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Values of the windows, in order; None where a window has none.

    Attributes:
        name: for the legend.
        values: one a window.
        band: (lower, upper) around each, or empty.
        dashed: the line is drawn in dashes.
    """

    name: str
    values: Sequence[float | None]
    band: Sequence[tuple[float, float] | None] = ()
    dashed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A cell of a heat map.

    Attributes:
        heat: 0 or more; 1 is where it begins to matter.
        marked: it gets a mark.
        told: on its tooltip.
    """

    heat: float
    marked: bool
    told: str


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


def heat_map(
    names: Sequence[str], rows: Sequence[Sequence[Cell | None]], labels: Sequence[str]
) -> Markup:
    """Return a row for each name and a column for each label; deeper color is more heat.

    Args:
        names: of the rows.
        rows: as many as names, each of as many cells as labels; None where nothing is known.
        labels: of the columns, from left to right.
    """
    slot = _slot(len(labels))
    shapes = []
    for line, (name, cells) in enumerate(zip(names, rows, strict=True)):
        y = line * ROW
        shapes.append(
            f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end"><title>{text(name)}</title>'
            f"{text(_cut(name))}</text>"
        )
        shapes += [_cell(cell, LEFT + place * slot, y, slot) for place, cell in enumerate(cells)]
    height = len(names) * ROW
    return _svg(height, [Markup("".join(shapes)), *_foot(labels, height, slot)], "heat map")


def _cell(cell: Cell | None, x: float, y: int, slot: float) -> str:
    place = f'x="{x:.1f}" y="{y}" width="{max(slot - 1, 1):.1f}" height="{ROW - 1}"'
    if cell is None:
        return f'<rect {place} fill="var(--soft)"><title>not tested</title></rect>'
    depth = min(cell.heat / 2, 1.0)
    color = "var(--bad)" if cell.marked else "var(--b)"
    mark = f'<circle cx="{x + slot / 2:.1f}" cy="{y + ROW / 2}" r="2.5" fill="#fff"/>'
    return (
        f'<g><title>{text(cell.told)}</title><rect {place} fill="var(--soft)"/>'
        f'<rect {place} fill="{color}" opacity="{0.08 + 0.92 * depth:.2f}"/>'
        f"{mark if cell.marked else ''}</g>"
    )


def lines(
    title: str, drawn: Sequence[Line], labels: Sequence[str], *, low: float | None = 0.0
) -> Markup:
    """Return lines over windows with their bands and a legend.

    Args:
        title: with the unit.
        drawn: each with one value a label.
        labels: of the windows, from left to right.
        low: where the vertical axis begins; None for the least value.
    """
    held = [v for line in drawn for v in line.values if v is not None]
    held += [end for line in drawn for pair in line.band if pair for end in pair]
    bottom = min(held, default=0.0) if low is None else low
    top = max(held, default=1.0)
    if top <= bottom:
        top = bottom + 1.0
    ticks = _ticks(bottom, top)
    bottom, top = min(bottom, ticks[0]), max(top, ticks[-1])
    slot = _slot(len(labels))

    def at(place: int, value: float) -> str:
        share = min(max((value - bottom) / (top - bottom), 0.0), 1.0)
        return f"{LEFT + (place + 0.5) * slot:.1f},{24 + LINES * (1 - share):.1f}"

    parts: list[object] = [
        Markup(
            f'<path d="M{LEFT} {24 + LINES * (1 - (tick - bottom) / (top - bottom)):.1f}'
            f'H{WIDTH - RIGHT}" stroke="var(--line)"/><text x="{LEFT - 8}" text-anchor="end" '
            f'font-size="11" y="{28 + LINES * (1 - (tick - bottom) / (top - bottom)):.1f}">'
            f"{tick:.4g}</text>"
        )
        for tick in ticks
    ]
    for number, line in enumerate(drawn):
        parts += _curve(line, COLORS[number % len(COLORS)], at)
    parts += [_legend(title, drawn), *_foot(labels, LINES + 24, slot)]
    return _svg(LINES + 24, parts, title)


def _curve(line: Line, color: str, at: Callable[[int, float], str]) -> Iterator[Markup]:
    """Yield the band and the line; where a value is missing, both are interrupted."""
    for run in _runs(line.values):
        bands = [(place, line.band[place]) for place in run if line.band]
        known = [(place, pair) for place, pair in bands if pair]
        around = [at(p, pair[1]) for p, pair in known] + [at(p, pair[0]) for p, pair in known[::-1]]
        if len(known) > 1:
            yield Markup(f'<polygon points="{" ".join(around)}" fill="{color}" opacity=".16"/>')
        points = [at(place, value) for place in run if (value := line.values[place]) is not None]
        dash = ' stroke-dasharray="6 3"' if line.dashed else ""
        yield Markup(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}" '
            f'stroke-width="2"{dash}/>'
        )
        for place, point in zip(run, points, strict=True):
            x, _, y = point.partition(",")
            told = f"{line.name}: {line.values[place]:.4g}"
            yield Markup(
                f'<circle cx="{x}" cy="{y}" r="3" fill="{color}">'
                f"<title>{text(told)}</title></circle>"
            )


def _runs(values: Sequence[float | None]) -> Iterator[list[int]]:
    """Yield the places of consecutive values that are there."""
    run: list[int] = []
    for place, value in enumerate([*values, None]):
        if value is not None:
            run.append(place)
        elif run:
            yield run
            run = []


def _legend(title: str, drawn: Sequence[Line]) -> Markup:
    shapes = [f'<text x="{LEFT}" y="14" font-weight="600">{text(title)}</text>']
    x = LEFT + 7.4 * len(title) + 18
    for number, line in enumerate(drawn):
        dash = ' stroke-dasharray="6 3"' if line.dashed else ""
        color = COLORS[number % len(COLORS)]
        shapes.append(
            f'<path d="M{x:.0f} 10h22" stroke="{color}" stroke-width="2"{dash}/>'
            f'<text x="{x + 27:.0f}" y="14">{text(_cut(line.name))}</text>'
        )
        x += 27 + 6.6 * len(_cut(line.name)) + 16
    return Markup("".join(shapes))


def _foot(labels: Sequence[str], y: float, slot: float) -> Iterator[Markup]:
    """Yield some of the labels, so that they do not run into each other."""
    step = max(1, math.ceil(len(labels) / TICKS))
    for place in range(0, len(labels), step):
        x = LEFT + (place + 0.5) * slot
        yield Markup(
            f'<path d="M{x:.1f} {y}v4" stroke="var(--ink)"/><text x="{x:.1f}" y="{y + 16}" '
            f'font-size="11" text-anchor="middle">{text(labels[place])}</text>'
        )


def _slot(count: int) -> float:
    return (WIDTH - LEFT - RIGHT) / max(count, 1)


def _ticks(low: float, high: float) -> list[float]:
    raw = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * n for n in (1, 2, 5, 10) if unit * n >= raw * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step - 1e-9)
    return [step * n for n in range(first, last + 1)]


def _cut(name: str) -> str:
    return name if len(name) <= 26 else f"{name[:25]}…"


def _svg(height: float, parts: Sequence[object], label: str) -> Markup:
    return Markup(
        f'<div class="scroll"><svg viewBox="0 0 {WIDTH} {height + FOOT}" role="img" '
        f'aria-label="{text(label)}" font-size="12" fill="var(--ink)" '
        f'style="width:100%;min-width:760px">{join(parts)}</svg></div>'
    )
