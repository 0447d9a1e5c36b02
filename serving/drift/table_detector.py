"""A table of numbers and categories: Kolmogorov-Smirnov for the one, chi-squared for the other.

Where reference or window lack values of a feature, the share that is missing is tested too, as a
feature of its own named "<feature> (missing)". Without any missing value that test could not
alarm, so it is not counted in the correction either (Tarone 1990).
"""

from dataclasses import dataclass

from kanaria.serving.drift.detector import Columns, Result
from kanaria.serving.drift.references.table_reference import TableReference
from kanaria.serving.drift.table_columns import rows_of, selected
from kanaria.serving.drift.univariate import (
    chi_squared,
    feature_tests,
    kolmogorov_smirnov,
    missing_values,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Table(feature_tests.SidedSettings):
    """Tests each feature by its kind, all of them under one correction.

    Attributes:
        categorical: features of numbers that are categories; text and booleans always are.
    """

    categorical: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the detector."""
        return "table"

    def fit(self, rows: Columns) -> TableReference:
        """Return the reference of `rows`."""
        return TableReference.of(rows, self.categorical)

    def test(self, reference: TableReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        chosen = selected(window, reference.features)
        tests = kolmogorov_smirnov.features(
            reference.numbers.values, chosen, self.alternative, self.least
        ) + chi_squared.features(reference.categories, chosen, self.least)
        tests_by_feature = {test.feature: test for test in tests}
        ordered = [tests_by_feature[name] for name in reference.features]
        rows = (reference.rows, rows_of(chosen, "window"))
        ordered += missing_values.beside(ordered, rows, self.least)
        return feature_tests.result(self.name, self, ordered, rows)
