"""Files of one split as record batches of lists, the form tfx_bsl, TFDV and TFT read.

Every column becomes `large_list<T>` with one value a row; a missing value is a null list.
Types are those of tf.Example: integers int64, floats float32, text and bytes large_binary, so
Parquet and TFRecord of the same rows give the same batches.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.shared.data import arrow_files, tf_examples
from kanaria.components.shared.data.examples import ExamplesFormat, format_of
from kanaria.components.shared.errors import DataError, shown


def value_type(name: str, column: pa.DataType) -> pa.DataType:
    """Return the type of the values of a column: int64, float32, large_binary or null.

    Raises:
        DataError: the column's type has no form in a tf.Example.
    """
    if pa.types.is_list(column) or pa.types.is_large_list(column):
        return value_type(name, column.value_type)
    if pa.types.is_integer(column) or pa.types.is_boolean(column):
        return pa.int64()
    if pa.types.is_floating(column):
        return pa.float32()
    if pa.types.is_null(column):
        return pa.null()
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    if any(holds(column) for holds in text) or pa.types.is_large_binary(column):
        return pa.large_binary()
    raise DataError(
        f"column {name!r} has type {column}; use integers, floats, text, or lists of them"
    )


def list_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema of the batches that files with `schema` give."""
    fields = []
    for field in schema:
        values = value_type(field.name, field.type)
        is_null = pa.types.is_null(values)
        fields.append(pa.field(field.name, values if is_null else pa.large_list(values)))
    return pa.schema(fields)


def as_lists(name: str, column: pa.Array, target: pa.DataType) -> pa.Array:
    """Return one column as `target`, a large_list type with nulls where values are missing.

    Raises:
        DataError: a list holds a missing value.
    """
    if pa.types.is_null(target):
        return pa.nulls(len(column))
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        if column.flatten().null_count:  # It would silently become a value further on.
            raise DataError(f"column {name!r}: a list holds a missing value; leave it out")
        return column.cast(target)
    values = column.drop_null().cast(target.value_type)
    present = column.is_valid()
    # A null offset marks a null list, so missing rows take no value.
    ends = pc.cumulative_sum(present.cast(pa.int64()))
    starts = pc.subtract(ends, present.cast(pa.int64()))
    offsets = pa.concat_arrays([pc.if_else(present, starts, None), pa.array([len(values)])])
    return pa.LargeListArray.from_arrays(offsets, values)


def to_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return `batch` with every column as `large_list`; shape (rows, columns) is kept.

    Raises:
        DataError: a column's type has no form in a tf.Example, a list holds a missing value, or
            an integer needs more than 63 bits.
    """
    schema, columns = list_schema(batch.schema), []
    for field, column in zip(schema, batch.columns, strict=True):
        try:
            columns.append(as_lists(field.name, column, field.type))
        except pa.ArrowInvalid as error:
            raise DataError(f"column {field.name!r}: {shown(str(error))}") from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def column_names(files: Sequence[Path]) -> list[str]:
    """Return the names of the columns of one split's files, in the order of their batches."""
    if format_of(files[0]) is ExamplesFormat.TFRECORD:
        return list(tf_examples.columns(files).names)
    return list(arrow_files.parquet_schema(files[0]).names)


def of_parquet(
    file: Path, rows: int, groups: Sequence[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one Parquet file as `record_batches` does, of all or some row groups.

    Raises:
        DataError: the file is damaged, or a column has no form in a tf.Example.
    """
    with arrow_files.parquet(file) as parquet:
        for batch in parquet.iter_batches(batch_size=rows, row_groups=groups):
            yield to_lists(batch)


def record_batches(files: Sequence[Path], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `files` in order as batches of at most `rows` rows.

    Args:
        files: files of one split, of one format and of equal schemas.
        rows: most rows a batch; the last batch of a file may hold fewer.

    Raises:
        DataError: a file is damaged, or a column has no form in a tf.Example.
    """
    if files and format_of(files[0]) is ExamplesFormat.TFRECORD:
        yield from tf_examples.batches(files, rows)
        return
    for file in files:
        yield from of_parquet(file, rows)
