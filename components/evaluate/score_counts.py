"""How many rows of each class have each score: what curves of a binary classifier come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Up to so many distinct scores are kept as they are; above, those that share 12 digits of two.
MOST_SCORES = 1 << 20
KEPT_DIGITS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """Rows by score.

    Attributes:
        score: distinct scores, shape (n,), ascending.
        positive: sum of the labels of the rows with each score, shape (n,).
        rows: number of the rows with each score, shape (n,).
        total: sum of their predictions, shape (n,).
        two_classes: whether all labels are 0 or 1.
    """

    score: NDArray[Any]
    positive: NDArray[Any]
    rows: NDArray[Any]
    total: NDArray[Any]
    two_classes: bool

    @property
    def negative(self) -> NDArray[Any]:
        """Return the sum of what the labels lack of 1."""
        return self.rows - self.positive

    def is_binary(self) -> bool:
        """Tell whether labels are 0 and 1, both present, and scores lie in 0 to 1."""
        if not self.two_classes or not len(self.score):
            return False
        in_range = self.score[0] >= 0 and self.score[-1] <= 1
        return bool(in_range and self.positive.sum() > 0 and self.negative.sum() > 0)


def of(label: NDArray[Any], prediction: NDArray[Any]) -> Scores:
    """Return the scores of rows.

    Args:
        label: shape (n,), share of the row that is positive.
        prediction: shape (n,), finite.
    """
    label, prediction = label.astype(np.float64), prediction.astype(np.float64)
    two_classes = bool(((label == 0) | (label == 1)).all())
    ones = np.ones(len(label))
    return _table(prediction, [label, ones, prediction], two_classes=two_classes)


def _table(score: NDArray[Any], sums: list[NDArray[Any]], *, two_classes: bool) -> Scores:
    distinct, place = np.unique(score, return_inverse=True)
    if len(distinct) > MOST_SCORES:
        distinct, place = np.unique(_rounded(score), return_inverse=True)
    positive, rows, total = (
        np.bincount(place, weights=each, minlength=len(distinct)) for each in sums
    )
    return Scores(
        score=distinct, positive=positive, rows=rows, total=total, two_classes=two_classes
    )


def _rounded(score: NDArray[Any]) -> NDArray[Any]:
    """Return scores with 12 binary digits, counted from the nearer end of 0 to 1."""
    upper = score > 0.5
    near = np.where(upper, 1 - score, score).astype(np.float64)
    mask = np.int64(-1) << np.int64(52 - KEPT_DIGITS)
    near = (near.view(np.int64) & mask).view(np.float64)
    return np.where(upper, 1 - near, near)


def together(parts: Sequence[Scores]) -> Scores:
    """Return the scores of all rows of one or more parts."""
    if len(parts) == 1:
        return parts[0]
    columns = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("score", "positive", "rows", "total")
    ]
    both = all(part.two_classes for part in parts)
    return _table(columns[0], columns[1:], two_classes=both)
