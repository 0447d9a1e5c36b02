"""A model's quality on rows whose labels have come, with 95 % confidence bands. Pure.

A band holds for independent rows; instances of one request that share their fate make it too
narrow. Where there are too few rows for a number, or it is beyond any float, it is absent, never a
guess.

Sources: Wilson (1927) for shares; DeLong, DeLong and Clarke-Pearson (1988) for the area under the
ROC curve, by the midranks of Sun and Xu (2014), on the logit scale; Student's t for means.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Z95 = 1.959963984540054
BINS = 10


class Task(Enum):
    """What the model predicts, hence how it is judged."""

    REGRESSION = "regression"
    """A number a row."""
    BINARY = "binary"
    """The probability of label 1 a row."""
    MULTICLASS = "multiclass"
    """Probabilities by class a row, labels are their places; or the class itself a row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A value with the band that holds the true one with 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """Rows of similar predicted probability.

    Attributes:
        rows: how many.
        predicted: their mean probability.
        observed: share of them that came true.
    """

    rows: int
    predicted: float
    observed: Estimate


def quality(task: Task, predicted: Array, labels: Array) -> dict[str, Estimate]:
    """Return the task's metrics by name.

    Args:
        task: how to judge.
        predicted: shape (rows,), or (rows, classes) for MULTICLASS.
        labels: shape (rows,); 0 or 1 for BINARY.

    Returns:
        REGRESSION: mean_absolute_error, mean_squared_error, bias (predicted minus label).
        BINARY: accuracy at 0.5, auc, brier, calibration_bias (mean predicted minus mean observed).
        MULTICLASS: accuracy; with probabilities also brier, summed over classes.
    """
    if task is Task.REGRESSION:
        error = predicted - labels
        named = {"mean_absolute_error": abs(error), "mean_squared_error": error**2, "bias": error}
        return _present({name: mean(values) for name, values in named.items()})
    if task is Task.BINARY:
        estimates = {
            "accuracy": share(int(((predicted >= 0.5) == labels).sum()), len(labels)),
            "auc": area_under_curve(predicted, labels),
            "brier": mean((predicted - labels) ** 2),
            "calibration_bias": mean(predicted - labels),
        }
        return _present(estimates)
    if predicted.ndim == 1:
        return _present({"accuracy": share(int((predicted == labels).sum()), len(labels))})
    hits = predicted.argmax(axis=1) == labels
    true = np.arange(predicted.shape[1]) == labels[:, np.newaxis]
    squares = ((predicted - true) ** 2).sum(axis=1)
    return _present({"accuracy": share(int(hits.sum()), len(labels)), "brier": mean(squares)})


def share(successes: int, rows: int) -> Estimate | None:
    """Return a share with Wilson's interval, None without rows."""
    if not rows:
        return None
    value, spread = successes / rows, Z95**2 / rows
    middle = (value + spread / 2) / (1 + spread)
    half = np.sqrt(value * (1 - value) * spread + spread**2 / 4) / (1 + spread)
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return Estimate(value=value, low=min(float(low), value), high=max(float(high), value))


def mean(values: Array) -> Estimate | None:
    """Return a mean with Student's interval, None for fewer than two rows."""
    if len(values) < 2:
        return None
    # scipy.stats takes seconds to import; its special functions do not.
    from scipy.special import stdtrit

    value, rows = float(values.mean()), len(values)
    half = float(stdtrit(rows - 1, 0.975)) * float(values.std(ddof=1)) / np.sqrt(rows)
    return Estimate(value=value, low=value - half, high=value + half)


def area_under_curve(scores: Array, labels: Array) -> Estimate | None:
    """Return the area under the ROC curve, None unless both labels have two rows at least.

    Args:
        scores: shape (rows,).
        labels: shape (rows,), 0 or 1.
    """
    positive, negative = scores[labels == 1], scores[labels == 0]
    m, n = len(positive), len(negative)
    if min(m, n) < 2:
        return None
    ranks = _midranks(np.concatenate([positive, negative]))
    area = float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))
    of_positive = (ranks[:m] - _midranks(positive)) / n
    of_negative = 1 - (ranks[m:] - _midranks(negative)) / m
    error = np.sqrt(of_positive.var(ddof=1) / m + of_negative.var(ddof=1) / n)
    if error == 0:
        # All in order or none: the data bound the area only as they bound a share.
        return _separated(area, min(m, n))
    logit, spread = np.log(area / (1 - area)), Z95 * error / (area * (1 - area))
    low, high = 1 / (1 + np.exp(-(logit + np.array([-spread, spread]))))
    return Estimate(value=area, low=float(low), high=float(high))


def _separated(area: float, rows: int) -> Estimate | None:
    band = share(round(area * rows), rows)
    return band and Estimate(value=area, low=min(band.low, area), high=max(band.high, area))


def calibration(predicted: Array, labels: Array) -> list[Bin]:
    """Return the reliability curve in ten bins of equal width; empty ones are left out.

    Args:
        predicted: probabilities, shape (rows,).
        labels: shape (rows,), 0 or 1.
    """
    place = np.clip((predicted * BINS).astype(int), 0, BINS - 1)
    bins = []
    for number in np.unique(place):
        chosen = place == number
        rows = int(chosen.sum())
        observed = share(int(labels[chosen].sum()), rows)
        if observed:
            average = float(predicted[chosen].mean())
            bins.append(Bin(rows=rows, predicted=average, observed=observed))
    return bins


def _midranks(values: Array) -> Array:
    """Return the ranks from 1, ties at their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def _present(estimates: dict[str, Estimate | None]) -> dict[str, Estimate]:
    return {name: one for name, one in estimates.items() if one is not None and _is_finite(one)}


def _is_finite(estimate: Estimate) -> bool:
    return bool(np.isfinite([estimate.value, estimate.low, estimate.high]).all())
