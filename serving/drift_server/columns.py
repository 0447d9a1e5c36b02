"""Values out of JSON as arrays, whatever they are. Pure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
NUMBERS = {int, float, bool, type(None)}


def column(values: Sequence[Any]) -> Array:
    """Return one value a row as an array of numbers, or of objects where there are others.

    Args:
        values: numbers, bool, str, bytes, None, dictionaries and lists of these.

    Returns:
        An array of len(values) rows. A None among numbers is NaN; numbers of one shape keep it.
    """
    # Looked at before numpy does: of one long text among many short ones it makes long ones.
    if not _leaf_types(values) <= NUMBERS:
        return _objects(values)
    try:
        found = np.array(values)
        return found.astype(float) if found.dtype.kind == "O" else found
    except (ValueError, TypeError, OverflowError):
        return _objects(values)  # Rows of different shapes, or whole numbers beyond any float.


def _leaf_types(values: Sequence[Any]) -> set[type]:
    types = set(map(type, values))
    if list in types:
        types.remove(list)
        inner = [_leaf_types(value) for value in values if type(value) is list]
        types = types.union(*inner)
    return types


def _objects(values: Sequence[Any]) -> Array:
    found = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        found[row] = value
    return found
