"""The rows of the data, each with a name of its own, cut into chunks that are always the same.

A row is named by its file and its place in it, from 1: `2013-01.csv:17`. Files of one name are told
apart by the folders above them, as far as these differ. A query's rows, which `ingest` puts in an
order of their values, are `query:17`.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.ingest.row_source import Source
from kanaria.components.shared.data.row_groups import RowGroups
from kanaria.components.shared.storage import uri_files

ROW_ID = "row_id"
QUERY = "query"


def names(uris: Sequence[str]) -> list[str]:
    """Return what the files of a reference are called in the names of their rows."""
    if not uris:
        return [QUERY]
    paths = [uri_files.absolute(uri) for uri in uris]
    above = os.path.commonpath([str(PurePosixPath(path).parent) for path in paths])
    return [str(PurePosixPath(path).relative_to(above)) for path in paths]


def _with_ids(table: pa.Table, name: str, first: int) -> pa.Table:
    numbers = pa.array(np.arange(first, first + table.num_rows)).cast(pa.string())
    ids = pc.binary_join_element_wise(pa.scalar(f"{name}:"), numbers, "")
    return table.add_column(0, ROW_ID, ids)


def _tables(source: Source, columns: Sequence[str]) -> Iterator[pa.Table]:
    called, file, first = names(source.uris), 0, 1
    for number, table in source.numbered(columns):
        file, first = (file, first) if number == file else (number, 1)
        yield _with_ids(table, called[file], first)
        first += table.num_rows


def chunks(source: Source, columns: Sequence[str], most_rows: int) -> Iterator[pa.Table]:
    """Yield the rows in order, `row_id` first; equal data gives equal chunks.

    Args:
        source: of the rows.
        columns: names of those to read, at least one.
        most_rows: of a chunk, which also ends where its rows are large (`RowGroups`).

    Raises:
        DataError: the data cannot be read.
    """
    groups = RowGroups(most_rows)
    for table in _tables(source, columns):
        yield from groups.add(table)
    rest = groups.rest()
    if rest is not None:
        yield rest
