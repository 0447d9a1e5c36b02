"""Curves of a binary classifier from its predictions: ROC, confusion matrix, calibration.

Rows count once each, whatever their weight.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate.score_counts import Scores

MAX_POINTS = 200
PARTS = np.arange(21) / 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Roc:
    """A ROC curve of at most 200 points, from (0, 0) to (1, 1).

    Attributes:
        false_positive_rate: shape (k,), ascending, 0 to 1.
        true_positive_rate: shape (k,), ascending, 0 to 1.
        threshold: shape (k,), descending, finite; a row is positive if it predicts that or more.
    """

    false_positive_rate: NDArray[Any]
    true_positive_rate: NDArray[Any]
    threshold: NDArray[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Curves:
    """What the report draws of one binary classifier, as plain numbers.

    Attributes:
        false_positive_rate: of the ROC curve, ascending, 0 to 1.
        true_positive_rate: of the ROC curve, as many; also the recall.
        threshold: of each point of the curve: a row is positive if it predicts that or more.
        mean_prediction: of each bin of the calibration that has rows, ascending.
        positive_rate: share of positive rows in each such bin.
        bin_rows: number of rows in each such bin.
        positives: number of positive rows; likewise `negatives`.
        at: thresholds of a table, ascending.
        true_positives: rows at or above each of them that are positive; and `false_positives`.
    """

    false_positive_rate: list[float]
    true_positive_rate: list[float]
    mean_prediction: list[float]
    positive_rate: list[float]
    threshold: list[float] = field(default_factory=list)
    bin_rows: list[float] = field(default_factory=list)
    positives: float = 0.0
    negatives: float = 0.0
    at: list[float] = field(default_factory=list)
    true_positives: list[float] = field(default_factory=list)
    false_positives: list[float] = field(default_factory=list)


def drawn(scores: Scores) -> Curves:
    """Return the curves and the table of thresholds of a binary classifier."""
    curve = roc(scores)
    mean, rate, rows = calibration(scores)
    at, true, false = at_thresholds(scores)
    return Curves(
        false_positive_rate=curve.false_positive_rate.tolist(),
        true_positive_rate=curve.true_positive_rate.tolist(),
        threshold=curve.threshold.tolist(),
        mean_prediction=mean.tolist(),
        positive_rate=rate.tolist(),
        bin_rows=rows.tolist(),
        positives=float(scores.positive.sum()),
        negatives=float(scores.negative.sum()),
        at=at.tolist(),
        true_positives=true.tolist(),
        false_positives=false.tolist(),
    )


def at_thresholds(scores: Scores) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return thresholds, and how many positive and negative rows predict each of them or more.

    The thresholds are every twentieth of 0 to 1, and every twentieth of the rows by their score:
    where events are rare nearly all scores are below the first of the others.
    """
    ranks = np.searchsorted(np.cumsum(scores.rows), PARTS * scores.rows.sum())
    at = np.unique(np.append(PARTS, scores.score[np.minimum(ranks, len(scores.score) - 1)]))
    places = np.searchsorted(scores.score, at)
    true, false = (
        each.sum() - np.append(0.0, np.cumsum(each))[places]
        for each in (scores.positive, scores.negative)
    )
    return at, true, false


def roc(scores: Scores) -> Roc:
    """Return the ROC curve (Fawcett 2006, algorithm 1) of a binary classifier, thinned."""
    descending = scores.score[::-1]
    true = np.cumsum(scores.positive[::-1])
    false = np.cumsum(scores.negative[::-1])
    keep = np.unique(np.linspace(0, len(descending) - 1, MAX_POINTS - 1).round().astype(int))
    # The first point accepts no row; a threshold of infinity would break KFP's metadata.
    return Roc(
        false_positive_rate=np.append(0.0, false[keep] / false[-1]),
        true_positive_rate=np.append(0.0, true[keep] / true[-1]),
        threshold=np.append(max(1.0, float(descending[0])), descending[keep]),
    )


def confusion_matrix(scores: Scores) -> list[list[int]]:
    """Return counts with rows by label 0, 1 and columns by prediction <= 0.5, > 0.5."""
    above = scores.score > 0.5
    return [
        [int(rows[~above].sum()), int(rows[above].sum())]
        for rows in (scores.negative, scores.positive)
    ]


def calibration(scores: Scores, bins: int = 10) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return mean prediction, observed rate and number of rows of each bin that has rows.

    Args:
        scores: of a binary classifier.
        bins: number of bins of equal width.
    """
    index = np.minimum((scores.score * bins).astype(int), bins - 1)
    counts = np.bincount(index, weights=scores.rows, minlength=bins)
    used = counts > 0
    mean = np.bincount(index, weights=scores.total, minlength=bins)[used] / counts[used]
    rate = np.bincount(index, weights=scores.positive, minlength=bins)[used] / counts[used]
    return mean, rate, counts[used]


def kfp_metadata(scores: Scores) -> dict[str, object]:
    """Return the metadata that the KFP UI draws as ROC curve and confusion matrix."""
    curve = roc(scores)
    points = zip(curve.threshold, curve.false_positive_rate, curve.true_positive_rate, strict=True)
    names = ["0", "1"]
    return {
        "confidenceMetrics": [
            {"confidenceThreshold": float(t), "falsePositiveRate": float(f), "recall": float(r)}
            for t, f, r in points
        ],
        "confusionMatrix": {
            "annotationSpecs": [{"displayName": name} for name in names],
            "rows": [{"row": row} for row in confusion_matrix(scores)],
        },
    }
