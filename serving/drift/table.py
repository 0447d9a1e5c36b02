"""A table of numbers and categories: Kolmogorov-Smirnov for the one, chi-squared for the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift import chi_squared, kolmogorov_smirnov, univariate
from kanaria.serving.drift.columns import is_numeric, rows_of, selected
from kanaria.serving.drift.counted import CountedReference
from kanaria.serving.drift.ordered import OrderedReference
from kanaria.serving.drift.protocol import Columns, Result


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TableReference:
    """Sorted values of the numbers, counts of the categories.

    Attributes:
        numbers: of the numeric features.
        categories: of the others.
        features: of both, in the order of the results.
    """

    numbers: OrderedReference
    categories: CountedReference
    features: tuple[str, ...]

    def merged(self, other: Self) -> Self:
        """Return the reference of the rows of both, which have the same features."""
        return type(self)(
            numbers=self.numbers.merged(other.numbers),
            categories=self.categories.merged(other.categories),
            features=self.features,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all it holds as arrays."""
        held = {f"numbers.{key}": value for key, value in self.numbers.arrays().items()}
        held |= {f"categories.{key}": value for key, value in self.categories.arrays().items()}
        return held | {"features": np.array(self.features, dtype=str)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the reference that `arrays` came from."""
        numbers = OrderedReference.from_arrays(_part(arrays, "numbers."))
        categories = CountedReference.from_arrays(_part(arrays, "categories."))
        return cls(
            numbers=numbers, categories=categories, features=tuple(arrays["features"].tolist())
        )


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Mapping[str, NDArray[Any]]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Table(univariate.SidedSettings):
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
        count = rows_of(rows, "reference")
        unknown = [name for name in self.categorical if name not in rows]
        if unknown:
            raise DataError(f"reference: it lacks the categorical columns {shown(unknown)}")
        kinds = {name for name, c in rows.items() if name in self.categorical or not is_numeric(c)}
        return TableReference(
            numbers=OrderedReference.of({n: c for n, c in rows.items() if n not in kinds}, count),
            categories=CountedReference.of({n: c for n, c in rows.items() if n in kinds}, count),
            features=tuple(rows),
        )

    def test(self, reference: TableReference, window: Columns) -> Result:
        """Return how `window` compares with the reference."""
        chosen = selected(window, reference.features)
        tests = kolmogorov_smirnov.features(
            reference.numbers.values, chosen, self.alternative, self.least
        ) + chi_squared.features(reference.categories, chosen, self.least)
        found = {test.feature: test for test in tests}
        ordered = [found[name] for name in reference.features]
        rows = (reference.numbers.rows, rows_of(chosen, "window"))
        return univariate.result(self.name, self, ordered, rows)
