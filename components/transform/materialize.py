"""Applies a saved transform graph to Parquet splits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.tensors import adapter

ROWS_PER_BATCH = 10_000


def _column(tensor: Any) -> pa.Array:
    """Return one output as a column: a value a row, or a list a row.

    Args:
        tensor: dense of shape (rows,), (rows, 1) or (rows, k), or sparse of shape (rows, k).
    """
    if isinstance(tensor, tf.SparseTensor):
        ragged = tf.RaggedTensor.from_sparse(tensor)
        return pa.LargeListArray.from_arrays(
            pa.array(ragged.row_splits.numpy(), pa.int64()), pa.array(ragged.values.numpy())
        )
    values = tensor.numpy()
    flat = pa.array(values.reshape(-1))
    width = values.size // max(len(values), 1)
    if width == 1:
        return flat
    offsets = pa.array(range(0, values.size + 1, max(width, 1)), pa.int64())
    return pa.LargeListArray.from_arrays(offsets, flat)


def materialize(
    files: Sequence[Path], schema: schema_pb2.Schema, transform_graph: Path, target: Path
) -> None:
    """Write the transformed rows of `files` to the new folder `target`, in the same order.

    Args:
        files: Parquet files of one split.
        schema: the raw features.
        transform_graph: what `tft.TFTransformOutput` loads.
        target: folder of `part-*.parquet`; integers int64, floats float32, text binary; lists
            where a row has other than one value.
    """
    layer = tft.TFTransformOutput(str(transform_graph)).transform_features_layer()
    apply = tf.function(lambda features: layer(features), autograph=False, reduce_retracing=True)
    target.mkdir()
    for number, file in enumerate(files):
        path = target / f"part-{number:05d}-of-{len(files):05d}.parquet"
        writer = None
        for batch in adapter.tensors([file], ROWS_PER_BATCH, schema):
            outputs = apply(batch)
            table = pa.table({name: _column(outputs[name]) for name in sorted(outputs)})
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
        if writer:
            writer.close()
