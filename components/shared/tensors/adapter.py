"""Tensors of a schema's features, dense or sparse exactly as TFX gives them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public.tfxio import TensorAdapter, TensorAdapterConfig
from tfx_bsl.tfxio.tf_example_record import TFExampleBeamRecord

from kanaria.components.shared.data import tf_examples
from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.errors import DataError, shown


def _tfxio(schema: schema_pb2.Schema) -> Any:
    # The reader is never run; it alone knows how TFX represents the features of a schema.
    return TFExampleBeamRecord(
        physical_format="inmem", schema=schema, telemetry_descriptors=["kanaria"]
    )


def adapter_config(schema: schema_pb2.Schema) -> TensorAdapterConfig:
    """Return what turns record batches of `schema` into tensors, for TFT or TensorAdapter.

    Raises:
        DataError: the schema contradicts itself, for instance a shape on an optional feature.
    """
    try:
        return _tfxio(schema).TensorAdapterConfig()
    except ValueError as error:
        fault = shown(" ".join(str(error).split()))
        raise DataError(f"schema: no tensors can be made for it: {fault}; mend it") from error


def conform(batch: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    """Return `batch` with exactly the columns and types of `wanted`.

    Columns without values, or absent, become missing; integers become floats where the schema
    says so.

    Raises:
        DataError: a column holds text where the schema has numbers, or the reverse.
    """
    columns = []
    for field in wanted:
        index = batch.schema.get_field_index(field.name)
        column = batch.column(index) if index >= 0 else pa.nulls(batch.num_rows)
        if pa.types.is_null(column.type):
            column = pa.nulls(batch.num_rows, field.type)
        if column.type != field.type:
            column = _cast(field.name, column, field.type)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def _cast(name: str, column: pa.Array, wanted: pa.DataType) -> pa.Array:
    is_number = [pa.types.is_primitive(kind.value_type) for kind in (column.type, wanted)]
    try:
        if is_number[0] == is_number[1]:
            return column.cast(wanted)
    except pa.ArrowInvalid as error:
        raise DataError(f"feature {shown(name)}: {shown(str(error))}; mend the schema") from error
    raise DataError(
        f"feature {shown(name)}: the data has {column.type.value_type}, the schema "
        f"{wanted.value_type}; mend the schema or the data"
    )


def batches(
    files: Sequence[Path], rows: int, config: TensorAdapterConfig
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `files` of a split as batches of at most `rows` rows that fit `config`."""
    for batch in record_batches(files, rows):
        yield conform(batch, config.arrow_schema)


def tensors(
    files: Sequence[Path], rows: int, schema: schema_pb2.Schema
) -> Iterator[dict[str, Any]]:
    """Yield batches as TFX gives them: feature name -> Tensor (rows, ...) or SparseTensor."""
    config = adapter_config(schema)
    adapter = TensorAdapter(config)
    for batch in batches(files, rows, config):
        yield adapter.ToBatchTensors(batch)


def serialized_examples(
    files: Sequence[Path], rows: int, schema: schema_pb2.Schema
) -> Iterator[list[bytes]]:
    """Yield batches of serialized tf.Examples, one bytes a row, in the order of the files.

    Equal rows give equal bytes.
    """
    for batch in batches(files, rows, adapter_config(schema)):
        yield list(tf_examples.encoded(batch))
