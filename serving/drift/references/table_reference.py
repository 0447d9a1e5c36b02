"""The reference of a table of numbers and categories."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kanaria.serving.drift.detector import Columns
from kanaria.serving.drift.references.counts_reference import CountsReference
from kanaria.serving.drift.references.sorted_reference import SortedReference
from kanaria.serving.drift.table_columns import kinds_among, rows_of


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TableReference:
    """Sorted values of the numbers, counts of the categories.

    Attributes:
        numbers: of the numeric features.
        categories: of the others.
        features: of both, in the order of the results.
    """

    numbers: SortedReference
    categories: CountsReference
    features: tuple[str, ...]

    @classmethod
    def of(cls, columns: Columns, categorical: tuple[str, ...]) -> Self:
        """Return the reference of `columns`.

        Args:
            columns: numbers, text and booleans.
            categorical: columns of numbers that are categories; text and booleans always are.

        Raises:
            DataError: there are no rows, or categorical columns are absent.
        """
        rows = rows_of(columns, "reference")
        kinds = kinds_among(columns, categorical)
        return cls(
            numbers=SortedReference.of({n: c for n, c in columns.items() if n not in kinds}, rows),
            categories=CountsReference.of({n: c for n, c in columns.items() if n in kinds}, rows),
            features=tuple(columns),
        )

    @property
    def rows(self) -> int:
        """The number of rows, with or without values."""
        return self.numbers.rows

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
        numbers = SortedReference.from_arrays(_part(arrays, "numbers."))
        categories = CountsReference.from_arrays(_part(arrays, "categories."))
        return cls(
            numbers=numbers, categories=categories, features=tuple(arrays["features"].tolist())
        )


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Mapping[str, NDArray[Any]]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
