"""The signature whose answers are explained, as a function from rows of columns to one number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray

from kanaria.components.explain.request import STEP, Request
from kanaria.components.shared import exception_cause
from kanaria.components.shared.artifacts import saved_signature
from kanaria.components.shared.artifacts.model_inputs import (
    Input,
    inputs_of,
    optional_inputs,
    shape_of,
    takes_examples,
)
from kanaria.components.shared.artifacts.model_inputs import parses_examples as parses
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.tensors.signature_arrays import Feed, feeds

SERVING_DEFAULT = "serving_default"
ROWS_PER_CALL = 10_000
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """The number that is explained.

    Attributes:
        output: name of the signature's output.
        column: which of its values a row; None where it is one.
        link: `logit` where its log-odds are explained, else `identity`.
    """

    output: str
    column: int | None
    link: str

    @property
    def text(self) -> str:
        """What it is, in words."""
        place = "" if self.column is None else f", column {self.column}"
        what = f"output {self.output}{place}"
        return f"log-odds of {what}" if self.link == "logit" else f"{what}, as the model answers it"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainedModel:
    """A signature of a loaded SavedModel.

    Attributes:
        call: the concrete function; takes named tensors, returns named tensors.
        inputs: what it takes, by name.
        quantity: which number of its answer is explained.
        loaded: the model, which holds what the signature computes with.
    """

    call: Any
    inputs: Mapping[str, Input]
    quantity: Quantity
    loaded: Any

    def answers(self, batch: pa.RecordBatch) -> Floats:
        """Return the explained number of each row, shape (rows,).

        Args:
            batch: rows as lists (see `shared.data.record_batches`).

        Raises:
            DataError: a row does not fit the signature, the model fails, or a log-odds is infinite.
        """
        answers = np.empty(batch.num_rows)
        for first in range(0, batch.num_rows, ROWS_PER_CALL):
            for feed in feeds(batch.slice(first, ROWS_PER_CALL), self.inputs, first):
                answers[feed.rows + first] = self._answered(feed)
        return answers if self.quantity.link == "identity" else _log_odds(answers)

    def _answered(self, feed: Feed) -> Floats:
        # Of an empty array of objects TensorFlow does not know the type.
        kinds = {"O": tf.string}
        tensors = {n: tf.constant(a, kinds.get(a.dtype.kind)) for n, a in feed.arrays.items()}
        try:
            values = self.call(**tensors)[self.quantity.output].numpy()
        except (tf.errors.OpError, TypeError, ValueError) as error:
            raise DataError(
                f"the model fails on {len(feed.rows)} rows that mix explained rows with the "
                f"background: {exception_cause.summary(error)}; it must answer such rows, too"
            ) from error
        rows = len(feed.rows)
        if values.shape[:1] != (rows,):
            raise DataError(
                f"output {shown(self.quantity.output)} has shape {values.shape} for {rows} rows; "
                "sign one answer a row"
            )
        return np.asarray(self._column(values.reshape(rows, -1)), np.float64)

    def _column(self, values: NDArray[Any]) -> NDArray[Any]:
        column, width = self.quantity.column, values.shape[1]
        if column is None and width == 1:
            return values[:, 0]
        if column is None or column >= width:
            raise ParameterError(
                f"{STEP}: column={-1 if column is None else column}: output "
                f"{shown(self.quantity.output)} has {width} values a row; use 0 to {width - 1}"
            )
        return values[:, column]


def _log_odds(answers: Floats) -> Floats:
    wrong = answers[~((answers > 0) & (answers < 1))]
    if wrong.size:
        raise DataError(
            f"link logit: the model answers {wrong[0]:g} to a row that mixes explained rows with "
            "the background, whose log-odds are infinite or none; use link identity, or sign the "
            "log-odds as an output and explain that"
        )
    return np.asarray(np.log(answers / (1 - answers)))


def load(request: Request) -> ExplainedModel:
    """Load the signature that is to be explained.

    Raises:
        DataError: there is no SavedModel that loads, or its signature takes no features by name.
        ParameterError: it has no such signature, output or column.
    """
    name = request.signature
    saved = saved_signature.load(request.model, name, STEP, tf)
    loaded, call = saved.loaded, saved.call
    optional = optional_inputs(loaded) if name == SERVING_DEFAULT else None
    inputs = inputs_of(call, optional)
    _check_inputs(name, inputs, parses(call))
    quantity = _quantity(request, call.structured_outputs)
    return ExplainedModel(call=call, inputs=inputs, quantity=quantity, loaded=loaded)


def _check_inputs(name: str, inputs: Mapping[str, Input], parses_examples: bool) -> None:
    if takes_examples(inputs, list(inputs), parses_examples):
        raise DataError(
            f"signature {shown(name)}: takes serialized tf.Examples, which are one input; name a "
            "signature that takes features by name, as export_model signs"
        )
    fixed = [key for key, item in inputs.items() if item.shape and item.shape[0] is not None]
    if fixed:
        raise DataError(
            f"signature {shown(name)}: input {shown(fixed[0])} is of {inputs[fixed[0]].shape} "
            "alone; sign it for any number of rows"
        )


def _quantity(request: Request, outputs: Mapping[str, Any]) -> Quantity:
    faults = Faults(STEP)
    numeric = sorted(name for name, spec in outputs.items() if spec.dtype.is_floating)
    name = request.output or (numeric[0] if len(numeric) == 1 else "")
    names = ", ".join(numeric) or "none of floats"
    faults.check(name in numeric, "output", request.output, f"name one of: {names}")
    faults.raise_if_any()
    width, column = _width(shape_of(outputs[name])), request.column
    if width is not None:
        many = f"the output has {width} values a row; use 0 to {width - 1}"
        faults.check(column < width and (column >= 0 or width == 1), "column", column, many)
        faults.raise_if_any()
    column_or_none = None if width == 1 or column < 0 else column
    return Quantity(output=name, column=column_or_none, link=request.link)


def _width(shape: tuple[int | None, ...] | None) -> int | None:
    """Return how many values a row has, None where only the answers tell."""
    sizes = [] if shape is None else [size for size in shape[1:] if size is not None]
    return None if shape is None or len(sizes) < len(shape) - 1 else math.prod(sizes)
