"""TFMA's combiners that add numbers up, for all slices of a batch at once.

A combiner's accumulator is a few sums, or a few sums for each of many buckets. Here the sums of
all slices stand in one table (`sum_tables`). From it TFMA's own accumulators are made, so what
becomes of them is TFMA's. What a combiner computes stands in its private attributes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate import label_prediction_pairs
from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate.calibration_histograms import Histogram
from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.label_prediction_pairs import Pairs, Wanted
from kanaria.components.evaluate.sum_tables import Part, Summing


def _one_row(columns: list[NDArray[Any]]) -> Part:
    """Return sums without buckets: the terms of each row are added up first."""
    return Part(rows=None, buckets=None, sums=np.stack([c.sum(axis=1) for c in columns], axis=1))


def _floats(pair: Pairs) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    return pair.label.astype(np.float64), pair.prediction.astype(np.float64), pair.weight


def _fractions(label: NDArray[Any]) -> bool:
    """Tell whether labels are shares of a row that is positive, as far as TFMA lets them be."""
    return bool(((label >= -1e-7) & (label <= 1 + 1e-7)).all())


def _attributes(kind: type, names: list[str]) -> Callable[[NDArray[Any], NDArray[Any]], Any]:
    """Return what makes an accumulator with these attributes."""

    def made(_: NDArray[Any], sums: NDArray[Any]) -> Any:
        result = kind()
        for name, value in zip(names, sums.sum(axis=0).tolist() or [0.0] * len(names), strict=True):
            setattr(result, name, value)
        return result

    return made


def _wanted(combiner: Any, key: Any, **changes: Any) -> Wanted:
    aggregation = getattr(combiner, "_aggregation_type", None)
    weights = getattr(combiner, "_class_weights", None) or {}
    selection = {
        "model": key.model_name,
        "output": key.output_name,
        "sub_key": key.sub_key,
        "aggregated": aggregation is not None,
        "class_weights": tuple(sorted(weights.items())),
        "weighted": combiner._example_weighted,
    }
    return Wanted(**{**selection, **changes})


def _count(combiner: Any) -> Summing:
    def part(rows: Rows, config: Any, _: Pairs | None) -> Part | None:
        output, weighted = combiner._output_name, combiner._example_weighted
        weights = label_prediction_pairs.weight(
            rows, config, combiner._model_name, output, weighted=weighted
        )
        return (
            None if weights is None else Part(rows=None, buckets=None, sums=weights[:, np.newaxis])
        )

    return Summing(wanted=None, part=part, width=1, accumulator=lambda _, sums: float(sums.sum()))


def _calibration(combiner: Any) -> Summing | None:
    key = combiner._key
    if key.sub_key and key.sub_key.top_k is not None:
        return None  # TFMA looks for k labels in each pair.

    def part(_: Rows, _config: Any, pair: Any) -> Part:
        label, prediction, weight = _floats(pair)
        return _one_row([label * weight, prediction * weight, weight])

    names = [f"total_weighted_{name}" for name in ("labels", "predictions", "examples")]
    made = _attributes(type(combiner.create_accumulator()), names)
    return Summing(wanted=_wanted(combiner, key), part=part, width=1, accumulator=made)


def _histogram(combiner: Any) -> Summing | None:
    if not combiner._prediction_based_bucketing:
        return None
    buckets = combiner._num_buckets

    def part(rows: Rows, _: Any, pair: Any) -> Part | None:
        label, prediction, weight = (each.ravel() for each in _floats(pair))
        if combiner._fractional_labels and not _fractions(label):
            return None
        place = (prediction - combiner._left) / combiner._range * buckets + 1
        # As TFMA: all below the range in bucket 0, all above it in the last.
        place = np.where(place < 0, 0, np.minimum(place, buckets + 1)).astype(np.int64)
        row = np.repeat(np.arange(len(rows)), pair.prediction.shape[1])
        sums = np.stack([label * weight, prediction * weight, weight], axis=1)
        if combiner._fractional_labels and not weight.all():
            used = weight != 0  # TFMA leaves out what counts nothing.
            row, place, sums = row[used], place[used], sums[used]
        return Part(rows=row, buckets=place, sums=sums)

    wanted = _wanted(combiner, combiner._key)
    return Summing(wanted=wanted, part=part, width=buckets + 2, accumulator=Histogram)


def _matrix(combiner: Any) -> Summing | None:
    plain = combiner._extract_label_prediction_and_weight is private.PLAIN_PAIRS
    if not plain or combiner._example_id_key or not combiner._enable_fractional_labels:
        return None
    thresholds = np.array(combiner._binary_confusion_matrices._thresholds, dtype=np.float64)
    ordered = np.sort(thresholds)

    def part(rows: Rows, _: Any, pair: Any) -> Part | None:
        label, prediction, weight = (each.ravel() for each in _floats(pair))
        if not _fractions(label):
            return None
        place = np.searchsorted(ordered, prediction, side="left")
        row = np.repeat(np.arange(len(rows)), pair.prediction.shape[1])
        sums = np.stack([label * weight, (1 - label) * weight], axis=1)
        return Part(rows=row, buckets=place, sums=sums)

    def made(buckets: NDArray[Any], sums: NDArray[Any]) -> Any:
        entries = {}
        for threshold in thresholds.tolist():
            above = buckets > np.searchsorted(ordered, threshold, side="left")
            (tp, fp), (fn, tn) = sums[above].sum(axis=0), sums[~above].sum(axis=0)
            matrix = private.Matrix(tp=float(tp), tn=float(tn), fp=float(fp), fn=float(fn))
            entries[threshold] = private.ThresholdEntry(matrix, [], [], [], [])
        return entries

    wanted = _wanted(combiner, combiner._key)
    return Summing(wanted=wanted, part=part, width=len(thresholds) + 1, accumulator=made)


def _absolute(label: Any, prediction: Any) -> Any:
    return np.absolute(label - prediction)


def _squared(label: Any, prediction: Any) -> Any:
    difference = label - prediction
    return np.sqrt(difference * difference).astype(np.float64) ** 2


def _percentage(label: Any, prediction: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.absolute((label - prediction) / label).astype(np.float64)
    return 100 * np.where(label == 0, np.nan, shares)


def _logarithmic(label: Any, prediction: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _squared(np.log(label + 1), np.log(prediction + 1))


ERRORS: dict[type, Callable[[Any, Any], Any]] = {
    private.AbsoluteErrorCombiner: _absolute,
    private.SquaredErrorCombiner: _squared,
    private.PercentageErrorCombiner: _percentage,
    private.LogarithmicErrorCombiner: _logarithmic,
}


def _regression(combiner: Any) -> Summing:
    error = ERRORS[type(combiner)]

    def part(_: Rows, _config: Any, pair: Any) -> Part:
        errors = error(pair.label, pair.prediction).astype(np.float64)
        counts = ~np.isnan(errors)  # As TFMA: rows without an error are left out.
        errors = np.where(counts, errors, 0.0)
        return _one_row([counts * pair.weight, errors * pair.weight])

    names = ["total_example_weights", "total_regression_error"]
    made = _attributes(type(combiner.create_accumulator()), names)
    wanted = _wanted(combiner, combiner._metric_key)
    return Summing(wanted=wanted, part=part, width=1, accumulator=made)


def _binary_entropy(combiner: Any, label: Any, prediction: Any) -> Any:
    smoothing = combiner._label_smoothing
    label = label * (1.0 - smoothing) + 0.5 * smoothing
    if combiner._from_logits:
        losses = np.maximum(prediction, 0) - prediction * label
        return (losses + np.log(1 + np.exp(-np.abs(prediction)))).mean(axis=1)
    losses = -(label * np.log(prediction)) - (1 - label) * np.log(1 - prediction)
    return losses.mean(axis=1)


def _categorical_entropy(combiner: Any, label: Any, prediction: Any) -> Any:
    smoothing, classes = combiner._label_smoothing, prediction.shape[1]
    label = label * (1.0 - smoothing) + smoothing / classes
    # TFMA divides the predictions in their place, and the metrics after it see them so.
    probabilities = np.exp(prediction) if combiner._from_logits else prediction
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    logarithm = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    return -(label * logarithm).sum(axis=1)


ENTROPIES: dict[type, Callable[[Any, Any, Any], Any]] = {
    private.BinaryEntropyCombiner: _binary_entropy,
    private.CategoricalEntropyCombiner: _categorical_entropy,
}


def _entropy(combiner: Any) -> Summing:
    entropy = ENTROPIES[type(combiner)]

    def part(_: Rows, _config: Any, pair: Any) -> Part | None:
        if pair.label.shape != pair.prediction.shape or pair.prediction.dtype.kind != "f":
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            losses = entropy(combiner, pair.label, pair.prediction).astype(np.float64)
        return _one_row([losses[:, np.newaxis] * pair.weight, pair.weight])

    names = ["total_cross_entropy", "total_example_weights"]
    made = _attributes(type(combiner.create_accumulator()), names)
    wanted = _wanted(combiner, combiner._metric_key, flat=False)
    return Summing(wanted=wanted, part=part, width=1, accumulator=made)


def _tjur(combiner: Any) -> Summing:
    def part(_: Rows, _config: Any, pair: Any) -> Part:
        label, prediction, weight = _floats(pair)
        negative, positive = (1.0 - label) * weight, label * weight
        return _one_row([negative * prediction, negative, positive * prediction, positive])

    names = [
        f"total_{side}_weighted_{what}"
        for side in ("negative", "positive")
        for what in ("predictions", "labels")
    ]
    made = _attributes(type(combiner.create_accumulator()), names)
    wanted = _wanted(combiner, combiner._key, sub_key=None)
    return Summing(wanted=wanted, part=part, width=1, accumulator=made)


def _pearson(combiner: Any) -> Summing:
    def part(_: Rows, _config: Any, pair: Any) -> Part:
        label, prediction, weight = _floats(pair)
        weighted_label, weighted = label * weight, prediction * weight
        columns = [weighted_label, weighted, weighted_label * label, weighted * prediction]
        return _one_row([*columns, weighted_label * prediction, weight])

    names = ["labels", "predictions", "squared_labels", "squared_predictions"]
    names = [f"total_weighted_{n}" for n in [*names, "labels_times_predictions", "examples"]]
    made = _attributes(type(combiner.create_accumulator()), names)
    wanted = _wanted(combiner, combiner._key, sub_key=None)
    return Summing(wanted=wanted, part=part, width=1, accumulator=made)


def _class_matrix(combiner: Any) -> Summing | None:
    plain = combiner._extract_label_prediction_and_weight is private.PLAIN_PAIRS
    if not plain or len(combiner._thresholds) != 1:
        return None  # With more TFMA's rows depend on the order of the thresholds.
    threshold, most = combiner._thresholds[0], 1 << 20

    def part(rows: Rows, _: Any, pair: Any) -> Part | None:
        if pair.prediction.shape[1] < 2 or pair.prediction.shape[1] >= most - 1:
            return None
        actual = pair.label.argmax(axis=1) if pair.label.shape[1] > 1 else pair.label[:, 0]
        actual = actual.astype(np.int64)
        if (actual < 0).any() or (actual >= most).any():
            return None
        predicted = pair.prediction.argmax(axis=1)
        below = pair.prediction[np.arange(len(rows)), predicted] <= threshold
        predicted = np.where(below, private.NO_PREDICTED_CLASS, predicted)
        code = actual * most + (predicted - private.NO_PREDICTED_CLASS)
        return Part(rows=None, buckets=code, sums=pair.weight)

    def made(buckets: NDArray[Any], sums: NDArray[Any]) -> Any:
        result = combiner.create_accumulator()
        result[threshold] = {
            private.MatrixEntryKey(code // most, code % most + private.NO_PREDICTED_CLASS): total
            for code, total in zip(buckets.tolist(), sums[:, 0].tolist(), strict=True)
        }
        return result

    wanted = _wanted(combiner, combiner._key, sub_key=None, flat=False)
    return Summing(wanted=wanted, part=part, width=most * most, accumulator=made)


KINDS: dict[type, Callable[[Any], Summing | None]] = {
    private.ExampleCountCombiner: _count,
    private.CalibrationCombiner: _calibration,
    private.HistogramCombiner: _histogram,
    private.MatrixCombiner: _matrix,
    **dict.fromkeys(ERRORS, _regression),
    **dict.fromkeys(ENTROPIES, _entropy),
    private.TjurCombiner: _tjur,
    private.PearsonCombiner: _pearson,
    private.ClassMatrixCombiner: _class_matrix,
}


def key_of(combiner: Any) -> Any:
    """Return TFMA's key of the one metric that a combiner computes."""
    return combiner._key


def of(computation: Any) -> Summing | None:
    """Return how a computation of TFMA adds up, None where it is none of the known.

    Args:
        computation: a `tfma.metrics.MetricComputation`.
    """
    kind = KINDS.get(type(computation.combiner))
    plain = private.takes_rows_as_they_are(computation)
    return kind(computation.combiner) if kind is not None and plain else None
