"""Blocks of rows as tensors, and the batches that TensorFlow cuts them into.

A block has whole batches of rows; only the last one may have fewer. Python or a gather of rows does
something once a block and not once a step. Lists of any length travel as ragged tensors, which
TensorFlow can cut; what is sparse in another way comes in blocks of one batch.
"""

import atexit
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pyarrow as pa
import tensorflow as tf
from tfx_bsl.public.tfxio import TensorAdapter

from kanaria.components.shared.errors import DataError
from kanaria.components.train.row_stream import Split

Features = dict[str, Any]
"""Feature name -> Tensor, SparseTensor or RaggedTensor, all of the same number of rows."""
Item = TypeVar("Item")
unconverted = tf.autograph.experimental.do_not_convert
"""For functions without loops and branches on tensors, whose conversion would only cost time."""
BLOCK_BYTES = 2**18
"""Of a block, as Arrow holds it: some twenty steps; larger ones leave the caches of a CPU."""
QUIET = 0.05
"""Seconds without a call after which no thread of TensorFlow is on its way into Python."""


class TensorBlocks:
    """How the blocks of a split become batches.

    Attributes:
        names: of the features.
        is_cut: whether a block can be cut into batches; else it is one.
        rows: in a block.
        signature: of a block.
    """

    def __init__(self, split: Split, batch_size: int) -> None:
        """Choose the size of the blocks.

        Args:
            split: gives the rows.
            batch_size: rows in a batch.
        """
        self._adapter = TensorAdapter(split.config)
        self._size = batch_size
        kinds = split.config.tensor_representations
        specs = self._adapter.TypeSpecs()
        self._lists = [n for n in specs if kinds[n].WhichOneof("kind") == "varlen_sparse_tensor"]
        self.names = frozenset(specs)
        self.is_cut = not any(kinds[name].HasField("sparse_tensor") for name in specs)
        self.rows = batch_size * (self._batches_in(split) if self.is_cut else 1)
        lists = {n: tf.RaggedTensorSpec([None, None], specs[n].dtype) for n in self._lists}
        self.signature = specs | lists

    def _batches_in(self, split: Split) -> int:
        rows = BLOCK_BYTES // split.row_bytes
        rows = rows if split.rows is None else min(rows, split.rows)
        return max(1, rows // self._size)

    def tensors(self, rows: pa.RecordBatch) -> Features:
        """Return rows as the signature says, in the memory of the CPU.

        Raises:
            DataError: a row has another number of values than the schema says.
        """
        with tf.device("CPU"):
            try:
                features = self._adapter.ToBatchTensors(rows, produce_eager_tensors=True)
            except ValueError as error:
                fault = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
                raise DataError(f"{fault}; mend the data or the schema") from error
            return features | {n: tf.RaggedTensor.from_sparse(features[n]) for n in self._lists}

    def batches(self, blocks: tf.data.Dataset, only_whole: bool) -> tf.data.Dataset:
        """Return the batches of a dataset of blocks, with `only_whole` those of full size alone."""

        def of_block(block: Features) -> tf.data.Dataset:
            rows = _row_count(next(iter(block.values())))
            end = rows - rows % self._size if only_whole else rows
            starts = tf.data.Dataset.range(0, end, self._size)
            return starts.map(unconverted(lambda start: self._cut(block, start, only_whole)))

        return blocks.flat_map(unconverted(of_block))

    def _cut(self, block: Features, start: tf.Tensor, only_whole: bool) -> Features:
        if not self.is_cut:
            return block
        batch = {name: tensor[start : start + self._size] for name, tensor in block.items()}
        for name, tensor in batch.items():
            if name in self._lists:
                batch[name] = tensor.to_sparse()
            elif only_whole and isinstance(tensor, tf.Tensor):
                tensor.set_shape([self._size, *tensor.shape[1:]])
        return batch


def _row_count(tensor: Any) -> tf.Tensor:
    if isinstance(tensor, tf.SparseTensor):
        return tensor.dense_shape[0]
    is_ragged = isinstance(tensor, tf.RaggedTensor)
    return tensor.nrows() if is_ragged else tf.shape(tensor, out_type=tf.int64)[0]


class Calls:
    """The calls of TensorFlow's threads into Python, which must be over before Python ends.

    A thread that is in one, or comes with one, while the interpreter shuts down waits for ever, and
    the end of the process waits for the thread. That is so for every `from_generator` dataset
    whose iterator lives on, for instance in the traceback of what ended a training.
    """

    def __init__(self) -> None:
        """Wait at the end of Python, however it comes."""
        self._lock = threading.Lock()
        self._over = False
        self._last = 0.0
        atexit.register(self.end)

    def end(self) -> None:
        """Let no more calls begin, and wait for those that go on."""
        self._over = True
        while True:
            with self._lock:
                if time.monotonic() - self._last > QUIET:
                    return
            time.sleep(QUIET)

    def each(self, make: Callable[[], Iterator[Item]]) -> Iterator[Item]:
        """Yield the items, none once Python is about to end."""
        items = make()
        while True:
            with self._lock:
                self._last = time.monotonic()
                item = None if self._over else next(items, None)
                self._last = time.monotonic()
            if item is None:
                return
            yield item


CALLS = Calls()
