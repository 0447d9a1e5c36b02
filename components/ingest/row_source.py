"""Where the rows come from: files of one format, or a query on a database."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from kanaria.components.ingest import (
    csv_separator,
    folder_columns,
    input_file,
    ordered_rows,
    sql_source,
    tf_example_files,
    typed_rows,
)
from kanaria.components.ingest.folder_columns import FolderColumns
from kanaria.components.ingest.input_file import InputFormat
from kanaria.components.ingest.typed_rows import ALL, Needed, TypedRows
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data import data_reference, database_reference
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.data.database_reference import is_database
from kanaria.components.shared.errors import ParameterError, shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """All rows, typed; none of them is kept in memory.

    Attributes:
        schema: of the rows.
        numbered: names of columns, at least one -> the number of a file, from 0, and some of its
            rows, from the first on.
        fingerprint: SHA-256 of the content, 64 hexadecimal digits.
        uris: of the files, in their order; none for a query.
    """

    schema: pa.Schema
    numbered: Callable[[Sequence[str]], Iterator[tuple[int, pa.Table]]]
    fingerprint: str
    uris: tuple[str, ...] = ()

    @property
    def files(self) -> int:
        """The number of files, 0 for a query."""
        return len(self.uris)

    def tables(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of the rows from the first on, some rows at a time."""
        return (table for _, table in self.numbered(names))


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield a folder for rows that are kept on disk until the block ends."""
    with tempfile.TemporaryDirectory(prefix="kanaria-rows-") as folder:
        yield Path(folder)


def _check_separator(kind: InputFormat, separator: str) -> None:
    if kind is not InputFormat.CSV and separator != csv_separator.COMMA:
        raise ParameterError(
            f"separator={shown(separator)}: the data is {kind.value}; give it for CSV files only"
        )


def _rows(
    files: Sequence[DataFile],
    column_types: Mapping[str, str],
    separator: str,
    folder: Path,
    needed: Needed,
) -> TypedRows:
    """Return the rows of all files."""
    kind = input_file.common_format(files)
    _check_separator(kind, separator)
    if kind is InputFormat.TFRECORD:
        return tf_example_files.read(files, folder, column_types)
    opened = [input_file.opened(file, separator) for file in files]
    return typed_rows.joined(opened, column_types, needed)


def _with_folders(
    rows: TypedRows, folders: FolderColumns, names: Sequence[str]
) -> Iterator[tuple[int, pa.Table]]:
    """Yield columns of the rows, of which some are what the files' folders say."""
    # One column of the files tells how many rows there are.
    own = [name for name in rows.schema.names if name in names] or rows.schema.names[:1]
    for number, table in rows.tables(own):
        yield number, folders.to(table, number).select(list(names))


@contextmanager
def from_files(
    data: str,
    column_types: Mapping[str, str],
    separator: str = csv_separator.COMMA,
    needed: Needed = ALL,
) -> Iterator[Source]:
    """Yield the rows of the files that a reference names, with columns for their folders.

    Args:
        data: the reference.
        column_types: column name -> type that the user declares.
        separator: one ASCII character between the values of CSV files.
        needed: what is needed of the columns of CSV files.

    Raises:
        ParameterError: the reference is malformed.
        DataError: a file does not exist, cannot be read, does not fit the others or a declared
            type, or has changed when the block ends.
        NotReadyError: an object store does not answer.
    """
    with _folder() as folder, data_reference.opened(data) as opened:
        rows = _rows(opened.files, column_types, separator, folder, needed)
        folders = folder_columns.of_files(opened.files, rows.schema.names, column_types)
        yield Source(
            schema=pa.schema([*rows.schema, *folders.added.schema]),
            numbered=lambda names: _with_folders(rows, folders, names),
            fingerprint=opened.fingerprint,
            uris=tuple(file.uri for file in opened.files),
        )


@contextmanager
def from_query(data: str, query: str, column_types: Mapping[str, str]) -> Iterator[Source]:
    """Yield the rows that a database answers with; in an order that is theirs alone.

    Raises:
        ParameterError: the URI holds a password, or there is no driver for it.
        DataError: the database refuses the query, or answers with no rows.
        NotReadyError: the database does not answer.
    """
    with _folder() as folder:
        answer = sql_source.read(database_reference.parse(data), query, folder)
        rows = typed_rows.joined([answer], column_types)
        ordered, content = ordered_rows.in_order(rows, folder)
        yield Source(
            schema=rows.schema,
            numbered=lambda names: ((0, table) for table in ordered.tables(names)),
            fingerprint=content,
        )


def check(data: str, query: str, separator: str, faults: Faults) -> None:
    """Add the faults of a reference and a query that do not fit each other."""
    if is_database(data):
        remedy = "leave it out, an answer of a database has none"
        faults.check(separator == csv_separator.COMMA, "separator", separator, remedy)
        faults.check(bool(query), "query", query, "give the SQL query that the database answers")
    else:
        remedy = "data names no database; give a URI such as postgresql://user@host/name"
        faults.check(not query, "query", query, remedy)


def opened(
    data: str,
    query: str,
    column_types: Mapping[str, str],
    separator: str,
    needed: Needed = ALL,
) -> AbstractContextManager[Source]:
    """Return what yields the rows of files, or of a query where there is one."""
    if query:
        return from_query(data, query, column_types)
    return from_files(data, column_types, separator, needed)
