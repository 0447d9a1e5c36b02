"""Fisher's exact test: did the share of ones change? Right for any number of rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift import effect_sizes
from kanaria.serving.drift.detector import Columns, Result
from kanaria.serving.drift.references.counts_reference import CountsReference
from kanaria.serving.drift.table_columns import categories, rows_of, selected
from kanaria.serving.drift.univariate import feature_tests

ZERO, ONE = "0", "1"
"""What a zero and a one, or false and true, are as categories."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FisherExact(feature_tests.SidedSettings):
    """Tests each feature of zeros and ones; its statistic is the odds ratio.

    With the alternative "greater" only more ones in the window matter, with "less" only fewer.
    """

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "fisher_exact"

    def fit(self, rows: Columns) -> CountsReference:
        """Return the reference of `rows`, all zeros and ones."""
        require_binary(rows)
        return CountsReference.of(rows, rows_of(rows, "reference"))

    def test(self, reference: CountsReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        return compared(self.name, self, reference, window)


def compared(
    detector: str,
    settings: feature_tests.SidedSettings,
    reference: CountsReference,
    window: Columns,
) -> Result:
    """Return how `window` compares with the reference, both of zeros and ones."""
    chosen = selected(window, reference.kinds)
    require_binary(chosen)
    counted = CountsReference.of(chosen, rows_of(chosen, "window"))
    tests = [
        feature(
            name,
            ones(reference, name),
            ones(counted, name),
            settings.alternative,
            settings.least,
        )
        for name in reference.kinds
    ]
    return feature_tests.result(detector, settings, tests, (reference.rows, counted.rows))


def require_binary(columns: Columns) -> None:
    """Refuse columns that hold anything but zeros, ones and missing values.

    Raises:
        DataError: some do, all of them named.
    """
    wrong = [name for name, column in columns.items() if not _is_binary(np.asarray(column))]
    if wrong:
        raise DataError(f"features {shown(wrong)}: values other than 0 and 1; use chi_squared")


def _is_binary(column: NDArray[np.generic]) -> bool:
    return set(np.unique(categories(column)).tolist()) <= {ZERO, ONE}


def ones(counted: CountsReference, name: str) -> tuple[int, int]:
    """Return how many ones a feature has, and of how many values."""
    counts = counted.counts[name]
    return int(counts[counted.kinds[name] == ONE].sum()), int(counts.sum())


def feature(
    name: str,
    reference: tuple[int, int],
    window: tuple[int, int],
    alternative: feature_tests.Alternative,
    least: float,
) -> feature_tests.FeatureTest:
    """Return the test of one feature, given as (ones, rows) of reference and window."""
    from scipy.special import chdtrc
    from scipy.stats import fisher_exact

    rows = (reference[1], window[1])
    if min(rows) == 0:
        return feature_tests.untested(name, rows, "difference of shares", least)
    table = [[window[0], reference[0]], [window[1] - window[0], reference[1] - reference[0]]]
    odds, p_value = fisher_exact(table, alternative=alternative)
    # A share's variance is at most 1/4, which bounds the normal approximation's p-value.
    smallest = 4 * least**2 * effect_sizes.effective_rows(*rows)
    return feature_tests.FeatureTest(
        feature=name,
        statistic=float(odds),
        p_value=float(p_value),
        effect=effect_sizes.difference_of_shares(reference, window, least),
        rows=rows,
        significant_least=float(chdtrc(1, smallest)),
    )
