"""Tables as columns: taking them from a matrix, checking them, and the one form of their values.

Missing values (NaN, None) belong to no distribution: tests leave them out, feature by feature.
Numbers and categories have one form whatever carried them (`decimals`, `texts`), and whatever type
of array holds them: references are made of it, and windows are compared in it.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kanaria.components.shared.data import decimals
from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift.category_texts import text_of, texts_of
from kanaria.serving.drift.detector import Columns, Floats

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
    """Whether a column holds numbers; booleans and strings are categories.

    Among objects missing values tell nothing: a number beside None is one, None alone is none.
    """
    if column.dtype.kind != "O":
        return column.dtype.kind in "iuf"
    kinds = set(map(type, column.ravel()[~missing(column.ravel())]))
    return bool(kinds) and all(_is_of_numbers(kind) for kind in kinds)


def _is_of_numbers(kind: type) -> bool:
    return issubclass(kind, int | float | np.integer | np.floating) and kind is not bool


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
    parts_by_name: dict[str, NDArray[Any]] = {}
    for name, column in columns.items():
        parts = np.asarray(column).reshape(len(column), -1).T
        parts_by_name |= {
            name if len(parts) == 1 else f"{name}.{i}": part for i, part in enumerate(parts)
        }
    return parts_by_name


def numbers(column: NDArray[Any], feature: str) -> Floats:
    """Return the values that are there, ascending.

    Raises:
        DataError: the column does not hold one number a row.
    """
    values = np.sort(numbers_in_order(column, feature))
    # NaN sorts to the end, so the first of them ends the values.
    return values[: np.searchsorted(values, np.nan)]


def numbers_in_order(column: NDArray[Any], feature: str) -> Floats:
    """Return the values as they come, as `decimals.plain` has them; those missing are NaN.

    Raises:
        DataError: the column does not hold one number a row.
    """
    array = np.asarray(column)
    if array.dtype.kind == "O" and (is_numeric(array) or missing(array.ravel()).all()):
        array = _as_floats(array)
    if array.dtype.kind not in KINDS_OF_NUMBERS:
        raise DataError(f"feature {feature!r}: {array.dtype} values; a number is needed")
    if array.size == len(array):
        array = array.reshape(len(array))
    if array.ndim != 1:
        raise DataError(f"feature {feature!r}: values of shape {array.shape[1:]}; use columns.flat")
    return decimals.plain(array)


def _as_floats(values: NDArray[Any]) -> Floats:
    floats = [as_float(value) for value in values.ravel().tolist()]
    return np.array(floats, dtype=np.float64).reshape(values.shape)


def as_float(value: object) -> float:
    """Return a number as a float; what is none, and a whole number beyond any float, is NaN."""
    try:
        return float(value) if isinstance(value, bool | int | float) else math.nan
    except OverflowError:
        return math.nan


def texts(column: NDArray[Any]) -> NDArray[Any]:
    """Return each value's one text, see `texts`; missing ones are empty."""
    array = np.asarray(column)
    gone = missing(array)
    texts_of_rows = np.full(len(array), "", dtype=object)
    texts_of_rows[~gone] = categories(array)
    return texts_of_rows.astype(str)


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
    return np.column_stack([decimals.plain(column) for column in chosen.values()])


def categories(column: NDArray[Any]) -> NDArray[Any]:
    """Return the one text of each value that is there, see `texts`."""
    array = np.asarray(column)
    values = array[~missing(array)]
    if values.dtype.kind == "O":
        return texts_of(values.tolist())
    kinds, places = np.unique(values, return_inverse=True)
    return np.array([text_of(kind) for kind in kinds.tolist()], dtype=str)[places.ravel()]


def missing(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows have no value: NaN or None."""
    array = np.asarray(column)
    if array.dtype.kind == "f":
        return np.isnan(array)
    if array.dtype.kind == "O":
        return np.array([_is_missing(value) for value in array], dtype=bool)
    return np.zeros(len(array), dtype=bool)


def _is_missing(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return False
    # Only what is not a number differs from itself.
    return value is None or bool(value != value)
