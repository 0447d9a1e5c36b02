"""Small inline SVG charts for reports: histograms side by side and curves."""

from collections.abc import Sequence
from dataclasses import dataclass

from kanaria.components.shared.report.html import Markup, text

COLORS = ("var(--a)", "var(--b)", "var(--c)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One named series.

    Attributes:
        name: shown as a tooltip.
        xs: shape (n,), horizontal positions; ignored by `bars`.
        ys: shape (n,), heights, finite.
    """

    name: str
    ys: Sequence[float]
    xs: Sequence[float] = ()


def bars(series: Sequence[Series], labels: Sequence[str], width: int = 220) -> Markup:
    """Return grouped bars, heights scaled to the highest bar.

    Args:
        series: up to three series of n heights >= 0, drawn side by side.
        labels: n labels, shown as tooltips.
        width: width in pixels.
    """
    height, top = 48, max((max(s.ys, default=0.0) for s in series), default=0.0) or 1.0
    slot = width / max(len(labels), 1)
    bar = slot * 0.9 / max(len(series), 1)
    shapes = [
        f'<rect x="{i * slot + k * bar:.1f}" y="{height - height * y / top:.1f}" '
        f'width="{bar:.1f}" height="{height * y / top:.1f}" fill="{COLORS[k % 3]}">'
        f"<title>{text(s.name)} {text(labels[i])}: {y:.4g}</title></rect>"
        for k, s in enumerate(series)
        for i, y in enumerate(s.ys)
    ]
    return Markup(f'<svg width="{width}" height="{height}" role="img">{"".join(shapes)}</svg>')


def curves(series: Sequence[Series], x_title: str, y_title: str, size: int = 320) -> Markup:
    """Return curves in the unit square (both axes 0 to 1) with the diagonal for reference."""
    inner = size - 40

    def point(x: float, y: float) -> str:
        return f"{30 + inner * x:.1f},{10 + inner * (1 - y):.1f}"

    lines = [
        f'<polyline fill="none" stroke="{COLORS[k % 3]}" stroke-width="2" points="'
        + " ".join(point(x, y) for x, y in zip(s.xs, s.ys, strict=True))
        + f'"><title>{text(s.name)}</title></polyline>'
        f'<text x="{size - 12}" y="{size - 50 - 16 * k}" text-anchor="end" '
        f'fill="{COLORS[k % 3]}" font-size="12">{text(s.name)}</text>'
        for k, s in enumerate(series)
    ]
    frame = (
        f'<rect x="30" y="10" width="{inner}" height="{inner}" fill="none" stroke="var(--line)"/>'
        f'<polyline fill="none" stroke="var(--line)" points="{point(0, 0)} {point(1, 1)}"/>'
        f'<text x="{30 + inner / 2}" y="{size - 8}" text-anchor="middle" font-size="12">'
        f'{text(x_title)}</text><text x="12" y="{10 + inner / 2}" font-size="12" '
        f'text-anchor="middle" transform="rotate(-90 12 {10 + inner / 2})">{text(y_title)}</text>'
    )
    return Markup(f'<svg width="{size}" height="{size}" role="img">{frame}{"".join(lines)}</svg>')
