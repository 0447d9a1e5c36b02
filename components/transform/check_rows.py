"""Checks that every row fits the schema, before an engine starts on it."""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.data import arrow_files, record_batches
from kanaria.components.shared.data.examples import ExamplesFormat, format_of
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.tensors import adapter

ROWS_PER_BATCH = 100_000
PLAIN = (pa.int64(), pa.float32(), pa.float64(), pa.string(), pa.large_string(), pa.binary())
"""Types of columns that hold one value a row, of which each has a form in a tf.Example."""


def _values_a_row(config: Any) -> dict[str, int]:
    """Return, for each column that the schema makes dense, how many values every row needs."""
    return {
        tensor.dense_tensor.column_name: prod(dim.size for dim in tensor.dense_tensor.shape.dim)
        for tensor in config.tensor_representations.values()
        if tensor.HasField("dense_tensor") and not tensor.dense_tensor.HasField("default_value")
    }


def _check_column(name: str, column: pa.Array, wanted: int, place: str, first_row: int) -> None:
    counts = pc.fill_null(pc.list_value_length(column), 0)
    wrong = pc.indices_nonzero(pc.not_equal(counts, wanted))
    if len(wrong):
        row = wrong[0].as_py()
        raise DataError(
            f"{place}: feature {shown(name)} has {counts[row].as_py()} values in row "
            f"{first_row + row}, the schema asks for {wanted} in every row (dense); mend the "
            "data, or take the feature's shape out of the schema (sparse)"
        )


def _null_count(metadata: pq.FileMetaData, column: int) -> int | None:
    """Return how many rows of a column have no value, if the file tells it."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    statistics = [group.column(column).statistics for group in groups]
    if not all(one is not None and one.has_null_count for one in statistics):
        return None
    return sum(one.null_count for one in statistics)


def _rows_that_fit(file: Path, schema: pa.Schema, wanted: dict[str, int]) -> int | None:
    """Return the number of rows if the head of a Parquet file tells that all of them fit.

    Args:
        file: of a split, in any format.
        schema: of the batches that the schema asks for.
        wanted: as `_values_a_row` gives it.
    """
    if format_of(file) is not ExamplesFormat.PARQUET:
        return None
    with arrow_files.parquet(file) as opened:
        metadata, columns = opened.metadata, opened.schema_arrow
    apart = len(set(columns.names)) == len(columns.names)
    if not apart or not all(column.type in PLAIN for column in columns):
        return None
    kinds = record_batches.list_schema(columns)
    places = {name: columns.get_field_index(name) for name in schema.names if name in columns.names}
    same = all(kinds.field(name).type == schema.field(name).type for name in places)
    dense = all(
        values == 1 and name in places and _null_count(metadata, places[name]) == 0
        for name, values in wanted.items()
    )
    return int(metadata.num_rows) if same and dense else None


def check(files: Sequence[Path], schema: schema_pb2.Schema, place: str) -> dict[Path, int]:
    """Look at all rows once, which costs little, so that no bad row stops a long analysis.

    Where the head of a file tells that all its rows fit, they are not read.

    The engines would report such rows from deep inside, or, where a missing value and a second
    value cancel out, shift values between rows and report nothing.

    Args:
        files: files of one split.
        schema: the raw features.
        place: how messages name the split.

    Returns:
        File -> its number of rows.

    Raises:
        DataError: a dense feature has too many or too few values in a row (rows count from 0),
            or a column's type does not fit the schema.
    """
    config = adapter.adapter_config(schema)
    wanted, rows = _values_a_row(config), dict.fromkeys(files, 0)
    for file in files:
        row_count = _rows_that_fit(file, config.arrow_schema, wanted)
        if row_count is not None:
            rows[file] = row_count
            continue
        for batch in adapter.batches([file], ROWS_PER_BATCH, config):
            for name, values in wanted.items():
                column = batch.column(batch.schema.get_field_index(name))
                _check_column(name, column, values, place, sum(rows.values()))
            rows[file] += batch.num_rows
    return rows
