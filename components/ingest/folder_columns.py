"""Folders named `key=value` right above the files become columns, as Hive and Spark read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np
import pyarrow as pa

from kanaria.components.ingest import input_file, typed_rows
from kanaria.components.shared.data import hive
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import uri_files


def _keys(file: DataFile) -> dict[str, str | None]:
    """Return key -> value of the folders above a file.

    Raises:
        DataError: a key stands twice, or what is written in percent is not UTF-8.
    """
    try:
        pairs = hive.values(uri_files.absolute(file.uri))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file.uri}: {shown(error.object)} in a folder's name is not UTF-8; rename the folder"
        ) from error
    keys = dict(pairs)
    if len(keys) < len(pairs):
        raise DataError(f"{file.uri}: a folder's key stands twice; rename one of the folders")
    return keys


def _keys_of_all(files: Sequence[DataFile]) -> list[dict[str, str | None]]:
    keys_of_files = [_keys(file) for file in files]
    for file, keys in zip(files, keys_of_files, strict=True):
        if set(keys) != set(keys_of_files[0]):
            raise DataError(
                f"{file.uri}: its folders name the columns {shown(sorted(keys))}, those of "
                f"{files[0].uri} {shown(sorted(keys_of_files[0]))}; give every file the same "
                "key=value folders"
            )
    return keys_of_files


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


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderColumns:
    """What the folders above each file say.

    Attributes:
        files: the files, in order.
        said: name of a column that the files have themselves -> its text in each file.
        added: one row a file, for the columns that they have not.
    """

    files: tuple[DataFile, ...]
    said: Mapping[str, tuple[str | None, ...]]
    added: pa.Table

    def to(self, table: pa.Table, number: int) -> pa.Table:
        """Return some rows of a file with the columns that they lack.

        Args:
            table: the rows, with the columns of the file.
            number: which file it is.

        Raises:
            DataError: the file's own column says otherwise than its folder.
        """
        for name in sorted(set(self.said) & set(table.column_names)):
            _check_same(table[name], name, self.files[number], self.said[name][number])
        places = pa.array(np.full(table.num_rows, number))
        for name, column in zip(self.added.column_names, self.added.columns, strict=True):
            table = table.append_column(name, column.take(places))
        return table


def of_files(
    files: Sequence[DataFile], names: Sequence[str], column_types: Mapping[str, str]
) -> FolderColumns:
    """Return a column for each key of the files' folders, typed as text of CSV is.

    A column that the files have themselves stays, if it says the same.

    Args:
        files: the files.
        names: of the columns that they have.
        column_types: column name -> type that the user declares.

    Raises:
        DataError: the files' folders have different keys.
    """
    keys = _keys_of_all(files)
    texts = {name: tuple(one[name] for one in keys) for name in keys[0]}
    said = {name: values for name, values in texts.items() if name in names}
    new = {name: pa.array(texts[name], pa.string()) for name in texts if name not in said}
    uris = tuple(file.uri for file in files)
    table = pa.table(new)
    if new:
        by_file = input_file.of_table(uris[0], table, uris)
        table = typed_rows.joined([by_file], column_types).table()
    return FolderColumns(files=tuple(files), said=said, added=table)
