"""Outputs of a signature as columns: one value a row, or a list of them. Pure.

A list holds a row's values in C order. Types are those that Parquet and PostgreSQL both have.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kanaria.components.shared.errors import DataError, shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """One output of a signature.

    Attributes:
        name: of the output and of its column.
        dtype: numpy's type; object for text.
        shape: with the rows first and None for a free size; None when the rank is free too.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...] | None

    @property
    def is_scalar(self) -> bool:
        """Whether a row has one value, as of shape [rows] or [rows, 1]."""
        return self.shape is not None and all(size == 1 for size in self.shape[1:])

    def type(self) -> pa.DataType:
        """Return the type of the column.

        Raises:
            DataError: there is none, as for complex numbers.
        """
        value = _value_type(self)
        return value if self.is_scalar else pa.list_(value)


def _value_type(output: Output) -> pa.DataType:
    dtype = output.dtype
    if dtype.kind in "OSU":
        return pa.string()
    if dtype.kind == "b":
        return pa.bool_()
    if dtype.kind in "iu":
        return pa.int64()
    if dtype == np.float64:
        return pa.float64()
    if dtype.kind == "f" or dtype.name == "bfloat16":
        return pa.float32()
    raise DataError(
        f"output {shown(output.name)}: {dtype.name} has no form in Parquet and PostgreSQL; sign "
        "numbers, booleans or text"
    )


def _texts(output: Output, values: NDArray[Any]) -> pa.Array:
    binary = pa.array(values.tolist(), pa.binary())
    try:
        return binary.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise DataError(
            f"output {shown(output.name)}: a value is no UTF-8 text; sign it encoded, for instance "
            "by tf.io.encode_base64"
        ) from error


def _values(output: Output, values: NDArray[Any]) -> pa.Array:
    kind = _value_type(output)
    if pa.types.is_string(kind):
        return _texts(output, values)
    if pa.types.is_int64(kind) and values.size and values.max() > np.iinfo(np.int64).max:
        raise DataError(
            f"output {shown(output.name)}: {values.max()} needs more than 63 bits; sign int64"
        )
    return pa.array(values.astype(kind.to_pandas_dtype()), kind, from_pandas=False)


def column(output: Output, values: NDArray[Any]) -> pa.Array:
    """Return the column of some rows.

    Args:
        output: the output.
        values: its values, shape (rows, ...).

    Raises:
        DataError: a text is no UTF-8, or an integer needs more than 63 bits.
    """
    rows, flat = len(values), _values(output, values.reshape(-1))
    if output.is_scalar:
        return flat
    size = len(flat) // rows if rows else 0
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1) * size, pa.int32()), flat)
