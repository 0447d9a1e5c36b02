"""Checks that every row fits the schema, before an engine starts on it."""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.tensors import adapter

ROWS_PER_BATCH = 100_000


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


def check(files: Sequence[Path], schema: schema_pb2.Schema, place: str) -> dict[Path, int]:
    """Read all rows once, which costs little, so that no bad row stops a long analysis.

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
        for batch in adapter.batches([file], ROWS_PER_BATCH, config):
            for name, values in wanted.items():
                column = batch.column(batch.schema.get_field_index(name))
                _check_column(name, column, values, place, sum(rows.values()))
            rows[file] += batch.num_rows
    return rows
