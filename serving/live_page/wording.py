"""Numbers as the page writes them. Pure."""

import math

from kanaria.components.shared.times import duration
from kanaria.serving.live_page.band import Band


def percent(share: float | None) -> str:
    """Return a share in percent, with three digits; "" for none."""
    return "" if share is None else f"{100 * share:.3g} %"


def percent_band(band: Band | None) -> str:
    """Return a share and its interval."""
    return (
        ""
        if band is None
        else f"{percent(band.value)} ({100 * band.low:.3g} to {100 * band.high:.3g})"
    )


def seconds(value: float) -> str:
    """Return a span of time; below a second in milliseconds."""
    return f"{1000 * value:.3g} ms" if value < 1 else f"{value:.3g} s"


def seconds_band(band: Band | None) -> str:
    """Return a span of time and its interval."""
    if band is None:
        return ""
    high = "more" if math.isinf(band.high) else seconds(band.high)
    return f"{seconds(band.value)} ({seconds(band.low)} to {high})"


def ago(age: float | None) -> str:
    """Return how long ago something was."""
    return "never" if age is None else f"{duration(age)} ago"
