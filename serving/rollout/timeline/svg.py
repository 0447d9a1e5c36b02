"""Draws the panels of a timeline below each other as one inline SVG. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from kanaria.components.shared.report.html import Markup, join, text
from kanaria.components.shared.times import clock
from kanaria.serving.rollout.timeline import axes
from kanaria.serving.rollout.timeline.axes import Scale
from kanaria.serving.rollout.timeline.curves import Curve, Panel
from kanaria.serving.rollout.timeline.decision_table import Row
from kanaria.serving.rollout.timeline.history import History
from kanaria.serving.rollout.timeline.panels import gaps
from kanaria.serving.rollout.timeline.phrases import printable

WIDTH, LEFT, RIGHT, LANE, TITLE, FOOT = 1060, 62, 14, 34, 34, 30
LETTER = 6.1
"""Pixels of an average letter at 12 pixels: enough to set a legend without measuring."""
MOST_LINES, MOST_TOOLTIPS = 400, 300
LEAST_DISTANCE, MARGIN = 17, 40
SHAPES = {
    "shift": ("▲", "var(--a)"),
    "promote": ("★", "var(--good)"),
    "rollback": ("▼", "var(--bad)"),
    "ask": ("?", "var(--warn)"),
    "command": ("◆", "var(--ink)"),
}


def svg(history: History, panels: Sequence[Panel], rows: Sequence[Row]) -> Markup:
    """Return the timeline; its marks bear the numbers of the rows they belong to."""
    scale = axes.times(history.started, history.horizon)
    tops = [LANE + TITLE]
    for one in panels:
        tops.append(tops[-1] + one.height + TITLE)
    bottom = tops[-1] - TITLE
    parts = [
        _shading(history, scale, bottom),
        *_marks(rows, scale, bottom),
        *(_panel(one, top, scale) for one, top in zip(panels, tops, strict=False)),
        *_clock(scale, bottom),
    ]
    return Markup(
        f'<div class="scroll"><svg viewBox="0 0 {WIDTH} {bottom + FOOT}" role="img" '
        'aria-label="Timeline of the rollout" font-size="12" fill="var(--ink)" '
        f'style="width:100%;min-width:760px">{join(parts)}</svg></div>'
    )


def key() -> Markup:
    """Return what the marks mean, as a line of text."""
    return join(
        Markup(f'<span style="color:{color}">{shape}</span> {name} &nbsp; ')
        for name, (shape, color) in SHAPES.items()
    )


def _x(scale: Scale, when: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * scale.place(when), 1)


def _shading(history: History, scale: Scale, bottom: int) -> Markup:
    """Shade all stretches without data as one shape."""
    path = "".join(
        f"M{_x(scale, start)} {LANE}H{max(_x(scale, end), _x(scale, start) + 1):.1f}V{bottom}"
        f"H{_x(scale, start)}Z"
        for start, end in gaps(history)
    )
    if not path:
        return Markup()
    return Markup(f'<path d="{path}" fill="var(--c)" opacity=".22"><title>no data</title></path>')


def _marks(rows: Sequence[Row], scale: Scale, bottom: int) -> Iterator[Markup]:
    """Yield a line through all panels and a numbered shape for every row that acted."""
    marked = [row for row in rows if row.marked]
    places = [_x(scale, row.last.when) for row in marked]
    lines = "".join(f"M{x} {LANE - 4}V{bottom}" for x in sorted(set(places))[:MOST_LINES])
    yield Markup(f'<path d="{lines}" stroke="var(--c)" stroke-dasharray="1 3" fill="none"/>')
    numbered = -float(LEAST_DISTANCE)
    for row, x in zip(marked, places, strict=True):
        shape, color = SHAPES["command" if row.last.who else row.last.decision.verdict.action]
        tooltip = ""
        if len(marked) <= MOST_TOOLTIPS:
            said = f"{row.what} by {row.by[:80]}, {clock(row.last.when)} UTC"
            tooltip = f"<title>{row.number}: {text(printable(said))}</title>"
        # Shapes that fall on each other are drawn once; the table has them all.
        if x - numbered < LEAST_DISTANCE / 4 and len(marked) > MOST_TOOLTIPS:
            continue
        yield Markup(
            f'<text x="{x}" y="{LANE - 6}" text-anchor="middle" font-size="15" '
            f'fill="{color}">{shape}{tooltip}</text>'
        )
        if x - numbered >= LEAST_DISTANCE:
            yield Markup(f'<text x="{x}" y="12" text-anchor="middle">{row.number}</text>')
            numbered = x


def _panel(panel: Panel, top: int, scale: Scale) -> Markup:
    inner = WIDTH - LEFT - RIGHT
    parts: list[object] = [
        Markup(
            f'<rect x="{LEFT}" y="{top}" width="{inner}" height="{panel.height}" fill="none" '
            'stroke="var(--line)"/>'
        ),
        *_legend(panel, top - 8),
        *(_tick(panel, top, value, label) for value, label in panel.scale.ticks),
        *(_curve(panel, top, scale, curve) for curve in panel.curves),
        *_thresholds(panel, top),
    ]
    return join(parts)


def _y(panel: Panel, top: int, value: float) -> float:
    return round(top + panel.height * (1 - panel.scale.place(value)), 1)


def _legend(panel: Panel, y: int) -> Iterator[Markup]:
    yield Markup(f'<text x="{LEFT}" y="{y}" font-weight="600">{text(panel.title)}</text>')
    x = LEFT + LETTER * 1.2 * len(panel.title) + 20
    for curve in panel.curves:
        yield Markup(
            f'<path d="M{x:.0f} {y - 4}h26" stroke="{curve.color}" stroke-width="2" '
            f'stroke-dasharray="{curve.dash}"/><text x="{x + 31:.0f}" y="{y}">'
            f"{text(curve.name)}</text>"
        )
        x += 31 + LETTER * len(curve.name) + 18


def _tick(panel: Panel, top: int, value: float, label: str) -> Markup:
    y = _y(panel, top, value)
    return Markup(
        f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="var(--line)"/>'
        f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end" font-size="11">{text(label)}</text>'
    )


def _thresholds(panel: Panel, top: int) -> Iterator[Markup]:
    """Yield the lines with their labels; the highest bears its label above, others below."""
    for rank, (value, label) in enumerate(sorted(panel.thresholds, reverse=True)):
        y = _y(panel, top, value)
        yield Markup(
            f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="var(--bad)" stroke-dasharray="8 4"/>'
            f'<text x="{LEFT + 6}" y="{y + 12 if rank else y - 4}" font-size="11" '
            'fill="var(--bad)" paint-order="stroke" stroke="Canvas" stroke-width="4">'
            f"{text(label)}</text>"
        )


def _curve(panel: Panel, top: int, scale: Scale, curve: Curve) -> Markup:
    """Return the band, as a shape, and the line."""
    upper = [(when, high) for when, _, high in curve.band]
    lower = [(when, low) for when, low, _ in reversed(curve.band)]
    around = " ".join(_points(panel, top, scale, [*upper, *lower]))
    band = f'<polygon points="{around}" fill="{curve.color}" opacity=".16"/>' if around else ""
    values = list(_held(curve.points)) if curve.stepped else curve.points
    line = " ".join(_points(panel, top, scale, values))
    return Markup(
        f'{band}<polyline points="{line}" fill="none" stroke="{curve.color}" stroke-width="2" '
        f'stroke-dasharray="{curve.dash}"><title>{text(curve.name)}</title></polyline>'
    )


def _points(
    panel: Panel, top: int, scale: Scale, values: Iterable[tuple[float, float]]
) -> Iterator[str]:
    return (f"{_x(scale, when)},{_y(panel, top, value)}" for when, value in values)


def _held(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield the corners of a line that holds each value until the next point."""
    before: float | None = None
    for when, value in points:
        if before is not None and value != before:
            yield when, before
        yield when, value
        before = value


def _clock(scale: Scale, bottom: int) -> Iterator[Markup]:
    for when, label in scale.ticks:
        x = _x(scale, when)
        yield Markup(
            f'<path d="M{x} {bottom}v5" stroke="var(--ink)"/>'
            f'<text x="{min(x, WIDTH - MARGIN)}" y="{bottom + 18}" text-anchor="middle">'
            f"{text(label)}</text>"
        )
