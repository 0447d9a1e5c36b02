"""Charts over windows as inline SVG: lines with bands, and a heat map. Pure."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kanaria.components.shared.report.html import Markup, join, text

WIDTH, LEFT, RIGHT, FOOT = 1060, 190, 20, 30
ROW, LINES = 18, 120
COLORS = ("var(--b)", "var(--a)", "var(--d)", "var(--e)", "var(--f)", "var(--c)")
TICKS = 6
FARTHEST, SMALLEST, ROUNDING = 1e100, 1e-200, 1e-9
"""Values beyond are drawn at the edge; and what a vertical axis spans at least, by itself and in
parts of its values: between numbers that are nearer there is no place for ticks."""


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
    mark = f'<circle cx="{x + slot / 2:.1f}" cy="{y + ROW / 2}" r="2.5" fill="var(--paper)"/>'
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
    held = [min(max(value, -FARTHEST), FARTHEST) for value in held]
    bottom = min(held, default=0.0) if low is None else low
    top = max(held, default=1.0)
    if top - bottom <= max(SMALLEST, abs(bottom) * ROUNDING):
        top = bottom + max(1.0, abs(bottom))
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
