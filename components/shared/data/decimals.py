"""One form of a number, whatever carried it: a float32 is the decimal that names it.

A request says 39.02 as JSON; a tensor, training examples and a client that computes in float32 say
39.02000045776367. A test of ranks would keep the two apart. So detectors take every number that is
exactly a float32 as the shortest decimal that names it, in references and in windows alike.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
DIGITS = (9, 8, 7, 6, 5, 4, 3, 2)
"""Significant digits of decimals that may name a value; the later one counts, and nine do."""
SMALLEST, LARGEST = -14, 23
"""Exponents of ten between which all powers that are needed are exact (those up to 22 are), so that
quotients and products are the decimals' own float64."""
Narrowed = Callable[[Floats], Floats]
"""Takes float64 values to the nearest ones of a narrower type, as float64."""


def narrowed(values: Floats) -> Floats:
    """Return the nearest float32 values, as float64."""
    with np.errstate(all="ignore"):  # What is beyond any float32 is infinite.
        return values.astype(np.float32).astype(np.float64)


def plain(column: Floats) -> Floats:
    """Return numbers as float64, those that are exactly a float32 or float16 as their decimal.

    The order of float32 values stays, what is no float32 stays as it is, and to do it twice is to
    do it once.

    Args:
        column: numbers of any type; NaN and infinity stay. Whole numbers of float64 do too: a
            large one may be a point of time or an identifier as well as a float32.
    """
    numbers = column.astype(np.float64)
    if column.dtype == np.float16:
        return shortest(numbers, lambda values: values.astype(np.float16).astype(float))
    if column.dtype == np.float32:
        return shortest(numbers, narrowed)
    named = (narrowed(numbers) == numbers) & (np.rint(numbers) != numbers)
    if named.any():
        numbers[named] = shortest(numbers[named], narrowed)
    return numbers


def shortest(values: Floats, narrow: Narrowed) -> Floats:
    """Return for each value of a narrow type the decimal of fewest digits that `narrow`s to it."""
    decimals = values.copy()
    with np.errstate(all="ignore"):  # Zero, NaN and infinity stay as they are.
        first = np.floor(np.log10(np.abs(values)))
        for digits in DIGITS:
            scale = 10.0 ** np.abs(digits - 1 - first)
            is_small = first < digits
            whole = np.rint(np.where(is_small, values * scale, values / scale))
            decimal = np.where(is_small, whole / scale, whole * scale)
            decimals = np.where(narrow(decimal) == values, decimal, decimals)
        beyond = np.isfinite(first) & ((first < SMALLEST) | (first > LARGEST))
        for place in np.flatnonzero(beyond):
            decimals[place] = _by_text(float(values[place]), narrow)
    return decimals


def _by_text(value: float, narrow: Narrowed) -> float:
    """Return the same for a value whose power of ten is not exact."""
    decimals = [float(f"{value:.{digits - 1}e}") for digits in sorted(DIGITS)]
    same = narrow(np.array(decimals)) == value
    return decimals[int(same.argmax())] if same.any() else value


def matched(values: Floats, reference: Floats) -> Floats:
    """Return numbers as the reference holds them, where they are the same number in float32.

    A model computes in float32, and so do most tensors: a third that a client sends with 17 digits
    and the reference keeps of a tensor, or the other way round, is one number. Where the reference
    has several numbers in the place of one float32, as points of time do, all are left alone.

    Args:
        values: of a window, shape (rows,).
        reference: numbers that are there, ascending.
    """
    numbers = np.unique(plain(reference))
    cells, first, count = np.unique(narrowed(numbers), return_index=True, return_counts=True)
    if not len(cells):
        return values
    mine = narrowed(plain(values))
    place = np.minimum(np.searchsorted(cells, mine), len(cells) - 1)
    same = (cells[place] == mine) & (count[place] == 1) & np.isfinite(mine) & (mine != 0)
    return np.where(same, numbers[first[place]], values)
