"""Rows as codes: equal values of a feature have one code, whatever they are. Pure.

SHAP's own maskers compute with the values: text is refused, a missing value is never equal to
itself, and numbers beside text become text. Codes are equal where values are, and nothing else.
"""

from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.int64]
"""Shape (rows, features): the number of the first row that has this value of the feature."""


def coded(columns: Sequence[Sequence[Hashable]]) -> Codes:
    """Return the codes of rows.

    Args:
        columns: a sequence for each feature, with what tells its value in each row from others;
            all of one length.
    """
    return np.stack([_first_places(column) for column in columns], axis=1)


def _first_places(column: Sequence[Hashable]) -> NDArray[np.int64]:
    first: dict[Hashable, int] = {}
    places = [first.setdefault(value, place) for place, value in enumerate(column)]
    return np.array(places, dtype=np.int64)
