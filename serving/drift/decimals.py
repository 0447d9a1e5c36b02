"""float32 values as the numbers that people and JSON write.

Whoever reads float32 from outside, from examples or from tensors, takes them so; the detectors
themselves compare what they are given.
"""

import numpy as np

from kanaria.serving.drift.protocol import Floats

DIGITS = (7, 6)
"""Significant digits of what people write; those of less end with zeros. The later one counts."""


def widened(column: Floats) -> Floats:
    """Return a float32 column as float64, each value as a decimal of 6 or 7 digits that names it.

    The plain conversion makes 39.02 into 39.02000045776367, which a test of ranks keeps apart
    from the 39.02 of a JSON request. Of six digits every decimal comes back exactly (from 1e-16 to
    1e27); what no seven digits name is converted plainly. The order of values stays. Columns of
    other types are returned as they are.
    """
    if column.dtype != np.float32:
        return column
    found = column.astype(np.float64)
    with np.errstate(all="ignore"):  # Zero, NaN and infinity stay as they are.
        first = np.floor(np.log10(np.abs(found)))
        for digits in DIGITS:
            # Powers of ten are exact up to 22, so the quotient is the decimal's own float64.
            scale = 10.0 ** np.abs(digits - 1 - first)
            is_small = first < digits
            whole = np.rint(np.where(is_small, column * scale, column / scale))
            decimal = np.where(is_small, whole / scale, whole * scale)
            found = np.where(decimal.astype(np.float32) == column, decimal, found)
    return found
