"""Ranks among the reference as numbers from 0 to 1, evenly distributed while nothing drifts.

Among n reference values a value without drift falls into each of the n + 1 gaps with the same
chance, whatever the distribution. Its place within the gap is drawn, and a value equal to some of
the reference draws a gap among theirs, so ties change nothing. The ranks of several values are
those of Pólya's urn: each makes its own gap likelier by one ball, for the reference's gaps are
not of equal width. With few reference rows this matters; with many it vanishes.
"""

import numpy as np
from numpy.typing import NDArray

from kanaria.serving.drift.detector import Floats
from kanaria.serving.drift.references.row_hashes import mixed


def even(reference: Floats, values: Floats, drawn: Floats) -> Floats:
    """Return the ranks of `values`, missing ones staying missing.

    Args:
        reference: ascending.
        values: of one feature.
        drawn: for each value a number from 0 to 1, evenly distributed.
    """
    below = np.searchsorted(reference, values, side="left")
    equal = np.searchsorted(reference, values, side="right") - below
    ranks = (below + drawn * (equal + 1)) / (len(reference) + 1)
    return np.where(np.isnan(values), np.nan, ranks)


def drawn(first: int, rows: int, features: int) -> Floats:
    """Return numbers from 0 to 1, of shape (rows, features), from the number of a row alone.

    A stream goes on after a restart without a generator's state.
    """
    numbers = np.arange(first, first + rows, dtype=np.uint64)[:, None]
    places = numbers * np.uint64(features) + np.arange(features, dtype=np.uint64)
    return (mixed(places) >> np.uint64(11)) * 2.0**-53


def simulated(
    generator: np.random.Generator, reference_rows: int, streams: int, rows: int
) -> NDArray[np.float32]:
    """Return the ranks of streams without drift, of shape (rows, streams)."""
    gaps = reference_rows + 1
    ranks = generator.random((rows, streams), dtype=np.float32)
    for row in range(1, rows):
        again = np.flatnonzero(generator.random(streams) < row / (gaps + row))
        same = ranks[generator.integers(0, row, len(again)), again]
        ranks[row, again] = (np.floor(same * gaps) + ranks[row, again]) / gaps
    return ranks
