"""The signature that is converted, and rows of examples as it takes them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray

from kanaria.components.shared import exception_cause
from kanaria.components.shared.artifacts import saved_signature
from kanaria.components.shared.artifacts.model_inputs import (
    Array,
    Input,
    inputs_of,
    optional_inputs,
    parses_examples,
    shape_of,
)
from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.frameworks.model_files import Framework, locate
from kanaria.components.shared.tensors import signature_arrays
from kanaria.components.shared.tensors.signature_arrays import Feed

SERVING_DEFAULT = "serving_default"
ROWS_PER_BATCH = 1_000
Arrays = Mapping[str, Array]


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One signature of a loaded SavedModel.

    Attributes:
        folder: of the SavedModel.
        name: of the signature.
        call: the concrete function; takes named tensors, returns named tensors.
        inputs: what it takes, by name.
        loaded: the model, which holds what the signature computes with.
    """

    folder: Path
    name: str
    call: Any
    inputs: Mapping[str, Input]
    loaded: Any

    @property
    def where(self) -> str:
        """Name the signature in a message."""
        return f"signature {shown(self.name)}"

    def outputs(self) -> dict[str, str]:
        """Return type and shape of each output, by name."""
        specs = self.call.structured_outputs.items()
        return {name: described(spec.dtype.as_numpy_dtype, shape_of(spec)) for name, spec in specs}

    def batch_size(self) -> int | None:
        """Return of how many rows each call is; None where any number will do.

        Raises:
            DataError: two inputs are of different numbers of rows.
        """
        sizes = {item.shape[0] for item in self.inputs.values() if item.shape} - {None}
        if len(sizes) > 1:
            raise DataError(
                f"{self.where}: its inputs are of {shown(sorted(sizes, key=str))} rows; "
                "put the rows first in each, with one size"
            )
        return next(iter(sizes), None)

    def feeds(self, batch: pa.RecordBatch, first: int = 0) -> Iterator[Feed]:
        """Yield arguments of calls that give the signature every row of a batch once.

        A signature of a fixed number of rows gets the last ones repeated: a feed's arrays may be
        longer than its `rows`.

        Args:
            batch: rows as lists (see `shared.data.record_batches`).
            first: number of the first row in the split.

        Raises:
            DataError: an input is no column, or a row does not fit it.
        """
        missing = sorted(set(self.inputs) - set(batch.schema.names))
        if missing:
            raise DataError(
                f"{self.where}: inputs {shown(missing)} are no columns of the examples; give "
                "examples that hold them: transformed examples for a signature behind the transform"
            )
        size = self.batch_size()
        for feed in signature_arrays.feeds(batch, self.inputs, first):
            numbered = Feed(rows=feed.rows + first, arrays=feed.arrays)
            yield from [numbered] if size is None else _of_size(numbered, size)

    def answers(self, feed: Feed) -> dict[str, NDArray[Any]]:
        """Return what the SavedModel answers to one feed, each output of shape (rows, ...).

        Raises:
            DataError: the model fails on the rows, or an output does not have one answer a row.
        """
        # Of an empty array of objects TensorFlow does not know the type.
        kinds = {"O": tf.string}
        tensors = {n: tf.constant(a, kinds.get(a.dtype.kind)) for n, a in feed.arrays.items()}
        try:
            outputs = {name: value.numpy() for name, value in self.call(**tensors).items()}
        except (tf.errors.OpError, AttributeError) as error:
            raise DataError(
                f"{self.where}: the SavedModel fails on row {feed.rows[0]} or after it: "
                f"{exception_cause.summary(error)}; check that the examples fit it"
            ) from error
        return of_rows(self.where, feed, outputs)


def described(dtype: Any, shape: Sequence[int | None] | None) -> str:
    """Return type and shape of a tensor as "float32[?, 3]"; ? stands for any size."""
    name = "string" if np.dtype(dtype).kind in "SO" else np.dtype(dtype).name
    if shape is None:
        return f"{name}[...]"
    sizes = ("?" if size is None or size < 0 else str(int(size)) for size in shape)
    return f"{name}[{', '.join(sizes)}]"


def of_rows(where: str, feed: Feed, outputs: Arrays) -> dict[str, NDArray[Any]]:
    """Return the answers without those to repeated rows.

    Raises:
        DataError: an output does not have one answer a row.
    """
    row_count = len(next(iter(feed.arrays.values())))
    for name, values in outputs.items():
        if values.shape[:1] != (row_count,):
            raise DataError(
                f"{where}: output {shown(name)} has shape {values.shape} for {row_count} rows; "
                "sign one answer a row, and no input that nothing is computed from"
            )
    return {name: values[: len(feed.rows)] for name, values in outputs.items()}


def _of_size(feed: Feed, size: int) -> Iterator[Feed]:
    for start in range(0, len(feed.rows), size):
        places = np.arange(start, min(start + size, len(feed.rows)))
        filled = np.concatenate([places, np.repeat(places[-1:], size - len(places))])
        arrays = {name: array[filled] for name, array in feed.arrays.items()}
        yield Feed(rows=feed.rows[places], arrays=arrays)


def load(model: Path, name: str) -> Signature:
    """Load the newest SavedModel below `model` with the signature of this name.

    Raises:
        DataError: there is no SavedModel that loads, or the signature cannot be fed by columns.
        ParameterError: the model has no such signature.
    """
    files = locate(model)
    if files.framework is not Framework.TENSORFLOW:
        raise DataError(
            f"export_lite: {files.file}: is of {files.framework}, and LiteRT converts SavedModels "
            "alone; leave the step out, or train the model with TensorFlow"
        )
    saved = saved_signature.load(model, name, "export_lite", tf)
    loaded, call = saved.loaded, saved.call
    if parses_examples(call):
        raise DataError(
            f"signature {shown(name)}: parses serialized tf.Examples, which no operation of LiteRT "
            "does (ParseExample); name a signature that takes features by name"
        )
    optional = optional_inputs(loaded) if name == SERVING_DEFAULT else None
    inputs = inputs_of(call, optional)
    return Signature(folder=saved.folder, name=name, call=call, inputs=inputs, loaded=loaded)


def rows_of(signature: Signature, files: Sequence[Path]) -> Iterator[Feed]:
    """Yield arguments of calls that give a signature every row of a split once."""
    first = 0
    for batch in record_batches(files, ROWS_PER_BATCH):
        yield from signature.feeds(batch, first)
        first += batch.num_rows
