"""What the distances over bins share: bins, an exact permutation test, a bootstrap interval.

The bins hold equal shares of reference and window together, so they do not depend on which row
is whose. Without drift the window's counts are then a draw without replacement from the counts of
both (multivariate hypergeometric), which makes the p-value exact for any distance.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift import univariate
from kanaria.serving.drift.columns import numbers, rows_of, selected
from kanaria.serving.drift.effects import EACH_SIDE
from kanaria.serving.drift.ordered import OrderedReference
from kanaria.serving.drift.protocol import Columns, Effect, Floats, Result

FEWEST_PERMUTATIONS = 999
PERMUTATIONS_BELOW_THRESHOLD = 10
"""Permutations expected below the strictest threshold: fewer could not reach it."""
RESAMPLES = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """A distance between distributions over bins.

    Attributes:
        name: of the distance.
        bins: at most; values that repeat make fewer.
        distance: of counts of the reference and of the window (..., bins), given the lower ends
            of the bins but the first (bins - 1).
        significance: p-value of a distance, given the effective rows and the number of bins.
    """

    name: str
    bins: int
    distance: Callable[[Floats, Floats, Floats], Floats]
    significance: Callable[[float, float, int], float]


def compared(
    settings: univariate.Settings,
    detector: str,
    measure: Measure,
    reference: OrderedReference,
    window: Columns,
) -> Result:
    """Return how `window` compares with the reference by `measure`."""
    chosen = selected(window, reference.values)
    wanted = PERMUTATIONS_BELOW_THRESHOLD * len(chosen) / settings.alpha
    permutations = max(FEWEST_PERMUTATIONS, math.ceil(wanted))
    tests = [
        _feature(name, values, numbers(chosen[name], name), measure, settings.least, permutations)
        for name, values in reference.values.items()
    ]
    return univariate.result(detector, settings, tests, (reference.rows, rows_of(chosen, "window")))


def bins(reference: Floats, window: Floats, most: int) -> tuple[Floats, Floats, Floats]:
    """Return the inner edges, and the counts of both samples, which are ascending."""
    both = np.sort(np.concatenate([reference, window]))
    places = np.arange(1, most) * len(both) // most
    edges = np.unique(both[places])
    edges = edges[edges > both[0]]
    return edges, _counts(reference, edges), _counts(window, edges)


def _counts(values: Floats, edges: Floats) -> Floats:
    below = np.searchsorted(values, edges, side="left")
    return np.diff(below, prepend=0, append=len(values))


def _feature(
    name: str,
    reference: Floats,
    window: Floats,
    measure: Measure,
    least: float,
    permutations: int,
) -> univariate.FeatureTest:
    rows = (len(reference), len(window))
    if min(rows) == 0:
        return univariate.untested(name, rows, measure.name, least)
    edges, old, new = bins(reference, window, measure.bins)
    value = float(measure.distance(old, new, edges))
    # A fixed seed: the same rows give the same answer, in any order.
    generator = np.random.default_rng(0)
    drawn = generator.multivariate_hypergeometric(old + new, rows[1], size=permutations)
    permuted = measure.distance(old + new - drawn, drawn, edges)
    # Sums of the same terms may differ in their last digits.
    reached = int((permuted >= value * (1 - 1e-9)).sum())
    effective = rows[0] * rows[1] / (rows[0] + rows[1])
    return univariate.FeatureTest(
        feature=name,
        statistic=value,
        p_value=(1 + reached) / (1 + permutations),
        effect=_effect(measure, value, (old, new), edges, least),
        rows=rows,
        significant_least=measure.significance(least, effective, len(old)),
    )


def _effect(
    measure: Measure, value: float, counts: tuple[Floats, Floats], edges: Floats, least: float
) -> Effect:
    """Return the effect with the basic bootstrap's interval (Davison and Hinkley 1997, 5.2)."""
    generator = np.random.default_rng(1)
    old, new = (
        generator.multinomial(count.sum(), count / count.sum(), RESAMPLES) for count in counts
    )
    low, high = np.quantile(measure.distance(old, new, edges), [EACH_SIDE, 1 - EACH_SIDE])
    return Effect(
        name=measure.name,
        value=value,
        low=max(0.0, min(value, 2 * value - float(high))),
        high=max(value, 2 * value - float(low)),
        least=least,
    )
