"""The reference of outlier detectors: a sample of whole rows, one half of which calibrates."""

import numpy as np

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.detector import Columns, Floats
from kanaria.serving.drift.references.sample_reference import SampleReference
from kanaria.serving.drift.table_columns import matrix

MOST = 10_000
"""Rows kept."""
FEWEST = 50
"""Rows in each half of the sample from which outliers can be told."""


def sampled(rows: Columns) -> SampleReference:
    """Return a uniform sample of `rows`.

    Raises:
        DataError: there are no rows, or columns hold no numbers.
    """
    values = matrix(rows, tuple(rows))
    return SampleReference.of(dict(zip(rows, values.T, strict=True)), (), MOST)


def halves(reference: SampleReference) -> tuple[Floats, Floats]:
    """Return the rows to fit to, and others to calibrate with; those with missing values are out.

    Raises:
        DataError: there are too few.
    """
    values = matrix(reference.columns, tuple(reference.columns))
    whole = values[~np.isnan(values).any(axis=1)]
    # The sample's order is that of hashes, so every second row is as good as drawn.
    fitted, calibrating = whole[::2], whole[1::2]
    if len(calibrating) < FEWEST:
        raise DataError(
            f"reference: {len(fitted)} and {len(calibrating)} rows in its halves; "
            f"give at least {2 * FEWEST} rows without missing values"
        )
    return fitted, calibrating
