"""Rows of examples as codes for the explainers, and as values for people."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from kanaria.components.shared.artifacts.serving_samples import as_json
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.explanation.coded_rows import Codes, coded


class RowTable:
    """Background and explained rows below each other; a code of a feature is a row's number."""

    def __init__(self, background: pa.RecordBatch, rows: pa.RecordBatch, features: Sequence[str]):
        """Code the rows.

        Args:
            background: rows as lists (see `shared.data.record_batches`).
            rows: those that are explained, likewise.
            features: the columns that the signature takes.

        Raises:
            DataError: a feature is no column.
        """
        self.features = tuple(features)
        missing = sorted(set(features) - set(rows.schema.names))
        missing += sorted(set(features) - set(background.schema.names) - set(missing))
        if missing:
            raise DataError(
                f"inputs {shown(missing)} are no columns of the examples; give examples that hold "
                "them: transformed examples for a signature behind the transform"
            )
        pairs = [(background.column(name), rows.column(name)) for name in features]
        self._columns = [pa.concat_arrays([first, _as(second, first)]) for first, second in pairs]
        codes = coded([_keys(column) for column in self._columns])
        self.background: Codes = codes[: background.num_rows]
        self.rows: Codes = codes[background.num_rows :]

    def batch(self, codes: Codes) -> pa.RecordBatch:
        """Return the rows that codes stand for."""
        taken = [column.take(pa.array(codes[:, n])) for n, column in enumerate(self._columns)]
        return pa.RecordBatch.from_arrays(taken, names=list(self.features))

    def shown(self, row: int) -> dict[str, Any]:
        """Return an explained row as JSON: name -> value, a list of several, or None."""
        return {
            name: _plain(column[len(self.background) + row].as_py())
            for name, column in zip(self.features, self._columns, strict=True)
        }


def _as(column: pa.Array, other: pa.Array) -> pa.Array:
    """A column without any value in one split has no type there."""
    return column if column.type == other.type else column.cast(other.type)


def _keys(column: pa.Array) -> list[Hashable]:
    return [_key(value) for value in column]


def _key(value: pa.Scalar) -> Hashable:
    """Return what tells a row's values from others; NaN is equal to NaN."""
    if not value.is_valid:
        return None
    items = value.values
    if pa.types.is_floating(items.type) or pa.types.is_integer(items.type):
        return items.to_numpy(zero_copy_only=False).tobytes()
    return tuple(items.to_pylist())


def _plain(values: list[Any] | None) -> Any:
    if not values:
        return None
    plain = [_finite(as_json(value)) for value in values]
    return plain[0] if len(plain) == 1 else plain


def _finite(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def texts(rows: pa.RecordBatch, column: str) -> list[list[str]]:
    """Return the values of a column as text, a list a row.

    Raises:
        DataError: there is no such column.
    """
    if column not in rows.schema.names:
        names = shown(sorted(rows.schema.names))
        raise DataError(f"slices: {shown(column)} is no column of the examples; there are {names}")
    return [[_text(value) for value in values or ()] for values in rows.column(column).to_pylist()]


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
