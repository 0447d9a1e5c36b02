"""The model whose answers are explained, as a function from rows of columns to one number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray

from kanaria.components.explain.request import STEP, Request
from kanaria.components.shared.artifacts.model_inputs import Inputs, takes_examples
from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.frameworks import model_function
from kanaria.components.shared.frameworks.array_model import PredictionError, dtype_of
from kanaria.components.shared.frameworks.model_function import Call, ModelFunction
from kanaria.components.shared.tensors.signature_arrays import Feed, feeds

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
    """A loaded model, and the number that is explained.

    Attributes:
        call: takes arrays by input, returns those of its outputs.
        traced: the signature of a SavedModel, which has gradients; None of other frameworks.
        inputs: what it takes, by name.
        quantity: which number of its answer is explained.
        loaded: the model, which holds what it computes with.
    """

    call: Call
    traced: Any
    inputs: Inputs
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
        try:
            values = self.call(feed.arrays)[self.quantity.output]
        except PredictionError as error:
            raise DataError(
                f"the model fails on {len(feed.rows)} rows that mix explained rows with the "
                f"background: {error}; it must answer such rows, too"
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
    """Load the model that is to be explained.

    Raises:
        DataError: there is no model that loads, or its signature takes no features by name.
        ParameterError: it has no such signature, output or column.
    """
    function = model_function.load(request.model, request.signature, STEP, tf)
    _check_inputs(function)
    return ExplainedModel(
        call=function.call,
        traced=function.traced,
        inputs=function.inputs,
        quantity=_quantity(request, function.outputs),
        loaded=function.loaded,
    )


def _check_inputs(function: ModelFunction) -> None:
    inputs = function.inputs
    if takes_examples(inputs, list(inputs), function.parses):
        raise DataError(
            f"{function.where}: takes serialized tf.Examples, which are one input; name a "
            "signature that takes features by name, as export_model signs"
        )
    fixed = [key for key, item in inputs.items() if item.shape and item.shape[0] is not None]
    if fixed:
        raise DataError(
            f"{function.where}: input {shown(fixed[0])} is of {inputs[fixed[0]].shape} alone; "
            "let it take any number of rows"
        )


def _quantity(request: Request, outputs: Mapping[str, Tensor]) -> Quantity:
    faults = Faults(STEP)
    numeric = sorted(name for name, one in outputs.items() if dtype_of(one).kind in "fV")
    name = request.output or (numeric[0] if len(numeric) == 1 else "")
    names = ", ".join(numeric) or "none of floats"
    faults.check(name in numeric, "output", request.output, f"name one of: {names}")
    faults.raise_if_any()
    width, column = _width(outputs[name].shape), request.column
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
