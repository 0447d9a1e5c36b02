"""Numbers as the page writes them. Pure."""

import math

from kanaria.components.shared.times import duration
from kanaria.serving.live_page.band import Band

NOISE = 1e-9
"""What is less came of rounding."""


def percent(share: float | None) -> str:
    """Return a share in percent, with three digits; "" for none.

    Args:
        share: 0 to 1; None is none.
    """
    return "" if share is None else f"{_digits(100 * share)} %"


def percent_band(band: Band | None) -> str:
    """Return a share and its interval in percent; "" for none.

    Args:
        band: in shares, 0 to 1; None is none.
    """
    if band is None:
        return ""
    low, high = (_digits(100 * end, 2) for end in (band.low, band.high))
    return f"{percent(band.value)} ({low} to {high})"


def seconds(value: float) -> str:
    """Return a span of time; below a second in milliseconds.

    Args:
        value: seconds, 0 or more.
    """
    return f"{_digits(1000 * value)} ms" if value < 1 else f"{_digits(value)} s"


def seconds_band(band: Band | None) -> str:
    """Return a span of time and its interval in the same unit; "" for none.

    Args:
        band: in seconds, 0 or more; None is none.
    """
    if band is None:
        return ""
    scale = 1000 if band.value < 1 else 1
    high = "more" if math.isinf(band.high) else _digits(scale * band.high)
    return f"{seconds(band.value)} ({_digits(scale * band.low)} to {high})"


def _digits(value: float, significant: int = 3) -> str:
    """Return a number; from a hundred on with all digits before its point."""
    if value < NOISE:
        return "0"
    return f"{value:.{significant}g}" if value < 10**significant else f"{value:.0f}"


def ago(age: float | None) -> str:
    """Return how long ago something was.

    Args:
        age: seconds, 0 or more; None is never.
    """
    return "never" if age is None else f"{duration(age)} ago"
