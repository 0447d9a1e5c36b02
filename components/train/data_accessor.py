"""Reads splits, in Parquet or TFRecord, for a `run_fn`, as TFX's data accessor reads its examples.

A split is held in memory as tensors, so its size is bounded by the machine's memory.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public.tfxio import RecordBatchesOptions, TensorAdapter, TensorFlowDatasetOptions

from kanaria.components.shared.errors import DataError, UserCodeError, shown
from kanaria.components.shared.tensors import adapter
from kanaria.components.shared.tfx_names import DataAccessor

ROWS_PER_READ = 100_000
Features = dict[str, Any]
"""Feature name -> Tensor, SparseTensor or RaggedTensor, all of the same number of rows."""


def files_of(file_pattern: str | Sequence[str]) -> list[Path]:
    """Return the files that match one pattern or several; the file name alone has wildcards.

    Raises:
        UserCodeError: no file matches.
    """
    patterns = [file_pattern] if isinstance(file_pattern, str) else list(file_pattern)
    paths = [Path(pattern) for pattern in patterns]
    files = [file for path in paths for file in sorted(path.parent.glob(path.name))]
    if not files:
        raise UserCodeError(f"file_pattern={shown(patterns)}: matches no file; use fn_args's own")
    return files


def _whole(files: Sequence[Path], schema: schema_pb2.Schema | None) -> tuple[Any, pa.RecordBatch]:
    """Return the adapter's configuration and all rows of the files as one batch."""
    if schema is None:
        raise UserCodeError("data_accessor: schema=None; pass the schema of the files' features")
    config = adapter.adapter_config(schema)
    pieces = list(adapter.batches(files, ROWS_PER_READ, config))
    table = pa.Table.from_batches(pieces, schema=config.arrow_schema)
    if not table.num_rows:
        raise DataError(f"{files[0].parent}: the split has no rows; give it more data")
    return config, table.combine_chunks().to_batches()[0]


def tf_dataset_factory(
    file_pattern: str | Sequence[str],
    options: TensorFlowDatasetOptions,
    schema: schema_pb2.Schema | None = None,
) -> tf.data.Dataset:
    """Return batches of the files' rows, repeated for ever unless `num_epochs` says else.

    Rows are drawn from the whole split, whatever `shuffle_buffer_size` says: it is in memory.

    Args:
        file_pattern: patterns as `fn_args.train_files` has them.
        options: batch size, shuffling, epochs, label.
        schema: of the features in the files: the transformed metadata's after a transform.

    Returns:
        Feature name -> Tensor of shape (batch, ...) or SparseTensor, as TFX gives for the
        schema; with `label_key` a pair of the features without it and the label.

    Raises:
        UserCodeError: no file matches, there is no schema, or the label is no feature.
        DataError: the files hold no rows, or do not fit the schema.
    """
    config, batch = _whole(files_of(file_pattern), schema)
    features = TensorAdapter(config).ToBatchTensors(batch, produce_eager_tensors=True)
    label = options.label_key
    if label is not None and label not in features:
        raise UserCodeError(
            f"label_key={shown(label)}: no such feature; there are {shown(sorted(features))}"
        )
    rows, take = _rows(features, batch.num_rows)
    if options.shuffle:
        rows = rows.shuffle(batch.num_rows, seed=options.shuffle_seed)
    rows = rows.repeat(options.num_epochs)
    dataset = rows.batch(options.batch_size, drop_remainder=options.drop_final_batch).map(take)
    if label is not None:
        dataset = dataset.map(lambda taken: _without_label(taken, label))
    return dataset.prefetch(options.prefetch_buffer_size)


def _rows(features: Features, count: int) -> tuple[tf.data.Dataset, Callable[[Any], Features]]:
    """Return a dataset of rows, and what turns a batch of its elements into features.

    Row numbers that are gathered a batch at a time cost half the time of slicing every row.
    """
    sparse = [name for name, tensor in features.items() if isinstance(tensor, tf.SparseTensor)]
    try:
        ragged = {name: tf.RaggedTensor.from_sparse(features[name]) for name in sparse}
    except (ValueError, tf.errors.InvalidArgumentError):
        # Sparse in another way than as a list a row: such a tensor can only be sliced.
        return tf.data.Dataset.from_tensor_slices(features), lambda batch: batch
    held = features | ragged

    def take(rows: tf.Tensor) -> Features:
        taken = {name: tf.gather(tensor, rows) for name, tensor in held.items()}
        return taken | {name: taken[name].to_sparse() for name in sparse}

    return tf.data.Dataset.range(count), take


def _without_label(features: Features, label_key: str) -> tuple[Features, Any]:
    rest = {name: tensor for name, tensor in features.items() if name != label_key}
    return rest, features[label_key]


def record_batch_factory(
    file_pattern: str | Sequence[str],
    options: RecordBatchesOptions,
    schema: schema_pb2.Schema | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the files' rows as batches of lists, for ever unless `num_epochs` says else.

    Without a `shuffle_seed` the order follows numpy's global seed, which the step sets.

    Raises:
        UserCodeError: no file matches, or there is no schema.
        DataError: the files hold no rows, or do not fit the schema.
    """
    _, batch = _whole(files_of(file_pattern), schema)
    seed = options.shuffle_seed
    draw = np.random.default_rng(np.random.randint(2**31) if seed is None else seed)
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
