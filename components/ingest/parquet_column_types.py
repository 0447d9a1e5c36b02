"""Types of Parquet columns that only some writers know: as ones that the step reads, or refused."""

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.shared.data import arrow_files
from kanaria.components.shared.errors import DataError, shown


def _any_length(lists: pa.Array) -> pa.Array:
    """Return lists of a fixed length as lists of any; a missing list stays missing."""
    # A missing list still has values behind it, so these are left out first.
    whole, size = lists.drop_null(), lists.type.list_size
    values = whole.values.slice(whole.offset * size, len(whole) * size)
    present = lists.is_valid()
    ends = pc.multiply(pc.cumulative_sum(present.cast(pa.int64())), size)
    # A null offset marks a missing list.
    starts = pc.if_else(present, pc.subtract(ends, size), None)
    return pa.LargeListArray.from_arrays(
        pa.concat_arrays([starts, pa.array([len(values)], pa.int64())]), values
    )


def _usable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_fixed_size_list(column.type):
        return column
    kind = pa.large_list(column.type.value_type)
    return pa.chunked_array([_any_length(chunk).cast(kind) for chunk in column.chunks], kind)


def _is_duration(kind: pa.DataType) -> bool:
    return pa.types.is_duration(kind.value_type if pa.types.is_list(kind) else kind)


def usable(uri: str, table: pa.Table) -> pa.Table:
    """Return `table` with lists of a fixed length as lists of any.

    Raises:
        DataError: a column holds durations, which are no number without a unit.
    """
    for name, column in zip(table.column_names, table.columns, strict=True):
        if _is_duration(column.type) and column.null_count < len(column):
            raise DataError(
                f"{uri}: column {shown(name)} has type {column.type}; write durations as numbers "
                "in one unit, such as seconds"
            )
    return pa.table([_usable(column) for column in table.columns], names=table.column_names)


def unreadable(uri: str, schema: pa.Schema, error: Exception) -> DataError:
    """Return the error for a file with these columns whose rows Arrow cannot read."""
    fixed = [field.name for field in schema if pa.types.is_fixed_size_list(field.type)]
    if fixed and "Expected all lists to be of size" in str(error):
        return DataError(
            f"{uri}: of column {shown(', '.join(fixed))} a list is missing, which Arrow "
            f"{pa.__version__} cannot read where lists have a fixed length; write them as lists "
            "of any length"
        )
    return arrow_files.unreadable(uri, error)
