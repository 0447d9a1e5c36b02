"""Curves of a binary classifier from its predictions: ROC, confusion matrix, calibration.

Rows count once each, whatever their weight.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_POINTS = 200


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
        true_positive_rate: of the ROC curve, as many.
        mean_prediction: of each bin of the calibration that has rows, ascending.
        positive_rate: share of positive rows in each such bin.
    """

    false_positive_rate: list[float]
    true_positive_rate: list[float]
    mean_prediction: list[float]
    positive_rate: list[float]


def drawn(label: NDArray[Any], prediction: NDArray[Any]) -> Curves:
    """Return the ROC curve and the calibration of a binary classifier.

    Args:
        label: shape (n,), 0 or 1, both present.
        prediction: shape (n,), 0 to 1.
    """
    curve = roc(label, prediction)
    mean, rate, _ = calibration(label, prediction)
    return Curves(
        false_positive_rate=curve.false_positive_rate.tolist(),
        true_positive_rate=curve.true_positive_rate.tolist(),
        mean_prediction=mean.tolist(),
        positive_rate=rate.tolist(),
    )


def is_binary(label: NDArray[Any], prediction: NDArray[Any]) -> bool:
    """Tell whether labels are 0 and 1, both present, and predictions lie in 0 to 1."""
    in_range = bool(((prediction >= 0) & (prediction <= 1)).all())
    return in_range and set(np.unique(label).tolist()) == {0.0, 1.0}


def roc(label: NDArray[Any], prediction: NDArray[Any]) -> Roc:
    """Return the ROC curve (Fawcett 2006, algorithm 1), thinned to `MAX_POINTS`.

    Args:
        label: shape (n,), 0 or 1, both present.
        prediction: shape (n,), 0 to 1.
    """
    order = np.argsort(-prediction, kind="stable")
    scores, hits = prediction[order], label[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    true = np.cumsum(hits)[last]
    false = last + 1 - true
    keep = np.unique(np.linspace(0, len(last) - 1, MAX_POINTS - 1).round().astype(int))
    # The first point accepts no row; a threshold of infinity would break KFP's metadata.
    return Roc(
        false_positive_rate=np.append(0.0, false[keep] / false[-1]),
        true_positive_rate=np.append(0.0, true[keep] / true[-1]),
        threshold=np.append(max(1.0, float(scores[0])), scores[last][keep]),
    )


def confusion_matrix(label: NDArray[Any], prediction: NDArray[Any]) -> list[list[int]]:
    """Return counts with rows by label 0, 1 and columns by prediction <= 0.5, > 0.5."""
    positive = prediction > 0.5
    return [
        [int(((label == row) & (positive == column)).sum()) for column in (False, True)]
        for row in (0, 1)
    ]


def calibration(
    label: NDArray[Any], prediction: NDArray[Any], bins: int = 10
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return mean prediction, observed rate and number of rows of each bin that has rows.

    Args:
        label: shape (n,), 0 or 1.
        prediction: shape (n,), 0 to 1.
        bins: number of bins of equal width.
    """
    index = np.minimum((prediction * bins).astype(int), bins - 1)
    counts = np.bincount(index, minlength=bins)
    used = counts > 0
    mean = np.bincount(index, weights=prediction, minlength=bins)[used] / counts[used]
    rate = np.bincount(index, weights=label, minlength=bins)[used] / counts[used]
    return mean, rate, counts[used]


def kfp_metadata(label: NDArray[Any], prediction: NDArray[Any]) -> dict[str, object]:
    """Return the metadata that the KFP UI draws as ROC curve and confusion matrix."""
    curve = roc(label, prediction)
    points = zip(curve.threshold, curve.false_positive_rate, curve.true_positive_rate, strict=True)
    names = ["0", "1"]
    return {
        "confidenceMetrics": [
            {"confidenceThreshold": float(t), "falsePositiveRate": float(f), "recall": float(r)}
            for t, f, r in points
        ],
        "confusionMatrix": {
            "annotationSpecs": [{"displayName": name} for name in names],
            "rows": [{"row": row} for row in confusion_matrix(label, prediction)],
        },
    }
