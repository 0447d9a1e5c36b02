"""Checks labels, predictions and weights of every row against what the metrics take for granted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate.label_check_facts import MARGIN, Missing, Pair, Weights, text
from kanaria.components.evaluate.metric_requirements import Demand
from kanaria.components.evaluate.score_counts import Scores
from kanaria.components.shared.errors import DataError, shown

# An AUC that differs by more from the exact one is no AUC.
MOST_DEVIATION = 0.01


def check_present(missing: Missing, where: str, what: str) -> None:
    """Raise if a row has no label or weight.

    Raises:
        DataError: how many rows have none, and the first.
    """
    if missing.count:
        raise DataError(
            f"{where}: {missing.count} of {missing.rows} rows have no {what} (missing or "
            f"NaN), first row {missing.first}; drop these rows or fill them before "
            "ingestion"
        )


def check_weights(weights: Weights, where: str) -> None:
    """Raise if a weight is missing, no single number, negative or infinite.

    Raises:
        DataError: the first such row.
    """
    check_present(weights.missing, where, "weight")
    if not weights.scalar:
        raise DataError(f"{where}: not one number a row; give one weight a row")
    if weights.wrong is not None:
        row, value = weights.wrong
        raise DataError(f"{where}: {value:g} in row {row} is negative or infinite; use 0 or more")


def check_some_weight(weights: Weights, where: str) -> None:
    """Raise if all weights are 0.

    Raises:
        DataError: they are.
    """
    if not weights.some:
        raise DataError(
            f"{where}: all {weights.missing.rows} rows have weight 0; no metric has a value"
        )


def check_pair(pair: Pair, wanted: Sequence[Demand]) -> None:
    """Raise if labels or predictions are not what a metric takes for granted.

    Args:
        pair: rows that show what is wrong with any.
        wanted: what the metrics take for granted.

    Raises:
        DataError: the first fault.
    """
    if not wanted:
        return
    if pair.labels is not None and pair.labels.dtype.kind not in "biuf":
        _check_words(pair, wanted[0].metric)
        return
    for demand in wanted:
        if pair.predictions is not None and pair.predictions.dtype.kind in "biuf":
            _check_predictions(pair, demand)
    if not pair.width:
        return
    for demand in wanted:
        _check_shapes(pair, demand)
        _check_labels(pair, demand)


def check_whole(pair: Pair, wanted: Sequence[Demand], scores: Scores | None) -> None:
    """Raise if all rows together make no metric: of one class, or of crowded scores.

    Args:
        pair: rows that show what is wrong with any.
        wanted: what the metrics take for granted.
        scores: all rows by score; None where there is no single score a row.

    Raises:
        DataError: the first fault.
    """
    for demand in wanted:
        if pair.width == 1 and pair.labels is not None:
            _check_both_classes(pair, demand)
            if demand.buckets and scores is not None:
                _check_crowding(pair, demand, demand.buckets, scores)


def _first(pair: Pair, wrong: NDArray[Any], values: NDArray[Any]) -> str:
    """Return the first value of `values`, shape (N, k), that is wrong, and its row."""
    row = int(wrong.any(axis=1).argmax())
    return f"{values[row][wrong[row]][0]:g} in row {pair.rows[row]}"


def _check_words(pair: Pair, metric: str) -> None:
    """Check that labels of text are classes that the model names."""
    if pair.classes is None or pair.labels is None:
        raise DataError(
            f"{pair.where}: labels are text, such as {shown(text(pair.labels))}, not one number "
            f"a row, and {metric} compares numbers; turn them into numbers (0 and 1, or class ids "
            "in the order of the model's outputs), for instance in preprocessing_fn"
        )
    classes = [text(name) for name in pair.classes.reshape(1, -1).T]
    strange = sorted({text(row) for row in pair.labels} - set(classes))
    if strange:
        raise DataError(
            f"{pair.where}: {shown(strange[0])} is outside the model's classes {shown(classes)}; "
            "mend the labels or the classes"
        )


def _check_predictions(pair: Pair, demand: Demand) -> None:
    """Check the range of the predictions."""
    predictions = np.asarray(pair.predictions).reshape(len(np.asarray(pair.predictions)), -1)
    if demand.probabilities:
        wrong = (predictions < -MARGIN) | (predictions > 1 + MARGIN)
        if wrong.any():
            raise DataError(
                f"{pair.where}: prediction {_first(pair, wrong, predictions)} is outside 0 to 1 "
                f"(they reach from {predictions.min():g} to {predictions.max():g}), and "
                f"{demand.metric} takes "
                "probabilities; export them (sigmoid or softmax of logits, percentages by 100)"
            )
    if demand.above is not None and (predictions <= demand.above).any():
        raise DataError(
            f"{pair.where}: prediction {_first(pair, predictions <= demand.above, predictions)} "
            "is not above "
            f"{demand.above:g}, and {demand.metric} takes its logarithm; use another metric"
        )


def _check_shapes(pair: Pair, demand: Demand) -> None:
    """Check that labels are one a row or one a class, as the metric reads them."""
    if pair.width == 1:
        if demand.many_classes:
            raise DataError(
                f"{pair.where}: {demand.metric} takes one prediction for each class, and the "
                "model gives one number a row; use a metric of two classes, such as BinaryAccuracy"
            )
        if pair.labels is None or pair.labels.shape[1] != 1:
            raise DataError(
                f"{pair.where}: not one number a row, and the model predicts one; give one label "
                "a row"
            )
        return
    count = 0 if pair.labels is None else pair.labels.shape[1]
    if count not in (1, pair.width):
        raise DataError(
            f"{pair.where}: {count or 'different numbers of'} labels a row for {pair.width} "
            f"predictions a row; give one class id, or {pair.width} values (one-hot)"
        )
    if demand.vectors and count == 1:
        raise DataError(
            f"{pair.where}: {demand.metric} takes {pair.width} labels a row (one-hot), and there "
            "is one class id a row; use the metric whose name begins with Sparse, or one-hot labels"
        )
    if demand.class_ids and count != 1:
        raise DataError(
            f"{pair.where}: {demand.metric} takes one class id a row, and there are {count} labels "
            "a row; use the metric without Sparse in its name, or class ids"
        )


def _check_labels(pair: Pair, demand: Demand) -> None:
    """Check the values of the labels; their shape fits."""
    labels = np.asarray(pair.labels, dtype=np.float64)
    if pair.width > 1 and labels.shape[1] == 1:
        _check_ids(pair, labels)
    elif demand.two_classes or demand.many_classes or demand.probabilities:
        _check_classes(pair, labels, demand)
    if demand.nonzero and (labels == 0).any():
        raise DataError(
            f"{pair.where}: {_first(pair, labels == 0, labels)} has no percentage, and TFMA's "
            f"{demand.metric} would leave the row out; use another metric, or drop these rows"
        )
    if demand.above is not None and (labels <= demand.above).any():
        raise DataError(
            f"{pair.where}: {_first(pair, labels <= demand.above, labels)} is not above "
            f"{demand.above:g}, and {demand.metric} takes its logarithm; use another metric"
        )


def _check_ids(pair: Pair, labels: NDArray[Any]) -> None:
    wrong = (labels < 0) | (labels >= pair.width) | (labels != np.floor(labels))
    if wrong.any():
        raise DataError(
            f"{pair.where}: {_first(pair, wrong, labels)} is outside the model's {pair.width} "
            f"classes, 0 to {pair.width - 1}; number the labels from 0, or mend the model"
        )


def _check_classes(pair: Pair, labels: NDArray[Any], demand: Demand) -> None:
    wrong = (labels < 0) | (labels > 1)
    if wrong.any():
        raise DataError(
            f"{pair.where}: value {_first(pair, wrong, labels)} is outside 0 to 1; "
            f"{demand.metric} takes labels 0 and 1"
        )


def _check_both_classes(pair: Pair, demand: Demand) -> None:
    labels = np.asarray(pair.labels, dtype=np.float64)
    if demand.two_classes and labels.min() == labels.max():
        raise DataError(
            f"{pair.where}: all {pair.count} rows are of one class, {labels[0, 0]:g}; metrics of "
            "two classes have no meaning; evaluate on rows of both"
        )


def _auc(positive: NDArray[Any], negative: NDArray[Any]) -> float:
    """Return the area under the ROC curve: the share of pairs in order (Hanley, McNeil 1982).

    Args:
        positive: how much of the rows with each score is positive, shape (n,), by score.
        negative: how much is negative.
    """
    below = np.cumsum(negative) - negative / 2
    return float((positive * below).sum() / (positive.sum() * negative.sum()))


def _check_crowding(pair: Pair, demand: Demand, buckets: int, scores: Scores) -> None:
    """Check that the thresholds of a curve tell the predictions apart, as for rare events."""
    exact = _auc(scores.positive, scores.negative)
    _, place = np.unique(np.ceil(scores.score * (buckets - 1)), return_inverse=True)
    binned = _auc(np.bincount(place, scores.positive), np.bincount(place, scores.negative))
    if abs(exact - binned) > MOST_DEVIATION:
        raise DataError(
            f"{pair.where}: predictions crowd from {scores.score[0]:g} to {scores.score[-1]:g} "
            f"between the {buckets} thresholds of {demand.metric}: the area under ROC would be "
            f"{binned:.4g} and is {exact:.4g}; give it more num_thresholds, thresholds of your "
            "own, or scores that are spread over 0 to 1"
        )
