"""Applies a saved transform graph to splits."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public.tfxio import TensorAdapter

from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.examples import format_of
from kanaria.components.shared.tensors import adapter
from kanaria.components.shared.write_examples import write_split
from kanaria.components.transform import private_tft

ROWS_PER_BATCH = 10_000


def _single_valued(transformed: tft.TFTransformOutput) -> set[str]:
    """Return the outputs that have exactly one value a row."""
    specs = transformed.transformed_feature_spec().items()
    return {
        name
        for name, spec in specs
        if isinstance(spec, tf.io.FixedLenFeature) and list(spec.shape) in ([], [1])
    }


def _flat(batch: pa.RecordBatch, single: set[str]) -> pa.Table:
    """Return the rows with a plain column where every list has one value."""
    columns = zip(batch.schema.names, batch.columns, strict=True)
    return pa.table(
        {name: column.flatten() if name in single else column for name, column in columns}
    )


def _rows_of(tensor: Any) -> int:
    if isinstance(tensor, tf.SparseTensor):
        return int(tensor.dense_shape[0])
    return int(tensor.nrows() if isinstance(tensor, tf.RaggedTensor) else tensor.shape[0])


def _check_counts(outputs: dict[str, Any], rows: int, place: str) -> None:
    """Check that rows were neither added nor dropped: rows of splits belong together by order."""
    counts = {name: _rows_of(tensor) for name, tensor in sorted(outputs.items())}
    wrong = {name: count for name, count in counts.items() if count != rows}
    if wrong:
        raise UserCodeError(
            f"{place}: {rows} rows went in, and outputs came out with other numbers of rows: "
            f"{shown(wrong)}; return one value for each row, in their order, and drop or add rows "
            "before ingestion"
        )


class Transform:
    """A saved transform graph, ready to be applied to files; traced once for all of them.

    Example:
        apply = Transform(schema, Path("transform_graph"))
        apply.write(files, Path("transformed/split=eval"))
    """

    def __init__(self, schema: schema_pb2.Schema, transform_graph: Path) -> None:
        """Load the graph that `tft.TFTransformOutput` loads, for raw features of `schema`."""
        output = tft.TFTransformOutput(str(transform_graph))
        layer = output.transform_features_layer()
        self._config = adapter.adapter_config(schema)
        self._adapter = TensorAdapter(self._config)
        self._apply = tf.function(
            lambda features: layer(features),
            input_signature=[self._adapter.TypeSpecs()],
            autograph=False,
        )
        self._converter = private_tft.arrow_converter(output.transformed_metadata.schema)
        self._single = _single_valued(output)

    def batch(self, rows: pa.RecordBatch, place: str) -> pa.Table:
        """Return the transformed rows of one batch of the raw schema, in the same order.

        Args:
            rows: a batch of the raw schema.
            place: how messages name the user's function and the split.

        Raises:
            UserCodeError: an output has more or fewer rows than `rows`.
        """
        outputs: dict[str, Any] = self._apply(self._adapter.ToBatchTensors(rows))
        _check_counts(outputs, rows.num_rows, place)
        return _flat(self._converter.convert(outputs), self._single)

    def check(self, files: Sequence[Path], place: str) -> None:
        """Apply the graph to the rows of `files` and write nothing.

        Args:
            files: files of one split.
            place: how messages name the user's function and the split.

        Raises:
            UserCodeError: an output has more or fewer rows than went in.
        """
        for file in files:
            for rows in adapter.batches([file], ROWS_PER_BATCH, self._config):
                self.batch(rows, place)

    def _tables(self, file: Path, place: str) -> Iterator[pa.Table]:
        for rows in adapter.batches([file], ROWS_PER_BATCH, self._config):
            yield self.batch(rows, place)

    def write(self, files: Sequence[Path], target: Path, place: str) -> None:
        """Write the transformed rows of `files`, in their format and order, file by file.

        Args:
            files: files of one split.
            target: new folder for `part-*`; integers int64, floats float32, text binary; large
                lists where a row can have other than one value.
            place: how messages name the user's function and the split.

        Raises:
            UserCodeError: an output has more or fewer rows than went in.
        """
        empty = pa.RecordBatch.from_pylist([], self._converter.arrow_schema())
        schema = _flat(empty, self._single).schema
        write_split(
            target, format_of(files[0]), schema, [self._tables(file, place) for file in files]
        )
