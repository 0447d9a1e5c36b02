"""The interval of a share. Pure."""

from math import sqrt

NORMAL_QUANTILE = 1.959963984540054
"""Of a normal distribution, 95 % of which lie within so many deviations."""


def wilson(share: float, rows: float) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a share; the share lies between them.

    Args:
        share: 0 to 1.
        rows: of which it is a share, more than 0.

    Source: E. B. Wilson 1927, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22.
    """
    square = NORMAL_QUANTILE**2
    middle = (share * rows + square / 2) / (rows + square)
    spread = sqrt(share * (1 - share) * rows + square / 4)
    half = NORMAL_QUANTILE / (rows + square) * spread
    # Rounding puts the lower end of a share of 0 at 4e-19, above it.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
