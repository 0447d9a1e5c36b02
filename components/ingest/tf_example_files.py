"""TFRecord files of serialized tf.Examples become typed rows.

A feature that has at most one value in every record becomes a plain column, any other a column
of lists. Bytes that are UTF-8 in every record are text. Columns are sorted by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.ingest import declared_column_types, native_column_types, typed_rows
from kanaria.components.ingest.file_survey import Surveyed
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.ingest.row_spool import Spool
from kanaria.components.ingest.typed_rows import TypedRows
from kanaria.components.ingest.unified_column_types import Conversion
from kanaria.components.shared.data import tf_examples
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError


@dataclass(slots=True)
class _FeatureTypes:
    """What is found over all records.

    Attributes:
        has_rows: whether there is any.
        types: feature name -> type of its lists, for features that have a value somewhere.
        names: of all features.
        several: names of the features of which a record has several values.
        binary: names of the features of bytes that are not all UTF-8.
    """

    has_rows: bool = False
    types: tf_examples.Types = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    several: set[str] = field(default_factory=set)
    binary: set[str] = field(default_factory=set)

    def add(self, batch: pa.RecordBatch) -> None:
        self.has_rows = True
        self.names.update(batch.schema.names)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if not pa.types.is_null(column.type):
                self._add(name, column)

    def _add(self, name: str, lists: pa.Array) -> None:
        if name not in self.several and pc.any(pc.greater(pc.list_value_length(lists), 1)).as_py():
            self.several.add(name)
        is_bytes = pa.types.is_large_binary(lists.type.value_type)
        if is_bytes and name not in self.binary and not _is_text(lists.flatten()):
            self.binary.add(name)

    def type_of(self, name: str) -> pa.DataType:
        """Return the type of the column that a feature becomes."""
        if name not in self.types:
            return pa.null()
        kind = self.types[name].value_type
        if pa.types.is_large_binary(kind):
            kind = pa.binary() if name in self.binary else pa.string()
        return pa.list_(kind) if name in self.several else kind


def _is_text(values: pa.Array) -> bool:
    try:
        values.cast(pa.large_string())
    except pa.ArrowInvalid:  # Not UTF-8.
        return False
    return True


def _first_values(lists: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return the only value of each list; missing where a list is missing or empty."""
    present = pc.fill_null(pc.greater(pc.list_value_length(lists), 0), False)
    places = pc.subtract(pc.cumulative_sum(present.cast(pa.int64())), 1)
    return lists.flatten().take(pc.if_else(present, places, None)).cast(kind)


def _column(lists: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_null(lists.type):
        return pa.nulls(len(lists), kind)
    return lists.cast(kind) if native_column_types.is_list(kind) else _first_values(lists, kind)


def _spooled(files: Sequence[DataFile], folder: Path, features: _FeatureTypes) -> list[Spool]:
    """Return the records of each file, which are dear to decode, as they are."""
    spools = []
    for number, file in enumerate(files):
        spool = Spool(folder / f"records-{number}")
        for batch in tf_examples.typed_batches(file, tf_examples.ROWS_PER_BATCH, features.types):
            features.add(batch)
            spool.write(batch)
        spool.close()
        spools.append(spool)
    return spools


def _lists(batch: pa.RecordBatch, name: str) -> pa.Array:
    place = batch.schema.get_field_index(name)
    return batch.column(place) if place >= 0 else pa.nulls(batch.num_rows)


def _tables(spool: Spool, schema: pa.Schema, names: Sequence[str]) -> Iterator[pa.Table]:
    wanted = pa.schema([schema.field(name) for name in names])
    for batch in spool.batches():
        yield pa.table({one.name: _column(_lists(batch, one.name), one.type) for one in wanted})


def _unchanged(name: str, kind: pa.DataType) -> Conversion:
    """Return what a column becomes that stays as it is."""
    return Conversion(name=name, target=kind, convert=lambda column: column, remedy="mend it")


def read(files: Sequence[DataFile], folder: Path, declared: Mapping[str, str]) -> TypedRows:
    """Return the records of all files, in order, as typed rows.

    Args:
        files: plain or gzip TFRecord of tf.Examples.
        folder: where the records are kept while the rows are read.
        declared: column name -> type that goes before what is found.

    Raises:
        DataError: there is no record, one is broken or no tf.Example, or a feature changes type.
    """
    features = _FeatureTypes()
    spools = _spooled(files, folder, features)
    if not features.has_rows:
        raise DataError(f"{', '.join(file.uri for file in files)}: no records; give data")
    if not features.names:
        raise DataError(f"{files[0].uri}: no record has a feature; write serialized tf.Examples")
    schema = pa.schema([(name, features.type_of(name)) for name in sorted(features.names)])
    inputs = [
        InputFile(uri=file.uri, schema=schema, read=partial(_tables, spool, schema))
        for file, spool in zip(files, spools, strict=True)
    ]
    filled = frozenset(features.types)
    surveyed = [Surveyed(file=one, has_rows=True, filled=filled, written={}) for one in inputs]
    columns = {
        column.name: declared_column_types.conversion(surveyed, column.name, declared[column.name])
        if column.name in declared
        else _unchanged(column.name, column.type)
        for column in schema
    }
    return typed_rows.of_columns(
        inputs, {name: [column] * len(files) for name, column in columns.items()}, declared
    )
