"""What the distances over bins share: bins, an exact permutation test, a bootstrap interval.

The bins hold equal shares of reference and window together, so they do not depend on which row
is whose. Without drift the window's counts are then a draw without replacement from the counts of
both (multivariate hypergeometric), which makes the p-value exact for any distance. Categories are
bins as they are.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift import univariate
from kanaria.serving.drift.columns import numbers, rows_of, selected
from kanaria.serving.drift.counted import contingency_tables
from kanaria.serving.drift.effects import EACH_SIDE, effective_rows
from kanaria.serving.drift.mixed import TableReference
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
        bins: at most, of a number; values that repeat make fewer.
        distance: of counts of the reference and of the window (..., bins), given the lower ends
            of the bins but the first (bins - 1; none for categories).
        significance: p-value of a distance, given the effective rows and the number of bins.
    """

    name: str
    bins: int
    distance: Callable[[Floats, Floats, Floats], Floats]
    significance: Callable[[float, float, int], float]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Counted:
    """How the values of one feature fall into bins, or into categories.

    Attributes:
        reference: counts of the reference.
        window: counts of the window, in the same bins.
        edges: lower ends of the bins but the first; categories have none.
    """

    reference: Floats
    window: Floats
    edges: Floats


def compared(
    settings: univariate.Settings,
    detector: str,
    measure: Measure,
    features: Mapping[str, Counted],
    rows: tuple[int, int],
) -> Result:
    """Return the result of a window by `measure`.

    Args:
        settings: of the detector.
        detector: its name.
        measure: the distance.
        features: in the order of the results.
        rows: of reference and window.
    """
    wanted = PERMUTATIONS_BELOW_THRESHOLD * len(features) / settings.alpha
    permutations = max(FEWEST_PERMUTATIONS, math.ceil(wanted))
    tests = [
        _feature(name, counted, measure, settings.least, permutations)
        for name, counted in features.items()
    ]
    return univariate.result(detector, settings, tests, rows)


def compared_tables(
    settings: univariate.Settings,
    detector: str,
    measure: Measure,
    reference: TableReference,
    window: Columns,
) -> Result:
    """Return how the numbers and categories of `window` compare with the reference."""
    chosen = selected(window, reference.features)
    found = of_numbers(reference.numbers.values, chosen, measure.bins)
    for name, (old, new) in contingency_tables(reference.categories, chosen).items():
        found[name] = Counted(reference=old, window=new, edges=np.empty(0))
    ordered = {name: found[name] for name in reference.features}
    return compared(settings, detector, measure, ordered, (reference.rows, rows_of(chosen, "")))


def of_numbers(reference: Mapping[str, Floats], window: Columns, most: int) -> dict[str, Counted]:
    """Return the counts of numbers in at most `most` bins."""
    found = {}
    for name, values in reference.items():
        own = numbers(window[name], name)
        edges, old, new = (
            bins(values, own, most) if len(values) + len(own) else (np.empty(0), *np.zeros((2, 1)))
        )
        found[name] = Counted(reference=old, window=new, edges=edges)
    return found


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
    name: str, counted: Counted, measure: Measure, least: float, permutations: int
) -> univariate.FeatureTest:
    old, new, edges = counted.reference, counted.window, counted.edges
    rows = (int(old.sum()), int(new.sum()))
    if min(rows) == 0:
        return univariate.untested(name, rows, measure.name, least)
    value = float(measure.distance(old, new, edges))
    # A fixed seed: the same rows give the same answer, in any order.
    generator = np.random.default_rng(0)
    drawn = generator.multivariate_hypergeometric(old + new, rows[1], size=permutations)
    permuted = measure.distance(old + new - drawn, drawn, edges)
    # Sums of the same terms may differ in their last digits.
    reached = int((permuted >= value * (1 - 1e-9)).sum())
    return univariate.FeatureTest(
        feature=name,
        statistic=value,
        p_value=(1 + reached) / (1 + permutations),
        effect=_effect(measure, value, (old, new), edges, least),
        rows=rows,
        significant_least=measure.significance(least, effective_rows(*rows), len(old)),
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
