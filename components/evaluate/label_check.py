"""Checks labels, predictions and weights of every row against what the metrics take for granted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.evaluate import demands
from kanaria.components.evaluate.demands import Demand
from kanaria.components.evaluate.rows import Rows
from kanaria.components.shared.errors import DataError, shown

# Sums of float32 probabilities pass 1 by a few of its last digits; TFMA's own margin is 1e-7.
MARGIN = 1e-6
# An AUC that differs by more from the exact one is no AUC.
MOST_DEVIATION = 0.01
# The outputs TFMA takes when none is named, in its order.
USUAL_OUTPUTS = ("scores", "outputs", "predictions", "logistic", "probabilities", "logits")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Labels and predictions that metrics compare, N rows.

    Attributes:
        where: split and label column, as messages begin.
        labels: shape (N, labels a row); None where rows differ in their number.
        predictions: shape (N, ...); None where the output is not known.
        classes: names of the classes in the order of the predictions; None without any.
    """

    where: str
    labels: NDArray[Any] | None
    predictions: NDArray[Any] | None
    classes: NDArray[Any] | None

    @property
    def width(self) -> int:
        """Return the number of predictions a row; 0 where it is not known or no vector."""
        found = self.predictions
        return 0 if found is None or found.ndim > 2 else int(found.reshape(len(found), -1).shape[1])


def values(rows: Rows, model: str, column: str) -> NDArray[Any] | None:
    """Return a column's values, shape (N, values a row); None where rows differ in number."""
    if column in rows.derived.get(model, {}):
        return rows.derived[model][column].reshape(len(rows), -1)
    found = rows.table.column(column).combine_chunks()
    if pa.types.is_null(found.type):
        return np.full((len(rows), 1), np.nan)
    counts = pc.unique(pc.list_value_length(found)).to_pylist()
    if len(counts) != 1 or not counts[0]:
        return None
    return np.asarray(found.flatten().to_numpy(zero_copy_only=False).reshape(len(rows), -1))


def _chosen(outputs: dict[str, NDArray[Any]], key: str) -> NDArray[Any] | None:
    """Return the output that TFMA compares labels with."""
    if len(outputs) == 1:
        return next(iter(outputs.values()))
    names = [key] if key else [name for name in USUAL_OUTPUTS if name in outputs]
    return outputs.get(names[0]) if names else None


def _classes(outputs: dict[str, NDArray[Any]]) -> NDArray[Any] | None:
    """Return the names of the classes that a model of TensorFlow's estimators gives beside."""
    found = outputs.get("all_classes", outputs.get("classes") if "scores" in outputs else None)
    return None if found is None or len(outputs) == 1 else np.asarray(found[0]).reshape(-1)


def pairs(rows: Rows, spec: Any, split: str) -> Iterator[tuple[str, Pair]]:
    """Yield each output's name ("" for the only one) with its labels and predictions.

    Args:
        rows: the evaluated rows.
        spec: a `tfma.ModelSpec` with a label_key or label_keys.
        split: name of the split, for messages.
    """
    outputs = rows.predictions[spec.name]
    keys = dict(spec.label_keys) or {"": spec.label_key}
    for output, label in keys.items():
        if not label:
            continue
        key = output or spec.prediction_key
        yield (
            output,
            Pair(
                where=f"split {shown(split)}, label {shown(label)}",
                labels=values(rows, spec.name, label),
                predictions=_chosen(outputs, key),
                classes=_classes(outputs),
            ),
        )


def check(rows: Rows, config: Any, split: str) -> None:
    """Check labels, predictions and weights of every model against its metrics.

    Args:
        rows: the evaluated rows.
        config: the `tfma.EvalConfig` for the models at hand.
        split: name of the split, for messages.

    Raises:
        DataError: a label or weight is missing or NaN, a weight is negative or infinite or all
            are 0, or labels or predictions are not what a metric takes for granted.
    """
    for spec in config.model_specs:
        for key in [spec.label_key, *spec.label_keys.values()]:
            if key:
                where = f"split {shown(split)}, label {shown(key)}"
                _check_present(rows.missing(spec.name, key), where, "label")
        for key in [spec.example_weight_key, *spec.example_weight_keys.values()]:
            if key:
                _check_weights(rows, spec.name, key, f"split {shown(split)}, weight {shown(key)}")
        if spec.HasField("padding_options"):
            continue  # Rows of several lengths, which TFMA fills up.
        for output, pair in pairs(rows, spec, split):
            wanted = list(demands.of_output(config, spec.name, output))
            _check_pair(pair, [demand for demand in wanted if demand.labels])


