"""Quality that a classifier's own probabilities lead one to expect, before any label. Pure.

Probabilities are corrected by what came true at similar ones in earlier, labelled windows; labels
are then drawn from them many times, and the quality of each draw is taken. The band holds what
chance makes of the labels and how little the calibration knows (Garg et al. 2022, "Leveraging
unlabeled data to predict out-of-distribution performance"; Guo et al. 2017 for calibration).

It follows changes of the inputs. What it cannot see is concept drift: when the same inputs get
other labels, the model's probabilities stay as they were.
"""

from collections.abc import Sequence

import numpy as np

from kanaria.serving.drift.report_records import CalibrationBin
from kanaria.serving.model_quality.quality_estimates import BINS, Array, Estimate, Task

DRAWS, MOST_ROWS = 200, 5_000
"""Of more rows, this many at equal distances stand for all; the band is then a little wide."""
FEWEST_LABELS = 100
"""Labelled rows before which nothing is expected."""
PRIOR = 2.0
"""Rows that a bin's mean probability counts for beside what came true."""
LEAST = 0.01
"""No probability is taken to be nearer to 0 or 1 before anything came true."""
SEED = 20260101


def expected(task: Task, predicted: Array, bins: Sequence[CalibrationBin]) -> dict[str, Estimate]:
    """Return the expected metrics by name, as `quality_estimates.quality` names them.

    Args:
        task: BINARY gives accuracy, auc and brier; MULTICLASS accuracy, where the model answers
            probabilities; REGRESSION nothing.
        predicted: shape (rows,), or (rows, classes) for MULTICLASS.
        bins: calibration of earlier windows, of the same task.

    Returns:
        Nothing where fewer than FEWEST_LABELS rows have calibrated it.
    """
    has_probabilities = task is Task.BINARY or (task is Task.MULTICLASS and predicted.ndim == 2)
    if not has_probabilities or not len(predicted) or sum(b.rows for b in bins) < FEWEST_LABELS:
        return {}
    confidence = predicted if task is Task.BINARY else predicted.max(axis=1)
    step = max(1, -(-len(confidence) // MOST_ROWS))
    confidence = np.sort(np.asarray(confidence, dtype=float))[::step]
    draw = np.random.default_rng(SEED)
    chances = _calibrated(confidence, bins, draw)
    labels = draw.random((DRAWS, len(confidence))) < chances
    if task is Task.MULTICLASS:
        return {"accuracy": _band(labels.mean(axis=1))}
    return _binary(confidence, labels)


def _binary(confidence: Array, labels: Array) -> dict[str, Estimate]:
    hits = labels == (confidence >= 0.5)
    estimates = {
        "accuracy": _band(hits.mean(axis=1)),
        "brier": _band(((labels - confidence) ** 2).mean(axis=1)),
    }
    ones = labels.sum(axis=1)
    mixed = (ones > 0) & (ones < labels.shape[1])
    if mixed.all():
        ranks = _midranks(confidence)
        above = (labels * ranks).sum(axis=1) - ones * (ones + 1) / 2
        estimates["auc"] = _band(above / (ones * (labels.shape[1] - ones)))
    return estimates


def _calibrated(
    confidence: Array, bins: Sequence[CalibrationBin], draw: np.random.Generator
) -> Array:
    """Return draws of the true probabilities of all rows, shape (DRAWS, rows)."""
    rows, said, true = (np.zeros(BINS) for _ in range(3))
    for one in bins:
        place = _bin(np.array([one.predicted]))[0]
        rows[place] += one.rows
        said[place] += one.rows * one.predicted
        true[place] += one.rows * one.observed
    middle = (np.arange(BINS) + 0.5) / BINS
    mean = np.where(rows > 0, said / np.maximum(rows, 1), middle)
    ones, zeros = (
        PRIOR * np.clip(mean, LEAST, 1 - LEAST),
        PRIOR * np.clip(1 - mean, LEAST, 1 - LEAST),
    )
    shares = draw.beta(true + ones, rows - true + zeros, (DRAWS, BINS))
    places = _bin(confidence)
    return np.clip(confidence + (shares - mean)[:, places], 0.0, 1.0)


def _bin(probabilities: Array) -> Array:
    return np.clip((probabilities * BINS).astype(int), 0, BINS - 1)


def _midranks(ascending: Array) -> Array:
    first = np.searchsorted(ascending, ascending, side="left")
    last = np.searchsorted(ascending, ascending, side="right")
    return (first + last + 1) / 2


def _band(values: Array) -> Estimate:
    low, high = np.quantile(values, [0.025, 0.975])
    return Estimate(value=float(values.mean()), low=float(low), high=float(high))
