"""Several files become one table with one type a column."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from kanaria.components.ingest import column_types, declared_types
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.shared.errors import DataError, shown

NONE_DECLARED: Mapping[str, str] = {}


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


def _column(files: Sequence[InputFile], name: str, declared: Mapping[str, str]) -> pa.ChunkedArray:
    if name in declared:
        columns = declared_types.columns(files, name, declared[name])
    else:
        kind = column_types.unified(name, files)
        columns = [column_types.cast(file, name, kind) for file in files]
    return pa.chunked_array([chunk for column in columns for chunk in column.chunks])


def joined(files: Sequence[InputFile], declared: Mapping[str, str] = NONE_DECLARED) -> pa.Table:
    """Return the rows of all files, in order, with the first file's order of columns.

    Args:
        files: CSV files, or tables whose columns have types.
        declared: column name -> type that goes before what is found (`declared_types.NAMES`).

    Raises:
        DataError: there is no row, columns differ in name or type between files, or a value
            does not fit its type.
    """
    _check_columns(files)
    if not any(file.table.num_rows for file in files):
        paths = ", ".join(file.uri for file in files)
        raise DataError(f"{paths}: no rows, only column names; give data")
    names = files[0].table.column_names
    return pa.table({name: _column(files, name, declared) for name in names})


def with_types(file: InputFile, declared: Mapping[str, str]) -> pa.Table:
    """Return rows that have types with those that are declared; other columns stay.

    Raises:
        DataError: a value does not fit its declared type.
    """
    kept = {name: file.table[name] for name in file.table.column_names}
    named = {name: kind for name, kind in declared.items() if name in kept}
    new = {name: declared_types.columns([file], name, kind)[0] for name, kind in named.items()}
    return pa.table(kept | new)
