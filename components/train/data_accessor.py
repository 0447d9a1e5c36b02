"""Reads splits, in Parquet or TFRecord, for a `run_fn`, as TFX's data accessor reads its examples.

A split that fits a buffer is held as tensors and shuffled whole. A larger one is read as a stream
in every epoch, row groups in an order of their own and rows shuffled through the buffer, so memory
is bounded, whatever the rows.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public.tfxio import RecordBatchesOptions, TensorFlowDatasetOptions

from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.tensors import adapter
from kanaria.components.shared.tfx_names import DataAccessor
from kanaria.components.train import row_stream
from kanaria.components.train.row_stream import Split, Window
from kanaria.components.train.tensor_blocks import CALLS, Features, TensorBlocks, unconverted

Options: TypeAlias = TensorFlowDatasetOptions | RecordBatchesOptions


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


def _opened(
    file_pattern: str | Sequence[str], options: Options, schema: schema_pb2.Schema | None
) -> Split:
    files = files_of(file_pattern)
    if schema is None:
        raise UserCodeError("data_accessor: schema=None; pass the schema of the files' features")
    buffer_rows = options.shuffle_buffer_size if options.shuffle else 0
    return row_stream.opened(files, adapter.adapter_config(schema), buffer_rows)


def _passes(split: Split, options: Options) -> Callable[[], Iterator[Iterator[Window]]]:
    """Return a function that begins a pass over the epochs; no two passes have one order.

    Without a `shuffle_seed` the orders follow numpy's global seed, which the step sets.
    """
    seed, passes = options.shuffle_seed, itertools.count()
    seed = int(np.random.randint(2**31)) if seed is None else seed

    def begun() -> Iterator[Iterator[Window]]:
        number, ends = next(passes), options.num_epochs
        for epoch in itertools.count() if ends is None else range(ends):
            draw = np.random.default_rng([seed, number, epoch]) if options.shuffle else None
            yield split.epoch(draw)

    return begun


def tf_dataset_factory(
    file_pattern: str | Sequence[str],
    options: TensorFlowDatasetOptions,
    schema: schema_pb2.Schema | None = None,
) -> tf.data.Dataset:
    """Return batches of the files' rows, repeated for ever unless `num_epochs` says else.

    Rows are shuffled in a buffer of `shuffle_buffer_size` rows, or of more where more fit
    `row_stream.BUFFER_BYTES`; a split that fits is shuffled whole. Every epoch has an order of its
    own. Batches go over the ends of epochs, as TFX's do, and only the last one may be smaller.

    Args:
        file_pattern: patterns as `fn_args.train_files` has them.
        options: batch size, shuffling, epochs, label; threads and `sloppy_ordering` do not count.
        schema: of the features in the files: the transformed metadata's after a transform.

    Returns:
        Feature name -> Tensor of shape (batch, ...) or SparseTensor, as TFX gives for the
        schema; with `label_key` a pair of the features without it and the label.

    Raises:
        UserCodeError: no file matches, there is no schema, or the label is no feature.
        DataError: the files hold no rows, or do not fit the schema.
    """
    split = _opened(file_pattern, options, schema)
    label, tensors = options.label_key, TensorBlocks(split, options.batch_size)
    if label is not None and label not in tensors.names:
        raise UserCodeError(
            f"label_key={shown(label)}: no such feature; there are {shown(sorted(tensors.names))}"
        )
    is_held = split.held is not None and tensors.is_cut
    blocks = _held(split, options, tensors) if is_held else _streamed(split, options, tensors)
    # In TFX, too, all batches are whole where the rows have no end.
    dataset = tensors.batches(blocks, options.drop_final_batch or options.num_epochs is None)
    count = _batches(split, options)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(count)) if count else dataset
    if label is not None:
        dataset = dataset.map(unconverted(lambda batch: _without_label(batch, label)))
    # Several workers read all rows in one order and take parts of each batch, so the sum of their
    # gradients is that of one worker with the whole batch.
    sharded = tf.data.Options()
    sharded.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.prefetch(options.prefetch_buffer_size).with_options(sharded)


def _held(
    split: Split, options: TensorFlowDatasetOptions, tensors: TensorBlocks
) -> tf.data.Dataset:
    """Return blocks of a split that fits the buffer: TensorFlow shuffles its rows' numbers."""
    rows = tf.data.Dataset.range(split.rows)
    if options.shuffle:
        rows = rows.shuffle(split.rows, seed=options.shuffle_seed)
    held = tensors.tensors(split.held)

    def rows_of(numbers: tf.Tensor) -> Features:
        return {name: tf.gather(tensor, numbers) for name, tensor in held.items()}

    return rows.repeat(options.num_epochs).batch(tensors.rows).map(unconverted(rows_of))


def _streamed(
    split: Split, options: TensorFlowDatasetOptions, tensors: TensorBlocks
) -> tf.data.Dataset:
    """Return blocks of a split that is read anew in each epoch, one block ahead."""
    begun = _passes(split, options)

    def blocks() -> Iterator[Features]:
        windows = itertools.chain.from_iterable(begun())
        return map(tensors.tensors, row_stream.grouped(windows, tensors.rows))

    stream = tf.data.Dataset.from_generator(
        lambda: CALLS.each(blocks), output_signature=tensors.signature
    )
    return stream.prefetch(1)


def _batches(split: Split, options: TensorFlowDatasetOptions) -> int | None:
    """Return how many batches there are, None where only reading all rows tells."""
    if options.num_epochs is None:
        return int(tf.data.INFINITE_CARDINALITY)
    if split.rows is None:
        return None
    full, rest = divmod(split.rows * options.num_epochs, options.batch_size)
    return full + int(rest > 0 and not options.drop_final_batch)


def _without_label(features: Features, label_key: str) -> tuple[Features, Any]:
    rest = {name: tensor for name, tensor in features.items() if name != label_key}
    return rest, features[label_key]


def record_batch_factory(
    file_pattern: str | Sequence[str],
    options: RecordBatchesOptions,
    schema: schema_pb2.Schema | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the files' rows as batches of lists, for ever unless `num_epochs` says else.

    The order is as in `tf_dataset_factory`, but each epoch ends with a batch of its own.

    Raises:
        UserCodeError: no file matches, or there is no schema.
        DataError: the files hold no rows, or do not fit the schema.
    """
    split = _opened(file_pattern, options, schema)
    for epoch in _passes(split, options)():
        for batch in row_stream.grouped(epoch, options.batch_size):
            if batch.num_rows == options.batch_size or not options.drop_final_batch:
                yield batch


DATA_ACCESSOR = DataAccessor(
    tf_dataset_factory=tf_dataset_factory, record_batch_factory=record_batch_factory
)
