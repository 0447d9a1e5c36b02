"""Cramér-von Mises: the mean squared difference between two distributions of a number.

More sensitive than Kolmogorov-Smirnov to a small shift everywhere. P-values are scipy's: exact up
to 20 rows on both sides, else Anderson's (1962) limiting distribution. Rows of 32 bits are
widened first: scipy, and with it alibi-detect, computes their p-values to some 4e-5 only. Equal
values get ranks of their own, those of reference and window in turns, which differ as little as
can be: scipy, and with it alibi-detect, finds drift in every window of rounded numbers.
"""

from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift import effect_sizes
from kanaria.serving.drift.detector import Columns, Floats, Result
from kanaria.serving.drift.references.sorted_reference import SortedReference
from kanaria.serving.drift.table_columns import numbers, rows_of, selected
from kanaria.serving.drift.univariate import feature_tests
from kanaria.serving.drift.univariate.kolmogorov_smirnov import distance, significance

FEWEST = 2
"""Rows that the statistic needs on both sides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CramerVonMises(feature_tests.Settings):
    """Tests each numeric feature; its effect size is the largest difference of distributions."""

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "cramer_von_mises"

    def fit(self, rows: Columns) -> SortedReference:
        """Return the reference of `rows`."""
        return SortedReference.of(rows, rows_of(rows, "reference"))

    def test(self, reference: SortedReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        chosen = selected(window, reference.values)
        tests = [
            _feature(name, values, numbers(chosen[name], name), self.least)
            for name, values in reference.values.items()
        ]
        rows = (reference.rows, rows_of(chosen, "window"))
        return feature_tests.result(self.name, self, tests, rows)


def _feature(
    name: str, reference: Floats, window: Floats, least: float
) -> feature_tests.FeatureTest:
    from scipy.stats import cramervonmises_2samp

    rows = (len(reference), len(window))
    if min(rows) < FEWEST:
        return feature_tests.untested(name, rows, "difference of distributions", least)
    test = cramervonmises_2samp(*_ranks(reference, window), method="auto")
    largest = distance(reference, window, "two-sided")
    return feature_tests.FeatureTest(
        feature=name,
        statistic=float(test.statistic),
        p_value=float(test.pvalue),
        effect=effect_sizes.largest_difference(largest, *rows, least),
        rows=rows,
        significant_least=significance(least, rows),
    )


def _ranks(reference: Floats, window: Floats) -> tuple[Floats, Floats]:
    """Return the ranks of two samples, both ascending, among all their values."""
    turns = np.concatenate([_turns(reference), _turns(window)])
    order = np.lexsort((turns, np.concatenate([reference, window])))
    ranks = np.empty(len(order))
    ranks[order] = np.arange(len(order))
    return ranks[: len(reference)], ranks[len(reference) :]


def _turns(values: Floats) -> Floats:
    """Return where each value lies among its equals, from 0 to 1."""
    first, last = (np.searchsorted(values, values, side=side) for side in ("left", "right"))
    turns: Floats = (np.arange(len(values)) - first + 0.5) / (last - first)
    return turns
