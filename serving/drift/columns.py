"""Tables as columns: taking them from a matrix, and checking what a detector is given.

Missing values (NaN, None) belong to no distribution: tests leave them out, feature by feature.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift.protocol import Columns, Floats

KINDS_OF_NUMBERS = "biuf"


def from_matrix(matrix: ArrayLike, names: Iterable[str] | None = None) -> Columns:
    """Return the columns of `matrix`, named by position where `names` are not given.

    Args:
        matrix: of shape (rows, ...); further axes are flattened, as for images.
        names: as many as there are columns.

    Raises:
        DataError: the names are not as many as the columns.
    """
    array = np.asarray(matrix)
    flat = array.reshape(len(array), int(np.prod(array.shape[1:], dtype=int)))
    keys = tuple(names) if names is not None else tuple(str(i) for i in range(flat.shape[1]))
    if len(keys) != flat.shape[1]:
        raise DataError(f"matrix: {len(keys)} names for {flat.shape[1]} columns; give one each")
    return dict(zip(keys, flat.T, strict=True))


def rows_of(columns: Columns, where: str) -> int:
    """Return the number of rows.

    Raises:
        DataError: there are no columns or rows, or the columns differ in length.
    """
    lengths = {name: len(column) for name, column in columns.items()}
    if not lengths or min(lengths.values()) == 0:
        raise DataError(f"{where}: it has no rows or no columns; give at least one of each")
    if len(set(lengths.values())) > 1:
        raise DataError(f"{where}: columns of {shown(lengths)} rows; give all the same number")
    return next(iter(lengths.values()))


def selected(window: Columns, features: Iterable[str]) -> Columns:
    """Return the columns of `window` that the reference knows, in the reference's order.

    Raises:
        DataError: columns are missing or have no rows, all of them named.
    """
    wanted = tuple(features)
    absent = [name for name in wanted if name not in window]
    if absent:
        raise DataError(f"window: it lacks the reference's columns {shown(absent)}; send them")
    chosen = {name: window[name] for name in wanted}
    rows_of(chosen, "window")
    return chosen


def is_numeric(column: NDArray[Any]) -> bool:
    """Whether a column holds numbers; booleans and strings are categories."""
    return column.dtype.kind in "iuf"


def kinds_among(columns: Columns, categorical: tuple[str, ...]) -> set[str]:
    """Return the names of the columns that hold categories: `categorical` and all but numbers.

    Raises:
        DataError: columns of `categorical` are absent, all of them named.
    """
    unknown = [name for name in categorical if name not in columns]
    if unknown:
        raise DataError(f"reference: it lacks the categorical columns {shown(unknown)}")
    return {name for name, c in columns.items() if name in categorical or not is_numeric(c)}


def flat(columns: Columns) -> Columns:
    """Return columns of one value a row: "x.0", "x.1" and so on of an "x" with several a row."""
    found: dict[str, NDArray[Any]] = {}
    for name, column in columns.items():
        parts = np.asarray(column).reshape(len(column), -1).T
        found |= {name if len(parts) == 1 else f"{name}.{i}": part for i, part in enumerate(parts)}
    return found


def numbers(column: NDArray[Any], feature: str) -> Floats:
    """Return the values that are there, ascending.

    Raises:
        DataError: the column does not hold one number a row.
    """
    values = np.sort(numbers_in_order(column, feature))
    # NaN sorts to the end, so the first of them ends the values.
    return values[: np.searchsorted(values, np.nan)]


def numbers_in_order(column: NDArray[Any], feature: str) -> Floats:
    """Return the values as they come, float64; those missing are NaN.

    Raises:
        DataError: the column does not hold one number a row.
    """
    array = np.asarray(column)
    if array.dtype.kind not in KINDS_OF_NUMBERS:
        raise DataError(f"feature {feature!r}: {array.dtype} values; a number is needed")
    if array.ndim != 1:
        raise DataError(f"feature {feature!r}: values of shape {array.shape[1:]}; use columns.flat")
    return array.astype(np.float64)


def texts(column: NDArray[Any]) -> NDArray[Any]:
    """Return the values as text; numbers that are equal have equal text, missing ones are empty."""
    array = np.asarray(column)
    if array.dtype.kind in KINDS_OF_NUMBERS:
        array = array.astype(np.float64)
    found = [
        "" if gone else _text(value) for value, gone in zip(array, missing(array), strict=True)
    ]
    return np.array(found, dtype=str)


def matrix(columns: Columns, features: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the columns of `features` as a matrix of numbers, a row each.

    Raises:
        DataError: columns are missing, or hold no numbers.
    """
    chosen = {name: np.asarray(column) for name, column in selected(columns, features).items()}
    kinds = {
        name: column.dtype
        for name, column in chosen.items()
        if column.dtype.kind not in KINDS_OF_NUMBERS
    }
    if kinds:
        listed = ", ".join(f"{name!r} ({kind})" for name, kind in kinds.items())
        raise DataError(f"rows: features {listed} hold no numbers; send numbers")
    return np.column_stack([column.astype(np.float64) for column in chosen.values()])


def categories(column: NDArray[Any]) -> NDArray[Any]:
    """Return the values that are there: numbers as they are, anything else as text."""
    array = np.asarray(column)
    if array.dtype.kind == "f":
        return array[~missing(array)]
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8", "backslashreplace")
    if array.dtype.kind == "O":
        return np.array([_text(value) for value in array[~missing(array)]], dtype=str)
    return array


def missing(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows have no value: NaN or None."""
    array = np.asarray(column)
    if array.dtype.kind == "f":
        return np.isnan(array)
    if array.dtype.kind == "O":
        # Only what is not a number differs from itself.
        return np.array([value is None or value != value for value in array], dtype=bool)
    return np.zeros(len(array), dtype=bool)


def _text(value: object) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
