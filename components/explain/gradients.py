"""Expected gradients by SHAP's GradientExplainer, for signatures of floats alone.

They come near the Shapley values of a smooth model for the price of its gradients, whatever the
number of inputs: for images and embeddings. They are means over samples, so base value and values
are the answer only nearly; by how much they miss it is measured and told.

SHAP takes Keras models alone, so the signature stands in one. tf_keras is the Keras it works with
under TensorFlow 2.16.

Source: Erion et al., "Improving performance of deep learning models with axiomatic attribution
priors and expected gradients" (2021).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shap
import tensorflow as tf
from numpy.typing import NDArray

from kanaria.components.explain.explained_model import ExplainedModel
from kanaria.components.explain.explained_rows import RowTable
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.explanation.coded_rows import Codes
from kanaria.components.shared.tensors.signature_arrays import feeds

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gradients:
    """Mean answer to the background, values of shape (rows, features), and the answers."""

    base_value: float
    values: Floats
    predictions: Floats


def expected_gradients(
    model: ExplainedModel, table: RowTable, samples: int, seed: int
) -> Gradients:
    """Return the expected gradients of each explained row, those of a feature's values summed.

    Args:
        model: whose answers are explained.
        table: background and explained rows.
        samples: points a row between it and the background.
        seed: of the points.

    Raises:
        ParameterError: an input is of text or integers, which have no gradient.
        DataError: rows have different numbers of values, or nothing leads to the answer smoothly.
    """
    _check(model)
    background = _arrays(model, table, table.background)
    rows = _arrays(model, table, table.rows)
    explainer = shap.GradientExplainer(_keras_model(model), background)
    try:
        shares = explainer.shap_values(_whole(rows), nsamples=samples, rseed=seed)
    except (AttributeError, TypeError, ValueError, tf.errors.OpError) as error:
        raise DataError(
            f"{model.quantity.text}: has no gradient by its inputs ({shown(str(error))}); explain "
            "with explainer permutation"
        ) from error
    shares = shares if isinstance(shares, list) else [shares]
    count = len(table.rows)
    values = np.stack([np.reshape(share, (count, -1)).sum(axis=1) for share in shares], axis=1)
    if not np.isfinite(values).all():
        raise DataError(
            f"{model.quantity.text}: a gradient is not finite; explain with explainer permutation"
        )
    return Gradients(
        base_value=float(model.answers(table.batch(table.background)).mean()),
        values=values.astype(np.float64),
        predictions=model.answers(table.batch(table.rows)),
    )


def _check(model: ExplainedModel) -> None:
    if model.traced is None:
        raise ParameterError(
            "explain_model: explainer='gradient': the model is no SavedModel, and has no gradient; "
            "use permutation"
        )
    smooth = {name for name, item in model.inputs.items() if item.dtype.kind == "f"}
    others = sorted(set(model.inputs) - smooth)
    if others:
        raise ParameterError(
            f"explain_model: explainer='gradient': inputs {shown(others)} are no floats, and have "
            "no gradient; use permutation, or name a signature behind the transform"
        )


def _whole(arrays: list[Any]) -> Any:
    return arrays if len(arrays) > 1 else arrays[0]


def _arrays(model: ExplainedModel, table: RowTable, codes: Codes) -> list[Any]:
    fed = list(feeds(table.batch(codes), model.inputs))
    if len(fed) != 1:
        raise DataError(
            "explainer gradient: rows have different numbers of values; use explainer permutation"
        )
    return [fed[0].arrays[name].astype(np.float32) for name in table.features]


def _keras_model(model: ExplainedModel) -> Any:
    """Return the signature's explained number as a Keras model, its inputs in their order."""
    quantity = model.quantity
    inputs = [
        tf.keras.Input(shape=(item.shape or (None,))[1:], dtype=item.dtype.name, name=name)
        for name, item in model.inputs.items()
    ]
    column = 0 if quantity.column is None else quantity.column

    def answer(tensors: Any) -> Any:
        named = dict(zip(model.inputs, tensors if len(inputs) > 1 else [tensors], strict=True))
        values = model.traced(**named)[quantity.output]
        chosen = tf.reshape(values, [tf.shape(values)[0], -1])[:, column : column + 1]
        if quantity.link == "logit":
            chosen = tf.math.log(chosen / (1 - chosen))
        return tf.ensure_shape(chosen, [None, 1])

    output = tf.keras.layers.Lambda(answer)(_whole(inputs))
    return tf.keras.Model(_whole(inputs), output)
