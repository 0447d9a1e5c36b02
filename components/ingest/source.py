"""Where the rows come from: files of one format, or a query on a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from kanaria.components.ingest import (
    csv_separator,
    folder_columns,
    input_file,
    sql_source,
    tf_example_files,
    typed_table,
)
from kanaria.components.ingest.input_file import InputFile, InputFormat
from kanaria.components.shared import data_reference, database_reference
from kanaria.components.shared.data_reference import DataFile
from kanaria.components.shared.errors import ParameterError, shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """All rows, typed.

    Attributes:
        table: shape (rows, columns); one type a column.
        fingerprint: SHA-256 of the content, 64 hexadecimal digits.
        files: number of files, 0 for a query.
    """

    table: pa.Table
    fingerprint: str
    files: int


def _check_separator(kind: InputFormat, separator: str) -> None:
    if kind is not InputFormat.CSV and separator != csv_separator.COMMA:
        raise ParameterError(
            f"separator={shown(separator)}: the data is {kind.value}; give it for CSV files only"
        )


def _rows(files: Sequence[DataFile], column_types: Mapping[str, str], separator: str) -> pa.Table:
    """Return the rows of all files, with the columns that their folders name."""
    kind = input_file.common_format(files)
    _check_separator(kind, separator)
    if kind is InputFormat.TFRECORD:
        records, counts = tf_example_files.read(files)
        uris = ", ".join(file.uri for file in files)
        table = typed_table.with_types(InputFile(uri=uris, table=records), column_types)
    else:
        inputs = [input_file.read(file, separator) for file in files]
        counts = [one.table.num_rows for one in inputs]
        table = typed_table.joined(inputs, column_types)
    return folder_columns.added(table, files, counts, column_types)


def from_files(
    data: str, column_types: Mapping[str, str], separator: str = csv_separator.COMMA
) -> Source:
    """Read the files that a reference names.

    Args:
        data: the reference.
        column_types: column name -> type that the user declares.
        separator: one ASCII character between the values of CSV files.

    Raises:
        ParameterError: the reference is malformed.
        DataError: a file does not exist, cannot be read, changes meanwhile, or does not fit the
            others or a declared type.
        NotReadyError: an object store does not answer.
    """
    with data_reference.opened(data) as opened:
        table = _rows(opened.files, column_types, separator)
    return Source(table=table, fingerprint=opened.fingerprint, files=len(opened.files))


def from_query(data: str, query: str, column_types: Mapping[str, str]) -> Source:
    """Read the rows that a database answers with; in an order that is theirs alone.

    Raises:
        ParameterError: the URI holds a password, or there is no driver for it.
        DataError: the database refuses the query, or answers with no rows.
        NotReadyError: the database does not answer.
    """
    answer = sql_source.read(database_reference.parse(data), query)
    table, fingerprint = sql_source.in_order(typed_table.joined([answer], column_types))
    return Source(table=table, fingerprint=fingerprint, files=0)
