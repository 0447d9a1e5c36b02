"""What the 32-bit floats of a tf.Example, which every later step reads, make of 64-bit ones.

A fraction is rounded, which is what floats are for. A number beyond them would be infinite, so it
is refused. A whole number that is rounded may be a name, and one that becomes 0 has no logarithm:
both are named in a warning.
"""

import logging

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.ingest import typed_values
from kanaria.components.shared.errors import DataError, shown

logger = logging.getLogger(__name__)


def _values(column: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """Return the finite values of a column of floats, shape (values,); None for another type."""
    plain = pc.list_flatten(column) if typed_values.is_list(column.type) else column
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


def _is_rounded(name: str, column: pa.ChunkedArray) -> bool:
    values = _values(column)
    if values is None:
        return False
    narrowed = _narrowed(values, name)
    lost = (values == np.floor(values)) | (narrowed == 0)
    changed = np.flatnonzero(lost & (narrowed != values))
    if changed.size:
        before, after = values[changed[0]], float(narrowed[changed[0]])
        logger.warning(
            "column %s: %d values such as %r become another number, here %r, as 32-bit floats; "
            "for ids give column_types int64 or string",
            *(shown(name), changed.size, before, after),
        )
    return bool(changed.size)


def rounded_columns(table: pa.Table) -> tuple[str, ...]:
    """Return the columns with whole numbers that 32-bit floats change, or values they make 0.

    Raises:
        DataError: a value is beyond 32-bit floats.
    """
    return tuple(name for name in table.column_names if _is_rounded(name, table[name]))
