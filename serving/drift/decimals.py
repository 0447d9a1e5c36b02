"""float32 values as the numbers that people and JSON write."""

import numpy as np

from kanaria.serving.drift.protocol import Floats


def widened(column: Floats) -> Floats:
    """Return a float32 column as float64, each value the shortest decimal that names it.

    The plain conversion makes 39.02 into 39.02000045776367, which a test of ranks keeps apart
    from the 39.02 of a JSON request. Numbers of up to six digits come back exactly. Columns of
    other types are returned as they are.
    """
    if column.dtype != np.float32:
        return column
    distinct, places = np.unique(column, return_inverse=True)
    return distinct.astype(str).astype(np.float64)[places].reshape(column.shape)
