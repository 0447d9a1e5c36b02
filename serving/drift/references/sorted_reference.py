"""The reference of numbers: their sorted values, from which any test of ranks follows exactly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.data.decimals import plain
from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift.detector import Columns, Floats
from kanaria.serving.drift.table_columns import numbers


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SortedReference:
    """Sorted values.

    Attributes:
        values: feature -> the values that were there, ascending, float64.
        rows: with or without values.
    """

    values: Mapping[str, Floats]
    rows: int

    @classmethod
    def of(cls, columns: Columns, rows: int) -> Self:
        """Return the reference of `columns`, which hold numbers in `rows` rows."""
        values = {name: numbers(column, name) for name, column in columns.items()}
        return cls(values=values, rows=rows)

    def merged(self, other: Self) -> Self:
        """Return the reference of the rows of both, which have the same features."""
        same_features(self.values, other.values)
        values = {
            name: np.sort(np.concatenate([mine, other.values[name]]), kind="stable")
            for name, mine in self.values.items()
        }
        return type(self)(values=values, rows=self.rows + other.rows)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all it holds as arrays."""
        held = {f"values_{i}": values for i, values in enumerate(self.values.values())}
        names = np.array(list(self.values), dtype=str)
        return held | {"features": names, "rows": np.array(self.rows)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the reference that `arrays` came from."""
        names = arrays["features"].tolist()
        # What an earlier release kept may have another form of a float32.
        values = {name: np.sort(plain(arrays[f"values_{i}"])) for i, name in enumerate(names)}
        return cls(values=values, rows=int(arrays["rows"]))


def same_features(first: Mapping[str, object], second: Mapping[str, object]) -> None:
    """Refuse to merge references of different features.

    Raises:
        DataError: they differ.
    """
    if list(first) != list(second):
        differing = sorted(set(first) ^ set(second)) or list(second)
        raise DataError(f"references: features {shown(differing)} differ or are in another order")
