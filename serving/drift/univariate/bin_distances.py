"""What the distances over bins share: bins, an exact permutation test, an interval.

The bins hold equal shares of reference and window together, so they do not depend on which row
is whose. Without drift the window's counts are then a draw without replacement from the counts of
both (multivariate hypergeometric), which makes the p-value exact for any distance. Categories are
bins as they are.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift.detector import Columns, Effect, Floats, Result
from kanaria.serving.drift.effect_sizes import EACH_SIDE, effective_rows
from kanaria.serving.drift.references.counts_reference import contingency_tables
from kanaria.serving.drift.references.table_reference import TableReference
from kanaria.serving.drift.table_columns import numbers, rows_of, selected
from kanaria.serving.drift.univariate import feature_tests

FEWEST_PERMUTATIONS = 999
PERMUTATIONS_BELOW_THRESHOLD = 10
"""Permutations expected below the strictest threshold: fewer could not reach it."""
RESAMPLES = 400
LARGEST_STATISTIC = 1e4
"""Beyond it a distance is not small, and scipy's inverse is slow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """A distance between distributions over bins.

    Attributes:
        name: of the distance.
        bins: at most, of a number; values that repeat make fewer.
        distance: of counts of the reference and of the window (..., bins), given the lower ends
            of the bins but the first (bins - 1; none for categories).
        squared: the chi-squared statistic per effective row of a small distance.
        unsquared: its inverse.
        freedom: degrees of freedom of that statistic, given the number of bins.
    """

    name: str
    bins: int
    distance: Callable[[Floats, Floats, Floats], Floats]
    squared: Callable[[float], float]
    unsquared: Callable[[float], float]
    freedom: Callable[[int], int]

    def significance(self, value: float, effective: float, bins: int) -> float:
        """Return the p-value of a distance in `effective` rows over `bins` bins."""
        from scipy.special import chdtrc

        return float(chdtrc(self.freedom(bins), self.squared(value) * effective))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BinCounts:
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
    settings: feature_tests.Settings,
    detector: str,
    measure: Measure,
    features: Mapping[str, BinCounts],
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
    return feature_tests.result(detector, settings, tests, rows)


def compared_tables(
    settings: feature_tests.Settings,
    detector: str,
    measure: Measure,
    reference: TableReference,
    window: Columns,
) -> Result:
    """Return how the numbers and categories of `window` compare with the reference."""
    chosen = selected(window, reference.features)
    counts_by_name = of_numbers(reference.numbers.values, chosen, measure.bins)
    for name, (old, new) in contingency_tables(reference.categories, chosen).items():
        counts_by_name[name] = BinCounts(reference=old, window=new, edges=np.empty(0))
    ordered = {name: counts_by_name[name] for name in reference.features}
    return compared(settings, detector, measure, ordered, (reference.rows, rows_of(chosen, "")))


def of_numbers(reference: Mapping[str, Floats], window: Columns, most: int) -> dict[str, BinCounts]:
    """Return the counts of numbers in at most `most` bins."""
    counts_by_name = {}
    for name, values in reference.items():
        own = numbers(window[name], name)
        edges, old, new = (
            bins(values, own, most) if len(values) + len(own) else (np.empty(0), *np.zeros((2, 1)))
        )
        counts_by_name[name] = BinCounts(reference=old, window=new, edges=edges)
    return counts_by_name


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
    name: str, counted: BinCounts, measure: Measure, least: float, permutations: int
) -> feature_tests.FeatureTest:
    old, new, edges = counted.reference, counted.window, counted.edges
    rows = (int(old.sum()), int(new.sum()))
    if min(rows) == 0:
        return feature_tests.untested(name, rows, measure.name, least)
    value = float(measure.distance(old, new, edges))
    # A fixed seed: the same rows give the same answer, in any order.
    generator = np.random.default_rng(0)
    drawn = generator.multivariate_hypergeometric(old + new, rows[1], size=permutations)
    permuted = measure.distance(old + new - drawn, drawn, edges)
    # Sums of the same terms may differ in their last digits.
    reached = int((permuted >= value * (1 - 1e-9)).sum())
    return feature_tests.FeatureTest(
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
    """Return the effect with an interval of the two that each cover where the other falls short.

    A distance is too large on average, the more so the more bins there are. By its chi-squared
    statistic, the interval of non-centralities of such a statistic is right near zero; further
    away the percentile and the basic bootstrap (Davison and Hinkley 1997, 5.2 and 5.3) are.
    """
    generator = np.random.default_rng(1)
    old, new = (
        generator.multinomial(count.sum(), count / count.sum(), RESAMPLES) for count in counts
    )
    resampled = measure.distance(old, new, edges)
    low, high = map(float, np.quantile(resampled, [EACH_SIDE, 1 - EACH_SIDE]))
    near = _by_chi_squared(measure, value, counts)
    return Effect(
        name=measure.name,
        value=value,
        low=max(0.0, min(value, low, 2 * value - high, near[0])),
        high=max(value, high, 2 * value - low, near[1]),
        least=least,
    )


def _by_chi_squared(
    measure: Measure, value: float, counts: tuple[Floats, Floats]
) -> tuple[float, float]:
    from scipy.special import chndtr, chndtrinc

    rows = effective_rows(*(int(count.sum()) for count in counts))
    freedom = measure.freedom(len(counts[0]))
    statistic = measure.squared(value) * rows
    if statistic > LARGEST_STATISTIC:
        return value, value
    ends = [
        float(chndtrinc(statistic, freedom, chance))
        if chndtr(statistic, freedom, 0) > chance
        else 0.0
        for chance in (1 - EACH_SIDE, EACH_SIDE)
    ]
    return measure.unsquared(ends[0] / rows), measure.unsquared(ends[1] / rows)
