"""Missing values: did the share of rows without a value change?

Fisher's exact test on which rows lack a value, a feature at a time. The other detectors leave
missing values out, so a column that suddenly is empty in a third of the rows shows here only, and
in `table`, which asks both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kanaria.serving.drift.detector import Columns, Result
from kanaria.serving.drift.references.counts_reference import CountsReference
from kanaria.serving.drift.table_columns import missing, rows_of
from kanaria.serving.drift.univariate import feature_tests, fisher_exact


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingValues(feature_tests.SidedSettings):
    """Tests each feature of any kind; its effect is the difference of the shares missing.

    With the alternative "greater" only more missing values in the window matter, with "less"
    only fewer.
    """

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "missing_values"

    def fit(self, rows: Columns) -> CountsReference:
        """Return the reference of `rows`: how many of them lack a value."""
        return CountsReference.of(_masks(rows), rows_of(rows, "reference"))

    def test(self, reference: CountsReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        return fisher_exact.compared(self.name, self, reference, _masks(window))


def _masks(columns: Columns) -> Columns:
    return {name: missing(column) for name, column in columns.items()}


def beside(
    tests: Sequence[feature_tests.FeatureTest], rows: tuple[int, int], least: float
) -> list[feature_tests.FeatureTest]:
    """Return the tests of missing values of those features that lack any, named "x (missing)".

    Args:
        tests: of the values that are there.
        rows: of reference and window, with or without values.
        least: smallest difference of shares that matters.
    """
    return [
        fisher_exact.feature(
            f"{test.feature} (missing)",
            (rows[0] - test.rows[0], rows[0]),
            (rows[1] - test.rows[1], rows[1]),
            "two-sided",
            least,
        )
        for test in tests
        if test.rows != rows
    ]
