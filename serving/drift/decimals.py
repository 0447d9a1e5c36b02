"""One form of a number, whatever carried it: a float32 is the decimal that names it.

A request says 39.02 as JSON; a tensor, training examples and a client that computes in float32 say
39.02000045776367. A test of ranks would keep the two apart. So detectors take every number that is
exactly a float32 as the shortest decimal that names it, in references and in windows alike.
"""

from collections.abc import Callable

import numpy as np

from kanaria.serving.drift.protocol import Floats

DIGITS = (9, 8, 7, 6)
"""Significant digits of decimals that may name a float32; the later one counts, and nine do."""
EXACT_POWERS = 22
"""Powers of ten up to this one are float64 values, so that a quotient by them is the decimal's."""
OWN_NAME = 2.0**24
"""Whole numbers up to this one are float32 values that name themselves."""
Narrowed = Callable[[Floats], Floats]
"""Takes float64 values to the nearest ones of a narrower type, as float64."""


def narrowed(values: Floats) -> Floats:
    """Return the nearest float32 values, as float64."""
    with np.errstate(all="ignore"):  # What is beyond any float32 is infinite.
        return values.astype(np.float32).astype(np.float64)


def plain(column: Floats) -> Floats:
    """Return numbers as float64, those that are exactly a float32 or float16 as their decimal.

    The order of float32 values stays, what is no float32 stays as it is, and to do it twice is to
    do it once. Of nine digits every decimal comes back exactly from 1e-14 to 1e30.

    Args:
        column: numbers of any type; NaN and infinity stay.
    """
    if column.dtype == np.float16:
        return shortest(column.astype(np.float64), lambda v: v.astype(np.float16).astype(float))
    found = column.astype(np.float64)
    named = (narrowed(found) == found) & np.isfinite(found)
    named &= (np.abs(found) > OWN_NAME) | (np.rint(found) != found)
    if named.any():
        found[named] = shortest(found[named], narrowed)
    return found


def shortest(values: Floats, narrow: Narrowed) -> Floats:
    """Return for each value of a narrow type the decimal of fewest digits that `narrow`s to it."""
    found = values.copy()
    with np.errstate(all="ignore"):  # Zero, NaN and infinity stay as they are.
        first = np.floor(np.log10(np.abs(values)))
        for digits in (*DIGITS, *range(min(DIGITS) - 1, 0, -1)):
            scale = 10.0 ** np.clip(np.abs(digits - 1 - first), 0, EXACT_POWERS)
            is_small = first < digits
            whole = np.rint(np.where(is_small, values * scale, values / scale))
            decimal = np.where(is_small, whole / scale, whole * scale)
            found = np.where(narrow(decimal) == values, decimal, found)
    return found


def matched(values: Floats, reference: Floats) -> Floats:
    """Return numbers as the reference holds them, where they are the same number in float32.

    A model computes in float32, and so do most tensors: a third that a client sends with 17 digits
    and the reference keeps of a tensor, or the other way round, is one number. Where the reference
    has several numbers in the place of one float32, as points of time do, all are left alone.

    Args:
        values: of a window, shape (rows,).
        reference: numbers that are there, ascending.
    """
    known = np.unique(plain(reference))
    cells, first, count = np.unique(narrowed(known), return_index=True, return_counts=True)
    if not len(cells):
        return values
    mine = narrowed(plain(values))
    place = np.minimum(np.searchsorted(cells, mine), len(cells) - 1)
    same = (cells[place] == mine) & (count[place] == 1) & np.isfinite(mine) & (mine != 0)
    return np.where(same, known[first[place]], values)
