"""Reads Parquet splits for a `run_fn`, as TFX's data accessor reads its examples.

A split is held in memory as tensors, so its size is bounded by the machine's memory.
"""

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public.tfxio import RecordBatchesOptions, TensorAdapter, TensorFlowDatasetOptions

from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.tensors import adapter
from kanaria.components.shared.tfx_names import DataAccessor

ROWS_PER_READ = 100_000


def _files(file_pattern: str | Sequence[str]) -> list[Path]:
    patterns = [file_pattern] if isinstance(file_pattern, str) else list(file_pattern)
    files = [Path(name) for pattern in patterns for name in sorted(glob.glob(str(pattern)))]
    if not files:
        raise UserCodeError(f"file_pattern={shown(patterns)}: matches no file; use fn_args's own")
    return files


def _whole(files: Sequence[Path], schema: schema_pb2.Schema | None) -> tuple[Any, pa.RecordBatch]:
    """Return the adapter's configuration and all rows of the files as one batch."""
    if schema is None:
        raise UserCodeError("data_accessor: schema=None; pass the schema of the files' features")
    config = adapter.adapter_config(schema)
    table = pa.Table.from_batches(list(adapter.batches(files, ROWS_PER_READ, config)))
    return config, table.combine_chunks().to_batches()[0]


def tf_dataset_factory(
    file_pattern: str | Sequence[str],
    options: TensorFlowDatasetOptions,
    schema: schema_pb2.Schema | None = None,
) -> tf.data.Dataset:
    """Return batches of the files' rows, repeated for ever unless `num_epochs` says else.

    Args:
        file_pattern: patterns as `fn_args.train_files` has them.
        options: batch size, shuffling, epochs, label.
        schema: of the features in the files: the transformed metadata's after a transform.

    Returns:
        Feature name -> Tensor of shape (batch, ...) or SparseTensor, as TFX gives for the
        schema; with `label_key` a pair of the features without it and the label.

    Raises:
        UserCodeError: no file matches, there is no schema, or the label is no feature.
    """
    config, batch = _whole(_files(file_pattern), schema)
    features = TensorAdapter(config).ToBatchTensors(batch, produce_eager_tensors=True)
    if options.label_key is not None and options.label_key not in features:
        raise UserCodeError(
            f"label_key={shown(options.label_key)}: no such feature; "
            f"there are {shown(sorted(features))}"
        )
    dataset = tf.data.Dataset.from_tensor_slices(features)
    if options.shuffle:
        # The split is in memory, so a full shuffle costs no more than a partial one.
        dataset = dataset.shuffle(batch.num_rows, seed=options.shuffle_seed)
    dataset = dataset.repeat(options.num_epochs)
    dataset = dataset.batch(options.batch_size, drop_remainder=options.drop_final_batch)
    if options.label_key is not None:
        dataset = dataset.map(lambda row: _without_label(row, options.label_key))
    return dataset.prefetch(options.prefetch_buffer_size)


def _without_label(features: dict[str, Any], label_key: str) -> tuple[dict[str, Any], Any]:
    rest = {name: tensor for name, tensor in features.items() if name != label_key}
    return rest, features[label_key]


def record_batch_factory(
    file_pattern: str | Sequence[str],
    options: RecordBatchesOptions,
    schema: schema_pb2.Schema | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the files' rows as batches of lists, for ever unless `num_epochs` says else."""
    _, batch = _whole(_files(file_pattern), schema)
    draw = np.random.default_rng(options.shuffle_seed)
    epoch = 0
    while options.num_epochs is None or epoch < options.num_epochs:
        rows = batch.take(pa.array(draw.permutation(batch.num_rows))) if options.shuffle else batch
        for start in range(0, rows.num_rows, options.batch_size):
            piece = rows.slice(start, options.batch_size)
            if piece.num_rows == options.batch_size or not options.drop_final_batch:
                yield piece
        epoch += 1


DATA_ACCESSOR = DataAccessor(
    tf_dataset_factory=tf_dataset_factory, record_batch_factory=record_batch_factory
)
