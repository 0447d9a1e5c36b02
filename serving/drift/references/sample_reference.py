"""The reference of a detector that learns: a bounded sample of whole rows.

Each row has a place that follows from a hash of its values and from how many equal rows came
before it; the rows with the smallest places are kept. So every row is as likely to be kept as
any other, whatever their order, and samples merge (bottom-k sampling, Cohen and Kaplan 2007).
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.data.decimals import plain
from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.category_texts import text_of
from kanaria.serving.drift.detector import Columns
from kanaria.serving.drift.references.row_hashes import mixed
from kanaria.serving.drift.references.sorted_reference import same_features
from kanaria.serving.drift.table_columns import (
    is_numeric,
    kinds_among,
    numbers_in_order,
    rows_of,
    selected,
    texts,
)

Places = NDArray[np.uint64]
FORM = 2
"""Of the values in a file: as `table_columns` has them; the first form had texts such as "1.0"."""
OF_FLOAT = re.compile(r"-?[0-9]+\.[0-9]+(e[-+][0-9]+)?")
"""How a float is told as text."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SampleReference:
    """A uniform sample of rows.

    Attributes:
        columns: feature -> its values in the sample: float64, or text for categories.
        contents: hash of each row's values.
        places: of each row, ascending.
        limit: rows kept at most.
        rows: that the sample is of.
    """

    columns: Columns
    contents: Places
    places: Places
    limit: int
    rows: int

    @classmethod
    def of(cls, columns: Columns, categorical: tuple[str, ...], limit: int) -> Self:
        """Return a sample of at most `limit` of the rows of `columns`.

        Raises:
            DataError: there are no rows, or categorical columns are absent.
        """
        count = rows_of(columns, "reference")
        kinds = kinds_among(columns, categorical)
        held = {
            name: texts(column) if name in kinds else numbers_in_order(column, name)
            for name, column in columns.items()
        }
        return cls._smallest(held, _hashed(held, count), None, limit, count)

    def like(self, window: Columns) -> Self:
        """Return a sample of a window's rows with the columns of this one, of the same kinds.

        Raises:
            DataError: the window lacks columns, or has text where this one has numbers.
        """
        chosen = selected(window, self.columns)
        kinds = tuple(name for name, column in self.columns.items() if not is_numeric(column))
        for name in self.columns.keys() - set(kinds):
            numbers_in_order(chosen[name], name)
        return type(self).of(chosen, kinds, self.limit)

    @classmethod
    def _smallest(
        cls, columns: Columns, contents: Places, places: Places | None, limit: int, rows: int
    ) -> Self:
        hashes = _places(contents) if places is None else places
        order = np.argsort(hashes, kind="stable")[:limit]
        return cls(
            columns={name: column[order] for name, column in columns.items()},
            contents=contents[order],
            places=hashes[order],
            limit=limit,
            rows=rows,
        )

    def merged(self, other: Self) -> Self:
        """Return the sample of the rows of both, which have the same features and limit.

        It is the sample of all rows at once where both hold all of their rows or no row occurs
        twice; else it is another one of the same distribution.
        """
        same_features(self.columns, other.columns)
        if self.limit != other.limit:
            raise DataError(f"references: samples of {self.limit} and {other.limit} rows differ")
        whole = all(len(sample.places) == sample.rows for sample in (self, other))
        columns = {
            name: np.concatenate([column, other.columns[name]])
            for name, column in self.columns.items()
        }
        contents = np.concatenate([self.contents, other.contents])
        places = None if whole else np.concatenate([self.places, other.places])
        return self._smallest(columns, contents, places, self.limit, self.rows + other.rows)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all it holds as arrays."""
        held = {f"values_{i}": column for i, column in enumerate(self.columns.values())}
        return held | {
            "features": np.array(list(self.columns), dtype=str),
            "contents": self.contents,
            "places": self.places,
            "limit": np.array(self.limit),
            "rows": np.array(self.rows),
            "form": np.array(FORM),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the reference that `arrays` came from."""
        names = arrays["features"].tolist()
        return cls(
            columns={
                name: arrays[f"values_{i}"] if "form" in arrays else _formed(arrays[f"values_{i}"])
                for i, name in enumerate(names)
            },
            contents=arrays["contents"],
            places=arrays["places"],
            limit=int(arrays["limit"]),
            rows=int(arrays["rows"]),
        )


def _formed(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column of the first form as values are now."""
    if column.dtype.kind == "f":
        return plain(column)
    there = [text for text in np.unique(column).tolist() if text]
    if not all(OF_FLOAT.fullmatch(text) for text in there):
        return column
    return np.array([text_of(float(t)) if t else "" for t in column.tolist()], dtype=str)


def _hashed(columns: Columns, rows: int) -> Places:
    parts = [column for column in columns.values() if column.dtype.kind == "f"]
    # Adding zero makes -0 of 0, which are equal, the same bytes.
    numbers = np.stack(parts, axis=1) + 0.0 if parts else np.zeros((rows, 0))
    words = [column.tolist() for column in columns.values() if column.dtype.kind != "f"]
    said = zip(*words, strict=True) if words else [()] * rows
    digests = b"".join(
        hashlib.blake2b(row.tobytes() + "\0".join(text).encode(), digest_size=8).digest()
        for row, text in zip(numbers, said, strict=True)
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _places(contents: Places) -> Places:
    """Return the hash of each content and the number of equal ones before it."""
    order = np.argsort(contents, kind="stable")
    ordered = contents[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(first, append=len(ordered))
    repeated = np.empty(len(contents), dtype=np.uint64)
    repeated[order] = np.arange(len(ordered)) - np.repeat(first, lengths)
    # The number of a repetition is spread over all bits first, so that no two of them meet.
    return mixed(contents ^ np.where(repeated > 0, mixed(repeated), np.uint64(0)))
