"""Scales of the timeline's panels. Pure."""

from dataclasses import dataclass

SHARE, COUNT, PLAIN = ".3~%", ",~r", ",.3~f"
"""Formats of d3 for labels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """What an axis of values shows; the charts round it to whole steps.

    Attributes:
        low: smallest value shown; above 0 where logarithmic.
        high: largest value shown, above `low`.
        form: of the labels, as d3 writes numbers.
        logarithmic: equal ratios take equal room; values beyond stay at the edge.
    """

    low: float
    high: float
    form: str = PLAIN
    logarithmic: bool = False


def percentages(most: float) -> Scale:
    """Return the scale of shares of traffic in percent, from 0 to at least `most`."""
    return Scale(low=0, high=next(one for one in (2, 10, 20, 100) if one >= most))


def shares(most: float) -> Scale:
    """Return a scale of rates from 0 to at least `most`, at most 1, with labels in percent."""
    return Scale(low=0, high=min(max(most, 1e-4), 1.0), form=SHARE)


def counts(most: float) -> Scale:
    """Return a scale of counts from 0 to at least `most`."""
    return Scale(low=0, high=max(most, 1.0), form=COUNT)


def evidence(least: float, most: float) -> Scale:
    """Return a logarithmic scale around 1 that shows `least` to `most` within 0.001 to 10^6."""
    low, high = min(max(least, 1e-3), 0.1), max(min(most, 1e6), 100.0)
    return Scale(low=low, high=high, logarithmic=True)
