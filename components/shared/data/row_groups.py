"""Cuts rows that come some at a time into groups, wherever the cuts between them were.

A group ends with the row that makes it full by rows or by bytes, so equal rows give equal groups.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MOST_BYTES = 32 << 20
"""A group is full with so many bytes, however few its rows are."""
VALUE_BYTES = 8


def _is_text(kind: pa.DataType) -> bool:
    is_binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return is_binary or pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _value_bytes(values: pa.Array) -> NDArray[np.int64]:
    """Return the bytes of each value, shape (values,)."""
    if not _is_text(values.type):
        return np.full(len(values), VALUE_BYTES)
    lengths = pc.fill_null(pc.binary_length(values), 0)
    sizes: NDArray[np.int64] = lengths.to_numpy(zero_copy_only=False) + VALUE_BYTES
    return sizes


def _list_bytes(lists: pa.Array) -> NDArray[np.int64]:
    """Return the bytes of each list, shape (rows,)."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    ends = np.cumsum(lengths)
    until = np.concatenate([[0], np.cumsum(_value_bytes(lists.flatten()))])
    sizes: NDArray[np.int64] = until[ends] - until[ends - lengths] + VALUE_BYTES
    return sizes


def _column_bytes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    is_list = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    of_chunk = _list_bytes if is_list else _value_bytes
    return np.concatenate([of_chunk(chunk) for chunk in column.chunks])


def row_bytes(table: pa.Table) -> NDArray[np.int64]:
    """Return about how many bytes each row takes in memory, shape (rows,); at least one row."""
    sizes: NDArray[np.int64] = sum(
        (_column_bytes(column) for column in table.columns), np.zeros(table.num_rows, np.int64)
    )
    return sizes


class RowGroups:
    """Collects rows until there are enough for a group.

    Example:
        groups = RowGroups(100_000)
        for table in tables:
            for group in groups.add(table):
                writer.write_table(group)
        writer.write_table(groups.rest())
    """

    def __init__(self, most_rows: int) -> None:
        """Begin the first group; one is full with `most_rows` rows, at least 1."""
        self._most_rows = most_rows
        self._pieces: list[pa.Table] = []
        self._rows = 0
        self._bytes = 0

    def add(self, table: pa.Table) -> Iterator[pa.Table]:
        """Yield the groups that are full with the rows of `table`."""
        while table.num_rows:
            sizes = np.cumsum(row_bytes(table))
            until_full = int(np.searchsorted(sizes, MOST_BYTES - self._bytes)) + 1
            count = min(until_full, self._most_rows - self._rows, table.num_rows)
            self._pieces.append(table.slice(0, count))
            self._rows += count
            self._bytes += int(sizes[count - 1])
            table = table.slice(count)
            if self._rows == self._most_rows or self._bytes >= MOST_BYTES:
                yield self._next_group()

    def rest(self) -> pa.Table | None:
        """Return the rows of the last group, which is not full; None if there are none."""
        return self._next_group() if self._pieces else None

    def _next_group(self) -> pa.Table:
        # The bytes of a Parquet file depend on how its columns are cut, so they are not.
        group = pa.concat_tables(self._pieces).combine_chunks()
        self._pieces, self._rows, self._bytes = [], 0, 0
        return group
