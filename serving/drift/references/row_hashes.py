"""Numbers that look drawn, from values alone: no generator's state has to be kept or merged."""

import numpy as np
from numpy.typing import NDArray


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the step of splitmix64 that follows each of `values` (Steele, Lea and Flood 2014)."""
    steps = values + np.uint64(0x9E3779B97F4A7C15)
    steps = (steps ^ (steps >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    steps = (steps ^ (steps >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return steps ^ (steps >> np.uint64(31))
