"""A panel of the timeline as data: curves over the common axis of time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from kanaria.serving.rollout.timeline.panel_axes import Scale
from kanaria.serving.rollout.timeline.record_history import Moment

CANARY, STABLE, INK = "var(--b)", "var(--a)", "var(--ink)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One line over time.

    Attributes:
        name: for the legend.
        color: CSS color.
        points: (seconds since 1970, value), in the order of time.
        band: (seconds since 1970, lower, upper) around it, or empty.
        dash: SVG dash pattern, "" for a whole line, so that color is not all that tells.
        stepped: the value holds until the next point.
    """

    name: str
    color: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()
    dash: str = ""
    stepped: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """Curves over the common axis of time.

    Attributes:
        title: with the unit.
        scale: of the values.
        curves: in the order they are drawn.
        thresholds: (value, label) of lines across the panel.
        height: in pixels.
    """

    title: str
    scale: Scale
    curves: Sequence[Curve]
    thresholds: Sequence[tuple[float, str]] = ()
    height: int = 110


def numbers(moment: Moment, gate: str) -> dict[str, float]:
    """Return the figures behind what a gate found; none where the policy has no such gate."""
    return next((dict(one.numbers) for one in moment.findings if one.gate == gate), {})
