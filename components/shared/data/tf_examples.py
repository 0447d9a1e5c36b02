"""tf.Examples in TFRecord files as record batches of lists, and back, by TFX's own coders.

Every feature is `large_list<T>`, T one of int64, float32 and large_binary; a feature that a
record lacks is a null list, and one without values in any record is a column of type null.
A tf.Example has no order of features and says nothing of one that is nowhere, so the folder of
a split keeps both in `columns.arrow`, an Arrow schema.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder, RecordBatchToExamplesEncoder

from kanaria.components.shared.data import arrow_files, tf_record, tf_wire
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown

COLUMNS = "columns.arrow"
ROWS_PER_BATCH = 10_000
BATCH_BYTES = 64 << 20
"""Batches of so many bytes have fewer rows than were asked for."""
Types = dict[str, pa.DataType]
"""Feature name -> type of its column, for features that have a value somewhere."""
LISTS = {pa.int64(): "int64_list", pa.float32(): "float_list", pa.large_binary(): "bytes_list"}


def _decoded(records: Sequence[bytes]) -> pa.RecordBatch | None:
    """Return the records as rows, features sorted by name; None when they do not fit together."""
    if any(tf_wire.foreign_tag(record) is not None for record in records):
        return None
    try:
        batch = ExamplesToRecordBatchDecoder().DecodeBatch(list(records))
    except RuntimeError:  # It does not say in which record; `_fault` does.
        return None
    # A batch without columns has no rows either.
    return batch if batch.num_rows == len(records) else None


def _types(batch: pa.RecordBatch) -> Types:
    return {field.name: field.type for field in batch.schema if not pa.types.is_null(field.type)}


def _differing(types: Types, before: Types) -> list[str]:
    return [name for name, kind in types.items() if before.get(name, kind) != kind]


def _fault(file: DataFile, records: Sequence[bytes], first: int, types_before: Types) -> DataError:
    """Return the error for the first record that is none, or whose types differ from before."""
    types = dict(types_before)
    for number, record in enumerate(records, first):
        if tf_wire.foreign_tag(record) == tf_wire.FEATURE_LISTS:
            return DataError(
                f"{file.uri}: record {number} is a tf.SequenceExample, whose sequences would be "
                "lost; write tf.Examples, each sequence as one feature with a list of values"
            )
        batch = _decoded([record])
        if batch is None:
            return DataError(
                f"{file.uri}: record {number} is no tf.Example: {shown(record)}; "
                "write serialized tf.Examples"
            )
        types_of_record = _types(batch)
        for name in _differing(types_of_record, types):
            now, before = LISTS[types_of_record[name].value_type], LISTS[types[name].value_type]
            return DataError(
                f"{file.uri}: record {number}: feature {shown(name)} is a {now}, before it a "
                f"{before}; give it one type in every record of every file"
            )
        types.update(types_of_record)
    return DataError(f"{file.uri}: records from {first} on cannot be decoded; write them again")


def _groups(records: Iterator[bytes], rows: int) -> Iterator[list[bytes]]:
    """Yield consecutive records, at most `rows` at once, and fewer where they are large."""
    group: list[bytes] = []
    size = 0
    for record in records:
        group.append(record)
        size += len(record)
        if len(group) == rows or size >= BATCH_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def typed_batches(file: DataFile, rows: int, types: Types) -> Iterator[pa.RecordBatch]:
    """Yield the records of one file as batches; features are sorted by name.

    Args:
        file: plain or gzip TFRecord of tf.Examples.
        rows: most rows a batch.
        types: what is known from other files; the file's own types are added to it.

    Raises:
        DataError: a record is broken, is no tf.Example, or a feature changes its type.
    """
    first = 1
    for group in _groups(tf_record.records(file), rows):
        batch = _decoded(group)
        if batch is None or _differing(_types(batch), types):
            raise _fault(file, group, first, types)
        types.update(_types(batch))
        yield batch
        first += len(group)


def conformed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return `batch` with the columns of `schema`; those it lacks are missing in every row."""
    columns = []
    for field in schema:
        place = batch.schema.get_field_index(field.name)
        column = batch.column(place) if place >= 0 else pa.nulls(batch.num_rows)
        is_null = pa.types.is_null(column.type)
        columns.append(pa.nulls(batch.num_rows, field.type) if is_null else column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def schema_of(names: Iterable[str], types: Types) -> pa.Schema:
    """Return the schema of features sorted by name; one without a type is of type null."""
    return pa.schema([(name, types.get(name, pa.null())) for name in sorted(set(names))])


def write_columns(folder: Path, schema: pa.Schema) -> None:
    """Write the order and the types of a split's columns beside its files."""
    (folder / COLUMNS).write_bytes(schema.serialize().to_pybytes())


def columns(files: Sequence[Path]) -> pa.Schema:
    """Return the schema of the batches of a split's files, from the split's folder.

    Another program's files have no such record beside them; they are read once for it.
    """
    schema_file = files[0].parent / COLUMNS
    if schema_file.is_file():
        return arrow_files.schema(schema_file)
    types: Types = {}
    names: set[str] = set()
    for path in files:
        for batch in typed_batches(DataFile(uri=str(path), path=path), ROWS_PER_BATCH, types):
            names.update(batch.schema.names)
    return schema_of(names, types)


def of_file(path: Path, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one file of a split in order as batches of at most `rows` rows.

    Args:
        path: the file.
        schema: of the split's batches (`columns`).
        rows: most rows a batch.

    Raises:
        DataError: a record is broken, is no tf.Example, or a feature changes its type.
    """
    types = {field.name: field.type for field in schema if not pa.types.is_null(field.type)}
    for batch in typed_batches(DataFile(uri=str(path), path=path), rows, types):
        yield conformed(batch, schema)


def batches(files: Sequence[Path], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a split's files in order, as `of_file` does."""
    schema = columns(files)
    for path in files:
        yield from of_file(path, schema, rows)


def encoded(batch: pa.RecordBatch) -> Iterator[bytes]:
    """Yield one serialized tf.Example a row; equal rows give equal bytes.

    The features of a tf.Example are a map, which the encoder writes in another order each time.
    So each column becomes examples of one feature, and these are joined: protocol buffers
    define that parts of one message, put together, are read as that message.
    """
    encoder = RecordBatchToExamplesEncoder()
    parts = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        # The encoder takes nothing but lists.
        is_null = pa.types.is_null(column.type)
        lists = pa.nulls(len(column), pa.large_list(pa.int64())) if is_null else column
        parts.append(encoder.encode(pa.RecordBatch.from_arrays([lists], names=[name])))
    yield from map(b"".join, zip(*parts, strict=True))


def write(path: Path, rows: Iterable[pa.RecordBatch]) -> None:
    """Write batches of lists as a gzip TFRecord file of serialized tf.Examples, one a row."""
    tf_record.write_gzip(path, (record for batch in rows for record in encoded(batch)))
