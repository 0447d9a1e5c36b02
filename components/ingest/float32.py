"""What the 32-bit floats of a tf.Example, which every later step reads, make of 64-bit ones.

A fraction is rounded, which is what floats are for. A number beyond them would be infinite, so it
is refused. A whole number that is rounded may be a name, and one that becomes 0 has no logarithm:
both are named in a warning.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.ingest import native_column_types
from kanaria.components.shared.errors import DataError, shown

logger = logging.getLogger(__name__)


def _values(column: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """Return the finite values of a column of floats, shape (values,); None for another type."""
    plain = pc.list_flatten(column) if native_column_types.is_list(column.type) else column
    if plain.type != pa.float64():
        return None
    values = plain.drop_null().to_numpy()
    return values[np.isfinite(values)]


def _narrowed(values: NDArray[np.float64], name: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore", under="ignore"):
        narrowed = values.astype(np.float32)
    beyond = values[np.isinf(narrowed)]
    if beyond.size:
        raise DataError(
            f"column {shown(name)} holds {beyond[0]}, beyond the 32-bit floats of a tf.Example; "
            f"scale it, or keep it as text: column_types={{{name!r}: 'string'}}"
        )
    return narrowed


@dataclass(slots=True)
class _Changed:
    """Values that 32-bit floats change: how many, and the first with what it becomes."""

    count: int
    before: float
    after: float


class Rounding:
    """Looks for whole numbers that 32-bit floats change, and values that they make 0."""

    def __init__(self) -> None:
        """Begin with no rows."""
        self._changed: dict[str, _Changed] = {}

    def add(self, table: pa.Table) -> None:
        """Look at rows.

        Raises:
            DataError: a value is beyond 32-bit floats.
        """
        for name, column in zip(table.column_names, table.columns, strict=True):
            values = _values(column)
            if values is not None:
                self._add(name, values)

    def _add(self, name: str, values: NDArray[np.float64]) -> None:
        narrowed = _narrowed(values, name)
        lost = (values == np.floor(values)) | (narrowed == 0)
        changed = np.flatnonzero(lost & (narrowed != values))
        if changed.size:
            first = changed[0]
            new = _Changed(count=0, before=values[first], after=float(narrowed[first]))
            self._changed.setdefault(name, new).count += int(changed.size)

    def columns(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of `names` that have such values; each is told in a warning."""
        changed = tuple(name for name in names if name in self._changed)
        for name in changed:
            one = self._changed[name]
            logger.warning(
                "column %s: %d values such as %r become another number, here %r, as 32-bit "
                "floats; for ids give column_types int64 or string",
                *(shown(name), one.count, one.before, one.after),
            )
        return changed
