"""The reference of multivariate tests: whole rows, in an order that depends on their values alone.

A test of all features together needs whole rows, so a row with a missing value, or one too large to
be squared, is left out; how many were is the difference between the rows of a result and of its
feature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.data.decimals import plain
from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift.detector import Columns, Floats
from kanaria.serving.drift.multivariate import kernels
from kanaria.serving.drift.references.sorted_reference import same_features
from kanaria.serving.drift.table_columns import (
    KINDS_OF_NUMBERS,
    is_numeric,
    numbers_in_order,
    rows_of,
    selected,
)

FARTHEST = 1e100
"""Values that are no farther from zero can be squared and summed."""


# Without slots, which would leave no place for what is computed once.
@dataclass(frozen=True, kw_only=True, eq=False)
class Space:
    """Where distances between rows are taken.

    Attributes:
        origin: a value for each feature; distances do not depend on it, their rounding does.
        unit: the length of one, for each feature.
        points: the reference rows, placed here.
    """

    origin: Floats
    unit: Floats
    points: Floats

    @classmethod
    def around(cls, values: Floats, unit: Floats) -> Self:
        """Return the space of reference rows `values`, centred on their mean."""
        origin = values.mean(axis=0) if len(values) else np.zeros(values.shape[1])
        return cls(origin=origin, unit=unit, points=(values - origin) / unit)

    def placed(self, values: Floats) -> Floats:
        """Return where other rows are."""
        placed: Floats = (values - self.origin) / self.unit
        return placed

    @cached_property
    def bandwidth(self) -> float:
        """The median heuristic's, of the reference rows."""
        return kernels.median_bandwidth(self.points)


@dataclass(frozen=True, kw_only=True, eq=False)
class RowsReference:
    """Whole rows.

    Attributes:
        features: names of the columns.
        values: rows without missing values, in ascending order, (rows, features) of float64.
        rows: with those left out.
    """

    features: tuple[str, ...]
    values: Floats
    rows: int

    @classmethod
    def of(cls, columns: Columns) -> Self:
        """Return the reference of `columns`, which hold numbers.

        Raises:
            DataError: there are no rows, or columns of text, all of them named.
        """
        count = rows_of(columns, "reference")
        return cls(features=tuple(columns), values=whole_rows(columns), rows=count)

    def whole(self, window: Columns) -> tuple[Floats, int]:
        """Return the whole rows of `window`, and the number of all its rows.

        Raises:
            DataError: it lacks columns, or holds text.
        """
        chosen = selected(window, self.features)
        return whole_rows(chosen), rows_of(chosen, "window")

    @cached_property
    def plain(self) -> Space:
        """Distances of the values as they are."""
        return Space.around(self.values, np.ones(len(self.features)))

    @cached_property
    def standardised(self) -> Space:
        """Distances in standard deviations; a constant feature keeps its own unit."""
        deviations = self.values.std(axis=0) if len(self.values) else np.ones(len(self.features))
        return Space.around(self.values, np.where(deviations > 0, deviations, 1.0))

    def merged(self, other: Self) -> Self:
        """Return the reference of the rows of both, which have the same features."""
        same_features(dict.fromkeys(self.features), dict.fromkeys(other.features))
        return type(self)(
            features=self.features,
            values=_ascending(np.concatenate([self.values, other.values])),
            rows=self.rows + other.rows,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all it holds as arrays."""
        features = np.array(self.features, dtype=str)
        return {"features": features, "values": self.values, "rows": np.array(self.rows)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the reference that `arrays` came from."""
        return cls(
            features=tuple(arrays["features"].tolist()),
            # What an earlier release kept may have another form of a float32.
            values=_ascending(plain(arrays["values"])),
            rows=int(arrays["rows"]),
        )


def whole_rows(columns: Columns) -> Floats:
    """Return the rows without missing or too large values, in ascending order.

    Raises:
        DataError: columns do not hold numbers, all of them named.
    """
    text = [name for name, column in columns.items() if not _holds_numbers(column)]
    if text:
        raise DataError(f"features {shown(text)}: no numbers; encode them, or leave them out")
    values = np.stack([numbers_in_order(column, name) for name, column in columns.items()], axis=1)
    # NaN is not within anything.
    return _ascending(values[(np.abs(values) <= FARTHEST).all(axis=1)])


def _holds_numbers(column: NDArray[Any]) -> bool:
    return column.dtype.kind in KINDS_OF_NUMBERS or is_numeric(column)


def _ascending(values: Floats) -> Floats:
    # -0.0 equals 0.0 but has other bits; the sum makes it 0.0.
    ordered: Floats = values[np.lexsort(values.T[::-1])] + 0.0
    return ordered
