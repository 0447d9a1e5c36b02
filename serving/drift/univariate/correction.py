"""Corrects for looking at many features at once.

Bonferroni bounds the chance that any feature alarms falsely. "fdr" bounds the expected share of
false ones among the features that alarm (Benjamini and Hochberg 1995); with no drift at all the
two promise the same for a window.
"""

from typing import Literal

import numpy as np

from kanaria.serving.drift.detector import Floats

Correction = Literal["bonferroni", "fdr"]


def threshold(p_values: Floats, alpha: float, correction: Correction) -> float:
    """Return the value below which a p-value is significant."""
    strictest = alpha / len(p_values)
    if correction == "bonferroni":
        return strictest
    steps = strictest * np.arange(1, len(p_values) + 1)
    below = np.flatnonzero(np.sort(p_values) < steps)
    return float(steps[below[-1]]) if len(below) else strictest


def overall(p_values: Floats, correction: Correction) -> float:
    """Return the p-value of all features together: below alpha when one of them is significant."""
    count = len(p_values)
    ranks = np.ones(1) if correction == "bonferroni" else np.arange(1, count + 1)
    smallest = np.sort(p_values)[: len(ranks)]
    return float(min(1.0, np.min(smallest * count / ranks)))
