"""The rows that a SQLite file answers a query with; each value keeps the type that it has.

A column of SQLite has no type, its values have. ADBC's driver makes one type for all of them: it
turns integers into floats and writes floats with six digits, so Python's own module reads here.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.ingest.csv_type_inference import EXACT
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.ingest.parquet_file import check_names
from kanaria.components.ingest.row_spool import Spool
from kanaria.components.shared.data.database_reference import DatabaseReference
from kanaria.components.shared.errors import DataError, NotReadyError, shown

UNREACHABLE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_NOTADB")
Value = int | float | str | bytes | None
TYPES: dict[type, pa.DataType] = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
}
MARK = "\0"
"""What the names of columns on disk have, and no name of SQLite's."""
ROWS_AT_ONCE = 10_000


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


def _written(value: int | float | str | None) -> str | None:
    """Return a value as text; a large float has an exponent, which no exact number has."""
    is_large = isinstance(value, float) and abs(value) >= EXACT
    if is_large and "e" not in repr(value):
        return f"{value:.17e}"
    return None if value is None else str(value)


def _split(name: str, values: Sequence[Value]) -> dict[str, pa.Array]:
    """Return values in one column for each of their types, missing where one has another."""
    return {
        f"{name}{MARK}{kind.__name__}": pa.array(
            [value if type(value) is kind else None for value in values], target
        )
        for kind, target in TYPES.items()
        if any(type(value) is kind for value in values)
    }


class _Column:
    """One column of the answer, of whose values all types are known."""

    def __init__(self, name: str, kinds: Collection[type]) -> None:
        """Raise DataError if bytes stand beside other values."""
        if bytes in kinds and len(kinds) > 1:
            raise DataError(f"column {shown(name)} holds bytes beside other values; cast it")
        self.name = name
        self._parts = [(f"{name}{MARK}{kind.__name__}", kind) for kind in kinds]

    @property
    def is_numeral(self) -> bool:
        """Whether it is text of integers beside floats."""
        return {kind for _, kind in self._parts} == {int, float}

    @property
    def type(self) -> pa.DataType:
        """Null without any value, text for values of several types."""
        kinds = [TYPES[kind] for _, kind in self._parts] or [pa.null()]
        return kinds[0] if len(kinds) == 1 else pa.string()

    def of(self, batch: pa.RecordBatch) -> pa.Array:
        """Return the rows of a batch that was spooled."""
        parts = [batch.column(part) for part, _ in self._parts if part in batch.schema.names]
        if len(self._parts) == 1 and parts:
            return parts[0]
        texts = [pa.array(map(_written, part.to_pylist()), pa.string()) for part in parts]
        nothing = pa.nulls(batch.num_rows, self.type)
        return pc.coalesce(*texts, nothing) if texts else nothing


def _tables(
    spool: Spool, columns: Mapping[str, _Column], names: Sequence[str]
) -> Iterator[pa.Table]:
    for batch in spool.batches():
        yield pa.table({name: columns[name].of(batch) for name in names})


def _spooled(database: DatabaseReference, query: str, spool: Spool) -> dict[str, set[type]]:
    """Keep the rows that a query is answered with; return the types of each column's values."""
    answer = _rows(database, query)
    names = next(answer)
    check_names(database.name, names)
    kinds: dict[str, set[type]] = {name: set() for name in names}
    for rows in answer:
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        for name, values in columns.items():
            kinds[name].update(type(value) for value in values if value is not None)
        # A row without any value is a row too.
        parts = {MARK: pa.nulls(len(rows))}
        for name, values in columns.items():
            parts |= _split(name, values)
        spool.write(pa.RecordBatch.from_arrays(list(parts.values()), names=list(parts)))
    spool.close()
    return kinds


def _rows(database: DatabaseReference, query: str) -> Iterator[Any]:
    """Yield the names of the columns, and then rows, some at a time."""
    try:
        with closing(_connected(database)) as connection:
            cursor = connection.execute(query)
            yield [name for name, *_ in cursor.description or ()]
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                yield rows
    except (sqlite3.Error, sqlite3.Warning) as error:  # A warning is raised for two statements.
        raise _fault(database, error) from error


def read(database: DatabaseReference, query: str, folder: Path) -> InputFile:
    """Return the rows that a SQLite file answers `query` with, which it is asked once.

    Args:
        database: which one.
        query: SQL.
        folder: where the rows are kept while they are read.

    Raises:
        NotReadyError: the file cannot be opened, or another process has locked it.
        DataError: SQLite refuses the query, or a column holds bytes and something else.
    """
    spool = Spool(folder / "answer")
    kinds_of = _spooled(database, query, spool)
    columns = {name: _Column(name, kinds) for name, kinds in kinds_of.items()}
    return InputFile(
        uri=database.name,
        schema=pa.schema([(name, column.type) for name, column in columns.items()]),
        read=partial(_tables, spool, columns),
        numerals=frozenset(name for name, column in columns.items() if column.is_numeral),
    )
