"""Keras metrics over whole batches: their weights are sums, slice by slice.

TFMA feeds Keras metrics with 1,000 rows a time and adds their weights up. Here a metric is fed
with all rows that a batch has of a slice, and the weights are added in float64.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate.label_prediction_pairs import Pairs, Wanted
from kanaria.components.evaluate.private_tfma import metric_util

# Output -> metric -> its weights.
Weights = list[list[list[NDArray[Any]]]]


def is_one(computation: Any) -> bool:
    """Tell whether a computation of TFMA is a Keras metric that is fed with labels as they are."""
    return isinstance(
        computation.combiner, private.KerasCombiner
    ) and private.takes_rows_as_they_are(computation)


def wanted(combiner: Any) -> Iterator[Wanted]:
    """Yield what the metrics of each output compare."""
    aggregation = combiner._aggregation_type
    for output in combiner._output_names:
        yield Wanted(
            model=combiner._model_name,
            output=output,
            sub_key=None if combiner._sub_key_in_config else combiner._sub_key,
            aggregated=aggregation is not None,
            class_weights=tuple(sorted((combiner._class_weights or {}).items())),
            weighted=combiner._example_weighted,
            flat=bool(aggregation and aggregation.micro_average),
        )


def fed(combiner: Any, pairs: list[Pairs], rows: NDArray[Any]) -> Weights:
    """Return the weights of the metrics after these rows alone.

    Args:
        combiner: TFMA's combiner of Keras metrics, set up.
        pairs: what each output's metrics compare.
        rows: numbers of the rows.
    """
    result = []
    for output, pair in zip(combiner._output_names, pairs, strict=True):
        label, prediction, weight = (
            each[rows] for each in (pair.label, pair.prediction, pair.weight)
        )
        if combiner._sub_key_in_config and label.shape != prediction.shape:
            label = metric_util.one_hot(label, prediction)
        if pair.weight.shape[1] == pair.prediction.shape[1] > 1:
            # Every value is a pair of its own.
            label, prediction, weight = (
                each.reshape(-1, 1) for each in (label, prediction, weight)
            )
        result.append(
            [_updated(one, label, prediction, weight) for one in combiner._metrics[output]]
        )
    return result


def _updated(metric: Any, label: Any, prediction: Any, weight: Any) -> list[NDArray[Any]]:
    metric.reset_states()
    metric.update_state(label, prediction, weight)
    return [np.asarray(each, dtype=np.float64) for each in metric.get_weights()]


def added(first: Weights | None, second: Weights) -> Weights:
    """Return the sum of two metrics' weights."""
    if first is None:
        return second
    return [
        [
            [a + b for a, b in zip(one, other, strict=True)]
            for one, other in zip(ones, others, strict=True)
        ]
        for ones, others in zip(first, second, strict=True)
    ]


def accumulator(combiner: Any, weights: Weights) -> Any:
    """Return TFMA's accumulator with these weights."""
    result = combiner.create_accumulator()
    for output, metrics in enumerate(weights):
        for metric, values in enumerate(metrics):
            result.add_weights(output, metric, values)
    return result
