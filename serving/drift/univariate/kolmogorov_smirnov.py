"""Kolmogorov-Smirnov: the largest difference between two distributions of a number.

P-values are Smirnov's for two samples: of the exact one-sample distribution at the effective
number of rows, or Hodges' approximation for one side (Hodges 1958, eq. 5.3), as scipy's
`ks_2samp(method="asymp")` gives them. The reference is sorted once, and the supremum is looked for
at the window's values only, since between them only the reference's distribution grows.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift import effect_sizes
from kanaria.serving.drift.detector import Columns, Floats, Result
from kanaria.serving.drift.references.sorted_reference import SortedReference
from kanaria.serving.drift.table_columns import numbers, rows_of, selected
from kanaria.serving.drift.univariate import feature_tests
from kanaria.serving.drift.univariate.feature_tests import Alternative


@dataclass(frozen=True, kw_only=True, slots=True)
class KolmogorovSmirnov(feature_tests.SidedSettings):
    """Tests each numeric feature.

    With the alternative "less" only the window's distribution function lying above the
    reference's (smaller values) matters; with "greater" only the reverse.
    """

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "kolmogorov_smirnov"

    def fit(self, rows: Columns) -> SortedReference:
        """Return the reference of `rows`."""
        return SortedReference.of(rows, rows_of(rows, "reference"))

    def test(self, reference: SortedReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        chosen = selected(window, reference.values)
        tests = features(reference.values, chosen, self.alternative, self.least)
        rows = (reference.rows, rows_of(chosen, "window"))
        return feature_tests.result(self.name, self, tests, rows)


def features(
    reference: Mapping[str, Floats], window: Columns, alternative: Alternative, least: float
) -> list[feature_tests.FeatureTest]:
    """Return the test of every feature of `reference` (sorted values) in `window`."""
    values = {name: numbers(window[name], name) for name in reference}
    sizes = [(len(reference[name]), len(values[name])) for name in reference]
    distances = np.array(
        [distance(reference[name], values[name], alternative) for name in reference]
    )
    p_values = p_value(distances, np.array(sizes, dtype=float).reshape(-1, 2), alternative)
    return [
        _feature(name, float(distances[i]), float(p_values[i]), sizes[i], least)
        for i, name in enumerate(reference)
    ]


def distance(reference: Floats, window: Floats, alternative: Alternative) -> float:
    """Return the statistic of two samples, both ascending; 0 if one is empty."""
    if not len(reference) or not len(window):
        return 0.0
    smaller = reference.searchsorted(window, side="left")
    up_to = smaller
    tied = reference[np.minimum(smaller, len(reference) - 1)] == window
    if tied.any():
        up_to = smaller.copy()
        up_to[tied] = reference.searchsorted(window[tied], side="right")
    # Among equal values these ranks are too small and too large; the extremes stay right.
    ranks = np.arange(len(window) + 1) / len(window)
    less = max(0.0, float((ranks[1:] - up_to / len(reference)).max()))
    greater = max(0.0, float((smaller / len(reference) - ranks[:-1]).max()))
    return {"less": less, "greater": greater, "two-sided": max(less, greater)}[alternative]


def p_value(distances: Floats, sizes: Floats, alternative: Alternative) -> Floats:
    """Return the p-values of `distances`, given the sizes of the samples (one pair each)."""
    from scipy.stats import kstwo

    larger, smaller = sizes.max(axis=1), np.maximum(sizes.min(axis=1), 1e-9)
    effective = larger * smaller / (larger + smaller)
    if alternative == "two-sided":
        p_values = kstwo.sf(distances, np.maximum(np.round(effective), 1))
    else:
        z = np.sqrt(effective) * distances
        skew = (larger + 2 * smaller) / np.sqrt(larger * smaller * (larger + smaller))
        p_values = np.exp(-2 * z**2 - 2 * z * skew / 3)
    return np.clip(np.where(sizes.min(axis=1) > 0, p_values, 1.0), 0.0, 1.0)


def significance(least: float, rows: tuple[int, int]) -> float:
    """Return about which p-value a distance of `least` has, a little too large."""
    return float(min(1.0, 2 * math.exp(-2 * effect_sizes.effective_rows(*rows) * least**2)))


def _feature(
    name: str, statistic: float, p: float, rows: tuple[int, int], least: float
) -> feature_tests.FeatureTest:
    if min(rows) == 0:
        return feature_tests.untested(name, rows, "difference of distributions", least)
    return feature_tests.FeatureTest(
        feature=name,
        statistic=statistic,
        p_value=p,
        effect=effect_sizes.largest_difference(statistic, *rows, least),
        rows=rows,
        significant_least=significance(least, rows),
    )
