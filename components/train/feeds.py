"""Raw eval rows in the form a model's signature takes them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.record_batches import record_batches
from kanaria.components.shared.tensors import adapter

ROWS_PER_BATCH = 1_000
Inputs = dict[str, tf.TensorSpec]


def missing_value(dtype: tf.DType) -> Any:
    """Return what stands for a missing value of a named input: "", NaN, or the smallest number."""
    if dtype == tf.string:
        return b""
    if dtype.is_floating:
        return np.nan
    return False if dtype.is_bool else dtype.min


def tensor_of(column: pa.Array | None, rows: int, spec: tf.TensorSpec) -> tf.Tensor:
    """Return a column of lists as the tensor a named input takes.

    Args:
        column: one list of values a row, shape (rows,), or None when the data has no such column.
        rows: number of rows.
        spec: of the input: shape (None,) or (None, 1) takes one value a row, (None, k) takes k.

    Returns:
        Shape (rows, *spec.shape[1:]); places without a value hold `missing_value`.
    """
    trailing = [size or 1 for size in spec.shape[1:]]
    width = int(np.prod(trailing))
    kind = object if spec.dtype == tf.string else spec.dtype.as_numpy_dtype
    filled = np.full((rows, width), missing_value(spec.dtype), kind)
    if column is not None and not pa.types.is_null(column.type):
        lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        values = column.flatten().to_numpy(zero_copy_only=False)
        starts = np.cumsum(lengths) - lengths
        for place in range(width):
            has = lengths > place
            filled[has, place] = values[starts[has] + place]
    return tf.constant(filled.reshape(rows, *trailing), spec.dtype)


def _named(files: Sequence[Path], inputs: Inputs) -> Iterator[dict[str, tf.Tensor]]:
    for batch in record_batches(files, ROWS_PER_BATCH):
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        yield {
            name: tensor_of(columns.get(name), batch.num_rows, spec)
            for name, spec in inputs.items()
        }


def feeds(
    files: Sequence[Path], schema: schema_pb2.Schema, inputs: Inputs
) -> Iterator[dict[str, tf.Tensor]]:
    """Yield batches of arguments for a signature with `inputs`, in the order of the rows.

    A single input of text, shape (None,), that is no feature takes serialized tf.Examples, as
    TFX models do. Otherwise every input is a raw feature.

    Raises:
        UserCodeError: an input is no raw feature, so a request could not hold it.
    """
    features = {feature.name for feature in schema.feature}
    unknown = sorted(set(inputs) - features)
    if [(inputs[name].dtype, inputs[name].shape.rank) for name in unknown] == [(tf.string, 1)]:
        for serialized in adapter.serialized_examples(files, ROWS_PER_BATCH, schema):
            yield {unknown[0]: tf.constant(serialized)}
        return
    if unknown:
        raise UserCodeError(
            f"run_fn: serving_default takes {shown(unknown)}, which are no features of the "
            "schema; take raw features and transform them inside, as "
            "kanaria.components.train.export.export_model does"
        )
    yield from _named(files, inputs)
