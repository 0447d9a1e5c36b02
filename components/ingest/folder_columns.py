"""Folders named `key=value` right above the files become columns, as Hive and Spark read them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

import pyarrow as pa

from kanaria.components.ingest import typed_table
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.shared import hive, storage
from kanaria.components.shared.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown


def _keys(file: DataFile) -> dict[str, str | None]:
    """Return key -> value of the folders above a file.

    Raises:
        DataError: a key stands twice, or what is written in percent is not UTF-8.
    """
    try:
        pairs = hive.values(storage.absolute(file.uri))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file.uri}: {shown(error.object)} in a folder's name is not UTF-8; rename the folder"
        ) from error
    keys = dict(pairs)
    if len(keys) < len(pairs):
        raise DataError(f"{file.uri}: a folder's key stands twice; rename one of the folders")
    return keys


def _keys_of_all(files: Sequence[DataFile]) -> list[dict[str, str | None]]:
    found = [_keys(file) for file in files]
    for file, keys in zip(files, found, strict=True):
        if set(keys) != set(found[0]):
            raise DataError(
                f"{file.uri}: its folders name the columns {shown(sorted(keys))}, those of "
                f"{files[0].uri} {shown(sorted(found[0]))}; give every file the same key=value "
                "folders"
            )
    return found


def _agrees(value: object, text: str | None) -> bool:
    if value is None or text is None:
        return value is text
    try:
        return Decimal(str(value)) == Decimal(text)
    except InvalidOperation:
        return str(value) == text


def _check_same(column: pa.ChunkedArray, name: str, file: DataFile, text: str | None) -> None:
    """Raise DataError if a column of the file has another value than the file's folder."""
    for value in column.unique().to_pylist():
        if not _agrees(value, text):
            raise DataError(
                f"{file.uri}: column {shown(name)} holds {shown(value)}, the folder says "
                f"{shown(text)}; leave the column out of the file, or rename the folder"
            )


def _check_in_files(
    table: pa.Table,
    name: str,
    files: Sequence[DataFile],
    counts: Sequence[int],
    texts: Sequence[str | None],
) -> None:
    start = 0
    for file, count, text in zip(files, counts, texts, strict=True):
        _check_same(table[name].slice(start, count), name, file, text)
        start += count


def added(
    table: pa.Table,
    files: Sequence[DataFile],
    counts: Sequence[int],
    column_types: Mapping[str, str],
) -> pa.Table:
    """Return the rows with a column for each key of the files' folders, typed as text of CSV is.

    A column that the files have themselves stays, if it says the same.

    Args:
        table: the rows of all files, in order.
        files: the files.
        counts: number of rows of each.
        column_types: column name -> type that the user declares.

    Raises:
        DataError: the files' folders have different keys, or a file's column says otherwise.
    """
    keys = _keys_of_all(files)
    texts = {name: [one[name] for one in keys] for name in keys[0]}
    for name in sorted(set(texts) & set(table.column_names)):
        _check_in_files(table, name, files, counts, texts.pop(name))
    if not texts:
        return table
    uris = tuple(file.uri for file in files)
    by_file = InputFile(
        uri=uris[0],
        table=pa.table({name: pa.array(values, pa.string()) for name, values in texts.items()}),
        row_uris=uris,
    )
    numbers = pa.array([n for n, count in enumerate(counts) for _ in range(count)], pa.int64())
    columns = typed_table.joined([by_file], column_types).take(numbers)
    for name in columns.column_names:
        table = table.append_column(name, columns[name])
    return table
