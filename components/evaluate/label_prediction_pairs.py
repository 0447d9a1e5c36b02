"""Labels, predictions and weights of whole batches as TFMA pairs them row by row.

`metric_util.to_label_prediction_example_weight` is the one rule of what a metric compares: which
output, which class, the top k, flattened or not. Here it is done for N rows at once where labels,
predictions and weights are plain numbers; None says that TFMA must do it row by row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.evaluate.evaluated_rows import Rows
from kanaria.components.evaluate.private_tfma import metric_util

# The outputs TFMA takes when none is named, in its order.
USUAL_OUTPUTS = ("scores", "outputs", "predictions", "logistic", "probabilities", "logits")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """What a metric compares in N rows.

    Attributes:
        label: shape (N, k), in the labels' own type.
        prediction: shape (N, p), in the predictions' own type; p = k where they are flattened.
        weight: float64, shape (N, k) where flattened, else (N, 1).
    """

    label: NDArray[Any]
    prediction: NDArray[Any]
    weight: NDArray[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a metric asks for.

    Attributes:
        model: name of the model in the metric's key.
        output: name of the output, "" for the only one.
        sub_key: a `tfma.metrics.SubKey` or None.
        aggregated: whether classes are aggregated.
        class_weights: class -> weight; empty for none.
        weighted: whether rows have weights.
        flat: whether each value is a pair of its own.
    """

    model: str
    output: str
    sub_key: Any = None
    aggregated: bool = False
    class_weights: tuple[tuple[int, float], ...] = ()
    weighted: bool = False
    flat: bool = True


def chosen(outputs: Mapping[str, NDArray[Any]], key: str) -> NDArray[Any] | None:
    """Return the output that TFMA compares labels with, None where it finds none.

    Args:
        outputs: what the model gave, by name.
        key: name that the config gives, or "".
    """
    if len(outputs) == 1:
        return next(iter(outputs.values()))
    names = [key] if key else [name for name in USUAL_OUTPUTS if name in outputs]
    return outputs.get(names[0]) if names else None


def _numbers(values: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return values as shape (N, k); None unless they are numbers of at most one axis a row."""
    if values is None or values.dtype.kind not in "biuf" or values.ndim > 2 or not values.size:
        return None
    return values.reshape(len(values), -1)


def _prediction(rows: Rows, spec: Any, output: str) -> NDArray[Any] | None:
    outputs = rows.predictions[spec.name]
    if not output:
        return _numbers(chosen(outputs, spec.prediction_key))
    # Of a single output TFMA knows no name, and refuses one.
    return _numbers(outputs.get(output)) if len(outputs) > 1 else None


def _weight(rows: Rows, spec: Any, output: str, *, weighted: bool) -> NDArray[Any] | None:
    """Return the weight of each row, shape (N,), None where one is no single number."""
    keys = dict(spec.example_weight_keys)
    key = spec.example_weight_key or keys.get(output, "")
    if not weighted:
        return np.ones(len(rows))
    if not key:
        return None
    weights = rows.scalars(spec.name, key)
    return None if weights is None or np.isnan(weights).any() else weights


def weight(rows: Rows, config: Any, model: str, output: str, *, weighted: bool) -> Any:
    """Return the weight of each row for a count, shape (N,), or None."""
    return _weight(rows, _spec(config, model), output, weighted=weighted)


def _spec(config: Any, model: str) -> Any:
    """Return the ModelSpec that a metric's key means; its name is "" where there is one."""
    specs = config.model_specs
    return next((spec for spec in specs if spec.name == model), specs[0])


def of(rows: Rows, config: Any, wanted: Wanted) -> Pairs | None:
    """Return what a metric compares, or None where TFMA must pair the rows one by one.

    Args:
        rows: N rows.
        config: the `tfma.EvalConfig` for the models at hand.
        wanted: what the metric asks for.
    """
    spec = _spec(config, wanted.model)
    key = spec.label_key or dict(spec.label_keys).get(wanted.output, "")
    if spec.HasField("padding_options") or not key:
        return None
    label = _numbers(rows.values(spec.name, key))
    prediction = _prediction(rows, spec, wanted.output)
    weights = _weight(rows, spec, wanted.output, weighted=wanted.weighted)
    if label is None or prediction is None or weights is None:
        return None
    if label.dtype.kind == "f" and np.isnan(label).any():
        return None
    picked = _picked(label, prediction, wanted)
    if picked is None:
        return None
    return _flat(*picked, weights, wanted) if wanted.flat else _whole(*picked, weights, wanted)


def _picked(
    label: NDArray[Any], prediction: NDArray[Any], wanted: Wanted
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return the classes that the sub key picks."""
    sub_key = wanted.sub_key
    if sub_key is None:
        return label, prediction
    most = sub_key.k if sub_key.k is not None else sub_key.top_k
    if most is not None:
        if prediction.shape[1] < most or label.shape[1] not in (1, prediction.shape[1]):
            return None
        indices = metric_util.top_k_indices(most, prediction)
        if sub_key.k is not None:
            indices = (indices[0][0::most], indices[1][0::most])
        if sub_key.k is None and not wanted.aggregated:
            top = np.full(prediction.shape, float("-inf"))
            top[indices] = prediction[indices]
            prediction = top
        else:
            label = _one_hot(label, prediction)
            label = metric_util.select_indices(label, indices)
            prediction = metric_util.select_indices(prediction, indices)
    if sub_key.k is None and sub_key.class_id is not None:
        return _of_class(label, prediction, sub_key.class_id)
    return label, prediction


def _of_class(
    label: NDArray[Any], prediction: NDArray[Any], number: int
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    if not 0 <= number < prediction.shape[1]:
        return None
    if label.shape[1] == prediction.shape[1]:
        return label[:, [number]], prediction[:, [number]]
    if label.shape[1] != 1:
        return None
    return (label == number).astype(np.int64), prediction[:, [number]]


def _one_hot(label: NDArray[Any], prediction: NDArray[Any]) -> NDArray[Any]:
    """Return labels with one value a class, as TFMA makes them of class ids."""
    if label.shape == prediction.shape:
        return label
    return np.asarray(metric_util.one_hot(label, prediction))


def _flat(
    label: NDArray[Any], prediction: NDArray[Any], weights: NDArray[Any], wanted: Wanted
) -> Pairs | None:
    classes = prediction.shape[1]
    if label.shape[1] not in (1, classes):
        return None
    weight = np.repeat(weights[:, np.newaxis], classes, axis=1)
    if wanted.class_weights:
        class_weights = dict(wanted.class_weights)
        weight = weight * np.array([class_weights.get(number, 0.0) for number in range(classes)])
    return Pairs(label=_one_hot(label, prediction), prediction=prediction, weight=weight)


def _whole(
    label: NDArray[Any], prediction: NDArray[Any], weights: NDArray[Any], wanted: Wanted
) -> Pairs | None:
    if wanted.class_weights:
        return None
    return Pairs(label=label, prediction=prediction, weight=weights[:, np.newaxis])
