"""Doubts a saved model: it must load and answer every eval row with finite numbers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.errors import DataError, UserCodeError, shown
from kanaria.components.shared.record_batches import record_batches
from kanaria.components.shared.tensors import adapter

ROWS_PER_BATCH = 1_000
SIGNATURE = "serving_default"
MISSING = {tf.string: b"", tf.float32: np.nan, tf.int64: np.iinfo(np.int64).min}


def _takes_examples(inputs: dict[str, tf.TensorSpec]) -> bool:
    """Tell whether a signature takes serialized tf.Examples, as TFX models do."""
    return [(spec.dtype, spec.shape.rank) for spec in inputs.values()] == [(tf.string, 1)]


def _rows_by_name(
    files: Sequence[Path], inputs: dict[str, tf.TensorSpec]
) -> Iterator[dict[str, tf.Tensor]]:
    for batch in record_batches(files, ROWS_PER_BATCH):
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        feed = {}
        for name, spec in inputs.items():
            lists = columns[name].to_pylist() if name in columns else [None] * batch.num_rows
            values = [row[0] if row else MISSING[spec.dtype] for row in lists]
            feed[name] = tf.reshape(tf.constant(values, spec.dtype), [-1, *spec.shape[1:]])
        yield feed


def _feeds(
    files: Sequence[Path], schema: schema_pb2.Schema, inputs: dict[str, tf.TensorSpec]
) -> Iterator[dict[str, tf.Tensor]]:
    if not _takes_examples(inputs):
        yield from _rows_by_name(files, inputs)
        return
    name = next(iter(inputs))
    for serialized in adapter.serialized_examples(files, ROWS_PER_BATCH, schema):
        yield {name: tf.constant(serialized)}


def _is_finite(outputs: dict[str, tf.Tensor]) -> np.ndarray:
    """Return for each row whether every float it gave is finite, shape (rows,)."""
    finite = [
        np.isfinite(tensor.numpy()).reshape(tensor.shape[0], -1).all(axis=1)
        for tensor in outputs.values()
        if tensor.dtype.is_floating
    ]
    return np.logical_and.reduce(finite) if finite else np.array([True])


def _suspects(files: Sequence[Path], bad: np.ndarray) -> list[str]:
    """Return the columns that hold NaN, infinity or nothing in a bad row, `bad` shape (rows,)."""
    found, start = set(), 0
    for batch in record_batches(files, ROWS_PER_BATCH):
        rows = np.flatnonzero(bad[start : start + batch.num_rows])
        start += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            lists = [column[int(row)].as_py() for row in rows]
            if any(not row or _is_odd(row[0]) for row in lists):
                found.add(name)
    return sorted(found)


def _is_odd(value: Any) -> bool:
    return isinstance(value, float) and not np.isfinite(value)


def check_model(model_dir: Path, files: Sequence[Path], schema: schema_pb2.Schema) -> list[str]:
    """Load the model, run it on every row of `files`, and return its signatures' names.

    Args:
        model_dir: folder with `saved_model.pb`.
        files: raw Parquet files of the eval split.
        schema: of the raw features.

    Raises:
        UserCodeError: the model does not load, or has no `serving_default` signature.
        DataError: an output is not finite; the columns that are NaN, infinite or missing in
            those rows are named.
    """
    try:
        loaded = tf.saved_model.load(str(model_dir))
    except (OSError, ValueError) as error:
        raise UserCodeError(
            f"run_fn: the saved model does not load: {shown(str(error))}"
        ) from error
    if SIGNATURE not in loaded.signatures:
        raise UserCodeError(
            f"run_fn: the model has signatures {shown(sorted(loaded.signatures))}; "
            f"save one named {shown(SIGNATURE)}"
        )
    signature = loaded.signatures[SIGNATURE]
    inputs = signature.structured_input_signature[1]
    finite = np.concatenate(
        [_is_finite(signature(**feed)) for feed in _feeds(files, schema, inputs)]
    )
    if not finite.all():
        columns = _suspects(files, ~finite)
        cause = (
            f"columns non-finite or missing in those rows: {', '.join(columns)}"
            if columns
            else "every input column is finite there, so the weights are not"
        )
        raise DataError(
            f"model: {int((~finite).sum())} of {finite.size} eval rows give a non-finite output; "
            f"{cause}; clean the data or handle it in preprocessing_fn"
        )
    return sorted(loaded.signatures)
