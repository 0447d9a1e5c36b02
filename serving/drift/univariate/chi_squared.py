"""Chi-squared: do the categories have the shares they had?

Pearson's test of homogeneity over all categories of reference and window, with Yates' correction
where there are two, as scipy's `chi2_contingency` has it. A category never seen before counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kanaria.serving.drift import effect_sizes
from kanaria.serving.drift.detector import Columns, Result
from kanaria.serving.drift.references.counts_reference import (
    Counts,
    CountsReference,
    contingency_tables,
)
from kanaria.serving.drift.table_columns import rows_of, selected
from kanaria.serving.drift.univariate import feature_tests


@dataclass(frozen=True, kw_only=True, slots=True)
class ChiSquared(feature_tests.Settings):
    """Tests each feature as categories; its effect size is the total variation distance."""

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "chi_squared"

    def fit(self, rows: Columns) -> CountsReference:
        """Return the reference of `rows`."""
        return CountsReference.of(rows, rows_of(rows, "reference"))

    def test(self, reference: CountsReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        chosen = selected(window, reference.kinds)
        rows = (reference.rows, rows_of(chosen, "window"))
        return feature_tests.result(self.name, self, features(reference, chosen, self.least), rows)


def features(
    reference: CountsReference, window: Columns, least: float
) -> list[feature_tests.FeatureTest]:
    """Return the test of every feature of `reference` in `window`."""
    return contingency(contingency_tables(reference, window), least)


def contingency(tables: Mapping[str, Counts], least: float) -> list[feature_tests.FeatureTest]:
    """Return the test of each table of counts: reference and window by category."""
    from scipy.special import chdtrc

    return [_feature(name, table, least, chdtrc) for name, table in tables.items()]


def statistic(table: Counts) -> tuple[float, int]:
    """Return Pearson's statistic of a table without empty rows, and its degrees of freedom."""
    observed = table[:, table.sum(axis=0) > 0].astype(float)
    freedom = observed.shape[1] - 1
    if freedom == 0:
        return 0.0, 0
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    difference = np.abs(observed - expected)
    if freedom == 1:
        difference -= np.minimum(0.5, difference)
    return float((difference**2 / expected).sum()), freedom


def _feature(
    name: str, table: Counts, least: float, upper_tail: np.ufunc
) -> feature_tests.FeatureTest:
    rows = (int(table[0].sum()), int(table[1].sum()))
    if min(rows) == 0:
        return feature_tests.untested(name, rows, "total variation", least)
    value, freedom = statistic(table)
    shares = table / table.sum(axis=1, keepdims=True)
    variation = float(np.abs(shares[0] - shares[1]).sum() / 2)
    # The statistic of a variation v is at least 4 v^2 n (Cauchy and Schwarz), n effective rows.
    smallest = 4 * least**2 * effect_sizes.effective_rows(*rows)
    return feature_tests.FeatureTest(
        feature=name,
        statistic=value,
        p_value=float(upper_tail(freedom, value)) if freedom else 1.0,
        effect=effect_sizes.total_variation(variation, table.shape[1], *rows, least),
        rows=rows,
        significant_least=float(upper_tail(max(freedom, 1), smallest)),
    )
