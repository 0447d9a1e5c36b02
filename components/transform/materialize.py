"""Applies a saved transform graph to splits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public.tfxio import TensorAdapter

from kanaria.components.shared.data.examples import format_of
from kanaria.components.shared.data.write_examples import begin_split, write_part
from kanaria.components.shared.engines.accumulate import Engine
from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.tensors import adapter
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


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of a split that is to be transformed; an engine carries its paths.

    Attributes:
        file: the raw rows.
        graph: folder that `tft.TFTransformOutput` loads.
        schema: the raw features, a serialized Schema.
        place: how messages name the user's function and the split.
        target: the file to write, in the format that its name tells; None to write nothing.
    """

    file: Path
    graph: Path
    schema: bytes
    place: str
    target: Path | None


class Transform:
    """A saved transform graph, ready to be applied; traced once for all files."""

    def __init__(self, schema: schema_pb2.Schema, transform_graph: Path) -> None:
        """Load the graph that `tft.TFTransformOutput` loads, for raw features of `schema`."""
        output = tft.TFTransformOutput(str(transform_graph))
        layer = output.transform_features_layer()
        self.config = adapter.adapter_config(schema)
        self._adapter = TensorAdapter(self.config)
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

    def arrow_schema(self) -> pa.Schema:
        """Return the schema of what `batch` returns.

        Integers are int64, floats float32, text binary; large lists where a row can have other
        than one value.
        """
        empty = pa.RecordBatch.from_pylist([], self._converter.arrow_schema())
        return _flat(empty, self._single).schema

    def tables(self, file: Path, place: str) -> Iterator[pa.Table]:
        """Yield the transformed rows of one file, as `batch` does."""
        for rows in adapter.batches([file], ROWS_PER_BATCH, self.config):
            yield self.batch(rows, place)


@lru_cache(maxsize=1)
def _transform(schema: bytes, graph: Path) -> Transform:
    return Transform(schema_pb2.Schema.FromString(schema), graph)


def transform_part(part: Part) -> None:
    """Apply the graph to one file and write its rows in their order, if it has a target.

    Raises:
        UserCodeError: an output has more or fewer rows than went in.
    """
    transform = _transform(part.schema, part.graph)
    tables = transform.tables(part.file, part.place)
    if part.target:
        write_part(part.target, transform.arrow_schema(), tables)
    else:
        for _ in tables:
            pass


def materialize(parts: Sequence[Part], folder: Path | None, engine: Engine) -> None:
    """Transform the files of one split, wherever the engine does it.

    Args:
        parts: of one split, with targets in `folder`.
        folder: new folder for them, or None where nothing is written.
        engine: what does the work on the files.

    Raises:
        UserCodeError: an output has more or fewer rows than went in.
    """
    if folder:
        first = parts[0]
        begin_split(
            folder, format_of(first.file), _transform(first.schema, first.graph).arrow_schema()
        )
    engine.each(transform_part, parts)
