"""Values out of JSON as arrays, whatever they are. Pure.

A column has one form whatever a client made of it: axes of one are dropped, so that [5] is 5, and
rows that lack a value have a missing one in the others' shape.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
NUMBERS = {int, float, bool, type(None)}
LARGEST_EXACT = 2.0**53
"""Whole numbers beyond it are not exact as floats."""
Shape = tuple[int, ...]


def column(values: Sequence[Any]) -> Array:
    """Return one value a row as an array of numbers, or of objects where there are others.

    Args:
        values: numbers, bool, str, bytes, None, dictionaries and lists of these.

    Returns:
        An array of len(values) rows. A None among numbers is NaN; values of one shape keep it, but
        for axes of one. Whole numbers that floats would round are objects beside a None.
    """
    types = _leaf_types(values)
    # Looked at before numpy does: of one long text among many short ones it makes long ones.
    if types <= NUMBERS:
        try:
            return squeezed(_numbers(values, types))
        except (ValueError, TypeError, OverflowError):
            pass  # Rows of different shapes, or whole numbers beyond any float.
    return _objects(values)


def squeezed(array: Array) -> Array:
    """Return an array without axes of one; the first axis is the rows."""
    return array.reshape(len(array), *(size for size in array.shape[1:] if size != 1))


def concatenated(parts: Sequence[Array]) -> Array | None:
    """Return arrays of numbers one after the other, None where that would round whole numbers."""
    kind = np.result_type(*parts).kind
    if kind == "f" and any(part.dtype.kind in "iu" and _is_rounded(part) for part in parts):
        return None
    return np.concatenate(parts)


def _is_rounded(array: Array) -> bool:
    return bool((np.abs(array.astype(float)) >= LARGEST_EXACT).any())


def _numbers(values: Sequence[Any], types: set[type]) -> Array:
    array = np.array(values)
    if array.dtype.kind == "O":
        array = array.astype(float)
    if int in types and array.dtype.kind == "f" and _is_rounded(array):
        raise OverflowError
    return array


def _leaf_types(values: Sequence[Any]) -> set[type]:
    types = set(map(type, values))
    if list in types:
        types.remove(list)
        inner = [_leaf_types(value) for value in values if type(value) is list]
        types = types.union(*inner)
    return types


def _objects(values: Sequence[Any]) -> Array:
    """Return values as objects; those of one shape, without axes of one, as numbers if they are."""
    plain = [_unwrapped(value) for value in values]
    shapes = {_shape(value) for value in plain if value is not None}
    shape = shapes.pop() if len(shapes) == 1 else None
    rows = [value if value is not None or not shape else _missing(shape) for value in plain]
    types = _leaf_types(rows)
    if types <= NUMBERS and shape is not None:
        try:
            return squeezed(_numbers(rows, types))
        except (ValueError, TypeError, OverflowError):
            pass
    array = np.empty((len(rows), *(shape or ())), dtype=object)
    for row, value in enumerate(rows):
        array[row] = value
    return array


def _unwrapped(value: Any) -> Any:
    while type(value) is list and len(value) == 1:
        value = value[0]
    return [_unwrapped(one) for one in value] if type(value) is list else value


def _shape(value: Any) -> Shape | None:
    """Return the sizes of nested lists; None where inner ones differ."""
    if type(value) is not list:
        return ()
    inner = {_shape(one) for one in value}
    if len(inner) > 1:
        return None
    shape = inner.pop() if inner else ()
    return None if shape is None else (len(value), *shape)


def _missing(shape: Shape) -> Any:
    """Return nested lists of nothing."""
    return [_missing(shape[1:]) for _ in range(shape[0])] if shape else None
