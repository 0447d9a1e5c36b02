"""How much of a report its page shows, so that it stays below the size of a page. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from kanaria.serving.drift.report_records import Watched

MOST_NAME, MOST_LABEL, MOST_TEXT = 80, 40, 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """What is shown of each thing that is watched.

    Attributes:
        windows: the newest.
        features: of the newest window, those of the largest effects.
        drawn: of these, how many have charts of their own.
        lines: in the heat map and the chart of effects.
    """

    windows: int
    features: int
    drawn: int
    lines: int


DETAILS = (
    Detail(windows=60, features=1000, drawn=80, lines=40),
    Detail(windows=60, features=200, drawn=30, lines=30),
    Detail(windows=30, features=40, drawn=10, lines=15),
    Detail(windows=10, features=10, drawn=3, lines=5),
)
"""In the order in which they are tried. The JSON has all."""

MOST_ESTIMATED = 1_500_000


def first(watched: Sequence[Watched]) -> int:
    """Return the place of the first detail whose page is likely to be small enough."""
    sizes = (sum(_size(one, detail) for one in watched) for detail in DETAILS)
    return next((n for n, size in enumerate(sizes) if size < MOST_ESTIMATED), len(DETAILS) - 1)


def _size(watched: Watched, detail: Detail) -> int:
    """Return about how many bytes are written of what is watched, as measured of such pages."""
    windows = watched.windows[-detail.windows :]
    features = max((len(window.features) for window in windows), default=0)
    drawn, heated = min(features, detail.drawn), min(features, detail.lines)
    in_time = len(windows) * (1000 + 90 * heated + 70 * drawn)
    return in_time + 1600 * drawn + 600 * min(features, detail.features)


def cut(value: str, most: int = MOST_NAME) -> str:
    """Return a text, or its beginning where it is longer than `most`."""
    return value if len(value) <= most else f"{value[: most - 1]}…"


def distinct(names: Sequence[str]) -> list[str]:
    """Return short names, no two of them equal: axes tell places apart by them alone."""
    short = [cut(name, MOST_LABEL) for name in names]
    if len(set(short)) == len(short):
        return short
    return [f"{place}: {name}" for place, name in enumerate(short, start=1)]
