"""Several files become one table with one type a column."""

from collections.abc import Sequence

import pyarrow as pa

from kanaria.components.ingest import column_types
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.shared.errors import DataError, shown


def _check_columns(files: Sequence[InputFile]) -> None:
    """Raise DataError unless every file has the same column names, in any order."""
    first = files[0]
    wanted = set(first.table.column_names)
    for file in files[1:]:
        found = set(file.table.column_names)
        if found != wanted:
            raise DataError(
                f"{file.uri}: differs from {first.uri}: lacks {shown(sorted(wanted - found))}, "
                f"adds {shown(sorted(found - wanted))}; give every file the same columns"
            )


def _column(files: Sequence[InputFile], name: str) -> pa.ChunkedArray:
    kind = column_types.unified(name, files)
    if kind == pa.null():
        return pa.chunked_array([pa.nulls(sum(file.table.num_rows for file in files))])
    chunks = [chunk for file in files for chunk in column_types.cast(file, name, kind).chunks]
    return pa.chunked_array(chunks, type=kind)


def joined(files: Sequence[InputFile]) -> pa.Table:
    """Return the rows of all files, in order, with the first file's order of columns.

    Raises:
        DataError: there is no row, or columns differ in name or type between files.
    """
    _check_columns(files)
    if not any(file.table.num_rows for file in files):
        paths = ", ".join(file.uri for file in files)
        raise DataError(f"{paths}: no rows, only column names; give data")
    return pa.table({name: _column(files, name) for name in files[0].table.column_names})
