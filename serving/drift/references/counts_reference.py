"""The reference of categories: how often each of them occurred."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kanaria.serving.drift.detector import Columns
from kanaria.serving.drift.references.sorted_reference import same_features
from kanaria.serving.drift.table_columns import categories

Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CountsReference:
    """Counts of categories.

    Attributes:
        kinds: feature -> its categories as texts, ascending, each once.
        counts: feature -> how often each of them occurred.
        rows: with or without values.
    """

    kinds: Mapping[str, NDArray[Any]]
    counts: Mapping[str, Counts]
    rows: int

    @classmethod
    def of(cls, columns: Columns, rows: int) -> Self:
        """Return the reference of `columns`, which have `rows` rows."""
        counts_by_name = {
            name: np.unique(categories(column), return_counts=True)
            for name, column in columns.items()
        }
        return cls(
            kinds={name: kinds for name, (kinds, _) in counts_by_name.items()},
            counts={name: counts for name, (_, counts) in counts_by_name.items()},
            rows=rows,
        )

    def merged(self, other: Self) -> Self:
        """Return the reference of the rows of both, which have the same features."""
        same_features(self.kinds, other.kinds)
        kinds, counts = {}, {}
        for name in self.kinds:
            kinds[name], both = side_by_side(
                (self.kinds[name], self.counts[name]), (other.kinds[name], other.counts[name])
            )
            counts[name] = both.sum(axis=0)
        return type(self)(kinds=kinds, counts=counts, rows=self.rows + other.rows)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all it holds as arrays."""
        held: dict[str, NDArray[Any]] = {
            "features": np.array(list(self.kinds), dtype=str),
            "rows": np.array(self.rows),
        }
        for i, name in enumerate(self.kinds):
            held |= {f"kinds_{i}": self.kinds[name], f"counts_{i}": self.counts[name]}
        return held

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the reference that `arrays` came from."""
        names = arrays["features"].tolist()
        counts_by_name = {
            name: _as_texts(arrays[f"kinds_{i}"], arrays[f"counts_{i}"])
            for i, name in enumerate(names)
        }
        return cls(
            kinds={name: kinds for name, (kinds, _) in counts_by_name.items()},
            counts={name: counts for name, (_, counts) in counts_by_name.items()},
            rows=int(arrays["rows"]),
        )


def _as_texts(kinds: NDArray[Any], counts: Counts) -> tuple[NDArray[Any], Counts]:
    """Return categories as texts, which in an earlier release may have been numbers."""
    texts, places = np.unique(categories(kinds), return_inverse=True)
    sums = np.zeros(len(texts), dtype=np.int64)
    np.add.at(sums, places, counts)
    return texts, sums


def side_by_side(
    first: tuple[NDArray[Any], Counts], second: tuple[NDArray[Any], Counts]
) -> tuple[NDArray[Any], Counts]:
    """Return the categories of both, and the counts of each in two rows.

    Args:
        first: categories as texts, each once, and their counts.
        second: the same.
    """
    pairs = [pair for pair in (first, second) if pair[0].size]
    kinds = np.unique(np.concatenate([pair[0] for pair in pairs])) if pairs else first[0]
    counts = np.zeros((2, len(kinds)), dtype=np.int64)
    for row, (own, held) in enumerate((first, second)):
        if own.size:
            counts[row, np.searchsorted(kinds, own)] = held
    return kinds, counts


def contingency_tables(reference: CountsReference, window: Columns) -> dict[str, Counts]:
    """Return for each feature the counts of reference and window by category, (2, categories)."""
    tables = {}
    for name, kinds in reference.kinds.items():
        counts = np.unique(categories(window[name]), return_counts=True)
        _, tables[name] = side_by_side((kinds, reference.counts[name]), counts)
    return tables