def _check_present(missing: NDArray[Any], where: str, what: str) -> None:
    if missing.any():
        raise DataError(
            f"{where}: {int(missing.sum())} of {len(missing)} rows have no {what} (missing or "
            f"NaN), first row {int(missing.argmax())}; drop these rows or fill them before "
            "ingestion"
        )


def _check_weights(rows: Rows, model: str, key: str, where: str) -> None:
    _check_present(rows.missing(model, key), where, "weight")
    weights = rows.scalars(model, key)
    if weights is None:
        raise DataError(f"{where}: not one number a row; give one weight a row")
    wrong = ~np.isfinite(weights) | (weights < 0)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{where}: {weights[row]:g} in row {row} is negative or infinite; use 0 or more"
        )
    if not weights.any():
        raise DataError(f"{where}: all {len(weights)} rows have weight 0; no metric has a value")


def _check_pair(pair: Pair, wanted: Sequence[Demand]) -> None:
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
        if demand.buckets and pair.width == 1:
            _check_crowding(pair, demand, demand.buckets)


def _first(pair: Pair, wrong: NDArray[Any], found: NDArray[Any]) -> str:
    """Return the first value of `found`, shape (N, k), that is wrong, and its row."""
    row = int(wrong.any(axis=1).argmax())
    return f"{found[row][wrong[row]][0]:g} in row {row}"


def _check_words(pair: Pair, metric: str) -> None:
    """Check that labels of text are classes that the model names."""
    if pair.classes is None or pair.labels is None:
        raise DataError(
            f"{pair.where}: labels are text, such as {shown(_text(pair.labels))}, not one number "
            f"a row, and {metric} compares numbers; turn them into numbers (0 and 1, or class ids "
            "in the order of the model's outputs), for instance in preprocessing_fn"
        )
    known = [_text(name) for name in pair.classes.reshape(1, -1).T]
    strange = sorted({_text(row) for row in pair.labels} - set(known))
    if strange:
        raise DataError(
            f"{pair.where}: {shown(strange[0])} is outside the model's classes {shown(known)}; "
            "mend the labels or the classes"
        )


def _text(found: NDArray[Any] | None) -> str:
    value = "" if found is None else np.ravel(found)[0]
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _check_predictions(pair: Pair, demand: Demand) -> None:
    """Check the range of the predictions."""
    found = np.asarray(pair.predictions).reshape(len(np.asarray(pair.predictions)), -1)
    if demand.probabilities:
        wrong = (found < -MARGIN) | (found > 1 + MARGIN)
        if wrong.any():
            raise DataError(
                f"{pair.where}: prediction {_first(pair, wrong, found)} is outside 0 to 1 (they "
                f"reach from {found.min():g} to {found.max():g}), and {demand.metric} takes "
                "probabilities; export them (sigmoid or softmax of logits, percentages by 100)"
            )
    if demand.above is not None and (found <= demand.above).any():
        raise DataError(
            f"{pair.where}: prediction {_first(pair, found <= demand.above, found)} is not above "
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
    if pair.width == 1 and demand.two_classes and labels.min() == labels.max():
        raise DataError(
            f"{pair.where}: all {len(labels)} rows are of one class, {labels[0, 0]:g}; metrics of "
            "two classes have no meaning; evaluate on rows of both"
        )


def _auc(label: NDArray[Any], score: NDArray[Any]) -> float:
    """Return the area under the ROC curve: the share of pairs in order (Hanley, McNeil 1982).

    Args:
        label: shape (n,), share of the row that is positive, 0 to 1.
        score: shape (n,).
    """
    _, place = np.unique(score, return_inverse=True)
    positive, negative = np.bincount(place, label), np.bincount(place, 1 - label)
    below = np.cumsum(negative) - negative / 2
    return float((positive * below).sum() / (positive.sum() * negative.sum()))


def _check_crowding(pair: Pair, demand: Demand, buckets: int) -> None:
    """Check that the thresholds of a curve tell the predictions apart, as for rare events."""
    label = np.asarray(pair.labels, dtype=np.float64)[:, 0]
    score = np.asarray(pair.predictions, dtype=np.float64).reshape(-1)
    exact, found = _auc(label, score), _auc(label, np.ceil(score * (buckets - 1)))
    if abs(exact - found) > MOST_DEVIATION:
        raise DataError(
            f"{pair.where}: predictions crowd from {score.min():g} to {score.max():g} between the "
            f"{buckets} thresholds of {demand.metric}: the area under ROC would be {found:.4g} and "
            f"is {exact:.4g}; give it more num_thresholds, thresholds of your own, or scores that "
            "are spread over 0 to 1"
        )
