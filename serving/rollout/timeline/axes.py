"""Scales and ticks of the timeline's panels. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kanaria.components.shared.times import DAY, HOUR, MINUTE, clock

SPANS = (1.0, 5.0, 10.0, 30.0, *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)))
LONG_SPANS = (*(HOUR * n for n in (1, 2, 3, 6, 12)), *(DAY * n for n in (1, 2, 5, 10, 30, 100)))
MOST_TICKS = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """Maps values to a position between 0, at `low`, and 1, at `high`; beyond it stays there.

    Attributes:
        low: smallest value shown; above 0 where logarithmic.
        high: largest value shown, above `low`.
        logarithmic: equal ratios take equal room.
        ticks: (value, label).
    """

    low: float
    high: float
    logarithmic: bool = False
    ticks: Sequence[tuple[float, str]] = ()

    def place(self, value: float) -> float:
        """Return the position of a value."""
        low, high = self._linear(self.low), self._linear(self.high)
        inside = min(max(value, self.low), self.high)
        return (self._linear(inside) - low) / (high - low)

    def _linear(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value


def times(start: float, end: float) -> Scale:
    """Return the scale of time from `start` to `end`, seconds since 1970; at least a minute."""
    end = max(end, start + MINUTE)
    spans = [*SPANS, *LONG_SPANS]
    step = next((one for one in spans if (end - start) / one <= MOST_TICKS), (end - start) / 5)
    form = "%H:%M:%S" if step < MINUTE else "%H:%M" if end - start < DAY else "%d %b %H:%M"
    form = "%d %b" if step >= DAY else form
    first = math.ceil(start / step)
    count = math.floor(end / step) - first + 1
    ticks = [((first + n) * step, clock((first + n) * step, form)) for n in range(count)]
    return Scale(low=start, high=end, ticks=ticks)


def percentages(most: float) -> Scale:
    """Return the scale of shares of traffic in percent, from 0 to at least `most`."""
    top = next(one for one in (2, 10, 20, 100) if one >= most)
    ticks = [(top * part / 4, f"{top * part / 4:g} %") for part in (0, 1, 2, 3, 4)]
    return Scale(low=0, high=top, ticks=ticks)


def shares(most: float) -> Scale:
    """Return a scale of rates from 0 to at least `most`, at most 1, with labels in percent."""
    step = _step(max(most, 1e-4), 3)
    top = min(step * math.ceil(max(most, 1e-4) / step), 1.0)
    ticks = [(step * n, f"{100 * step * n:.4g} %") for n in range(round(top / step) + 1)]
    return Scale(low=0, high=top, ticks=ticks)


def counts(most: float) -> Scale:
    """Return a scale of counts from 0 to at least `most`."""
    step = max(_step(max(most, 1.0), 3), 1.0)
    top = step * math.ceil(max(most, 1.0) / step)
    ticks = [(step * n, f"{step * n:,.0f}") for n in range(round(top / step) + 1)]
    return Scale(low=0, high=top, ticks=ticks)


def evidence(least: float, most: float) -> Scale:
    """Return a logarithmic scale around 1 that shows `least` to `most` within 0.001 to 10^6."""
    low = math.floor(math.log10(min(max(least, 1e-3), 0.1)))
    high = math.ceil(math.log10(max(min(most, 1e6), 100.0)))
    step = 1 if high - low <= 5 else 2
    ticks = [(10.0**power, _power(power)) for power in range(low, high + 1, step)]
    return Scale(low=10.0**low, high=10.0**high, logarithmic=True, ticks=ticks)


def _power(power: int) -> str:
    return f"{10.0**power:,.{max(-power, 0)}f}" if power <= 3 else f"10{'⁰¹²³⁴⁵⁶⁷⁸⁹'[power]}"


def _step(most: float, parts: int) -> float:
    """Return 1, 2 or 5 times a power of ten that goes about `parts` times into `most`."""
    raw = most / parts
    unit = 10.0 ** math.floor(math.log10(raw))
    return next(unit * n for n in (1, 2, 5, 10) if unit * n >= raw * 0.999)
