"""The signature that scores, and rows as it takes them; the module that runs the model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray

from kanaria.components.predict.prediction_columns import Output, column
from kanaria.components.shared import exception_cause
from kanaria.components.shared.artifacts.model_folder import version_folder
from kanaria.components.shared.artifacts.model_inputs import (
    Input,
    inputs_of,
    optional_inputs,
    parses_examples,
    shape_of,
    takes_examples,
)
from kanaria.components.shared.data import tf_examples
from kanaria.components.shared.data.record_batches import as_lists, to_lists, value_type
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.tensors import named
from kanaria.components.shared.tensors.named import Feed

SERVING_DEFAULT = "serving_default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One signature of a loaded SavedModel.

    Attributes:
        name: of the signature.
        call: the concrete function; takes named tensors, returns named tensors.
        inputs: what it takes, by name.
        optional: inputs that the model says may be missing.
        outputs: what it returns, in the order of their names.
        parses: whether it reads serialized tf.Examples.
        loaded: the model, which holds what the signature computes with.
    """

    name: str
    call: Any
    inputs: Mapping[str, Input]
    optional: frozenset[str]
    outputs: tuple[Output, ...]
    parses: bool
    loaded: Any

    @property
    def where(self) -> str:
        """Name the signature in a message."""
        return f"signature {shown(self.name)}"

    def reads_examples(self, columns: list[str]) -> bool:
        """Tell whether rows with these columns are given to it as serialized tf.Examples."""
        return takes_examples(self.inputs, columns, self.parses)

    def feeds(self, rows: pa.RecordBatch, first: int) -> Iterator[Feed]:
        """Yield arguments of calls that give the signature every row once.

        Args:
            rows: with the columns of the data.
            first: number of the first row, for messages.

        Raises:
            DataError: a row does not fit an input.
        """
        if self.reads_examples(rows.schema.names):
            examples = np.array(list(tf_examples.encoded(to_lists(rows))), dtype=object)
            every = np.arange(rows.num_rows)
            yield from self._of_size(Feed(rows=every, arrays={min(self.inputs): examples}))
            return
        for feed in named.feeds(_lists(rows, self.inputs), self.inputs, first):
            yield from self._of_size(feed)

    def _of_size(self, feed: Feed) -> Iterator[Feed]:
        """Yield calls of the one size that the signature takes, the last row repeated to fill."""
        sizes = {item.shape[0] for item in self.inputs.values() if item.shape} - {None}
        if not sizes:
            yield feed
            return
        size = max(size for size in sizes if size is not None)
        for start in range(0, len(feed.rows), size):
            places = np.arange(start, min(start + size, len(feed.rows)))
            filled = np.concatenate([places, np.repeat(places[-1:], size - len(places))])
            arrays = {name: array[filled] for name, array in feed.arrays.items()}
            yield Feed(rows=feed.rows[places], arrays=arrays)

    def columns(self, rows: pa.RecordBatch, first: int) -> list[pa.Array]:
        """Return the predictions for some rows: a column an output, in the order of the rows.

        Args:
            rows: with the columns of the data.
            first: number of the first row, for messages.

        Raises:
            DataError: a row does not fit an input, the model refuses the rows, or it does not give
                one answer a row.
        """
        feeds = list(self.feeds(rows, first))
        answers = [self._answers(feed) for feed in feeds]
        order = np.argsort(np.concatenate([feed.rows for feed in feeds]), kind="stable")
        in_order = len(feeds) == 1
        columns = []
        for output in self.outputs:
            parts = [column(output, answer[output.name]) for answer in answers]
            whole = parts[0] if in_order else pa.concat_arrays(parts).take(pa.array(order))
            columns.append(whole)
        return columns

    def _answers(self, feed: Feed) -> dict[str, NDArray[Any]]:
        # Of an empty array of objects TensorFlow does not know the type.
        kinds = {"O": tf.string}
        tensors = {n: tf.constant(a, kinds.get(a.dtype.kind)) for n, a in feed.arrays.items()}
        sizes = {len(array) for array in feed.arrays.values()}
        try:
            outputs = {name: value.numpy() for name, value in self.call(**tensors).items()}
        except (tf.errors.OpError, TypeError, ValueError) as error:
            raise DataError(
                f"{self.where}: the model fails on {len(feed.rows)} rows: "
                f"{exception_cause.summary(error)}; check that the data fits it"
            ) from error
        for name, values in outputs.items():
            if {*values.shape[:1]} != sizes:
                raise DataError(
                    f"{self.where}: output {shown(name)} has shape {values.shape} for "
                    f"{max(sizes)} rows; sign one answer a row"
                )
        return {name: values[: len(feed.rows)] for name, values in outputs.items()}


def _lists(rows: pa.RecordBatch, inputs: Mapping[str, Input]) -> pa.RecordBatch:
    """Return the columns of inputs as lists; floats of 64 bits keep them all."""
    columns = {}
    for name in inputs:
        place = rows.schema.get_field_index(name)
        if place >= 0:
            values = rows.column(place)
            target = list_type(name, values.type)
            columns[name] = as_lists(name, values, target)
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def list_type(name: str, column_type: pa.DataType) -> pa.DataType:
    """Return the type of lists that hold a column's values unchanged; null without any.

    Raises:
        DataError: the column's type has no form in a tf.Example.
    """
    is_list = pa.types.is_list(column_type) or pa.types.is_large_list(column_type)
    own = column_type.value_type if is_list else column_type
    value = pa.float64() if pa.types.is_float64(own) else value_type(name, own)
    return value if pa.types.is_null(value) else pa.large_list(value)


def _outputs(name: str, call: Any) -> tuple[Output, ...]:
    specs = call.structured_outputs
    foreign = sorted(key for key, spec in specs.items() if not isinstance(spec, tf.TensorSpec))
    if foreign:
        raise DataError(f"signature {shown(name)}: outputs {shown(foreign)} are no dense tensors")
    return tuple(
        Output(name=key, dtype=np.dtype(spec.dtype.as_numpy_dtype), shape=shape_of(spec))
        for key, spec in sorted(specs.items())
    )


def load(model: Path, name: str) -> Signature:
    """Load the newest SavedModel below `model` with the signature of this name.

    Raises:
        DataError: there is no SavedModel that loads.
        ParameterError: the model has no such signature.
    """
    folder = version_folder(model)
    try:
        loaded = tf.saved_model.load(str(folder))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise DataError(
            f"model {shown(str(folder))}: does not load: {exception_cause.summary(error)}; "
            "train it again"
        ) from error
    if name not in loaded.signatures:
        there = ", ".join(sorted(loaded.signatures)) or "none"
        raise ParameterError(f"signature={shown(name)}: the model has: {there}")
    call = loaded.signatures[name]
    optional = optional_inputs(loaded) if name == SERVING_DEFAULT else None
    return Signature(
        name=name,
        call=call,
        inputs=inputs_of(call, optional),
        optional=optional or frozenset(),
        outputs=_outputs(name, call),
        parses=parses_examples(call),
        loaded=loaded,
    )
