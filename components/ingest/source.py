"""Where the rows come from: files of one format, or a query on a database."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from kanaria.components.ingest import input_file, sql_source, tf_example_files, typed_table
from kanaria.components.ingest.input_file import InputFile, InputFormat
from kanaria.components.shared import data_reference, database_reference


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


def from_files(data: str, column_types: Mapping[str, str]) -> Source:
    """Read the files that a reference names; the types that a user declares go first.

    Raises:
        ParameterError: the reference is malformed.
        DataError: a file does not exist, cannot be read, or does not fit the others.
        NotReadyError: an object store does not answer.
    """
    with data_reference.opened(data) as opened:
        if input_file.common_format(opened.files) is InputFormat.TFRECORD:
            records = InputFile(uri=data, table=tf_example_files.read(opened.files))
            table = typed_table.with_types(records, column_types)
        else:
            files = [input_file.read(file) for file in opened.files]
            table = typed_table.joined(files, column_types)
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
