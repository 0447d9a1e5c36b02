"""The rows that a SQLite file answers a query with; each value keeps the type that it has.

A column of SQLite has no type, its values have. ADBC's driver makes one type for all of them: it
turns integers into floats and writes floats with six digits, so Python's own module reads here.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from urllib.parse import quote

import pyarrow as pa

from kanaria.components.ingest.csv_numbers import EXACT
from kanaria.components.ingest.input_file import InputFile, check_names
from kanaria.components.shared.database_reference import DatabaseReference
from kanaria.components.shared.errors import DataError, NotReadyError, shown

UNREACHABLE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_NOTADB")
Value = int | float | str | bytes | None


def _connected(database: DatabaseReference) -> sqlite3.Connection:
    """Open the file for reading; SQLite would create one that is not there."""
    path = database.uri.removeprefix("sqlite://").removeprefix("/")
    return sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)


def _fault(database: DatabaseReference, error: Exception) -> DataError | NotReadyError:
    if getattr(error, "sqlite_errorname", "").startswith(UNREACHABLE):
        return NotReadyError(
            f"data={shown(database.name)}: {shown(str(error))}; see that the database answers "
            "this user from where the step runs"
        )
    return DataError(f"query on {database.name}: {shown(str(error))}; mend the query")


def _answer(database: DatabaseReference, query: str) -> tuple[list[str], list[Sequence[Value]]]:
    """Return the names and the values of the columns."""
    try:
        with closing(_connected(database)) as connection:
            cursor = connection.execute(query)
            rows = cursor.fetchall()
    except (sqlite3.Error, sqlite3.Warning) as error:  # A warning is raised for two statements.
        raise _fault(database, error) from error
    names = [name for name, *_ in cursor.description or ()]
    return names, list(zip(*rows, strict=True)) or [()] * len(names)


def _written(value: int | float | str | None) -> str | None:
    """Return a value as text; a large float has an exponent, which no exact number has."""
    is_large = isinstance(value, float) and abs(value) >= EXACT
    if is_large and "e" not in repr(value):
        return f"{value:.17e}"
    return None if value is None else str(value)


def _column(name: str, values: Sequence[Value]) -> tuple[pa.Array, bool]:
    """Return a column, and whether it is text of integers beside floats.

    Raises:
        DataError: bytes stand beside other values.
    """
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return pa.array(values), False
    if bytes in kinds:
        raise DataError(f"column {shown(name)} holds bytes beside other values; cast it")
    texts = [_written(value) for value in values if not isinstance(value, bytes)]
    return pa.array(texts, pa.string()), str not in kinds


def read(database: DatabaseReference, query: str) -> InputFile:
    """Return the rows that a SQLite file answers `query` with.

    Raises:
        NotReadyError: the file cannot be opened, or another process has locked it.
        DataError: SQLite refuses the query, or a column holds bytes and something else.
    """
    names, values = _answer(database, query)
    check_names(database.name, names)
    columns = [_column(name, column) for name, column in zip(names, values, strict=True)]
    numerals = (name for name, (_, mixed) in zip(names, columns, strict=True) if mixed)
    table = pa.table([column for column, _ in columns], names=names)
    return InputFile(uri=database.name, table=table, numerals=frozenset(numerals))
