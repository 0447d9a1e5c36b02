"""The rows that a database answers a query with, through its ADBC driver.

A driver is the package `adbc_driver_<scheme of the URI>`; PostgreSQL's is there. SQLite is read
by Python itself.
"""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from kanaria.components.ingest import sqlite_source
from kanaria.components.ingest.input_file import InputFile
from kanaria.components.ingest.parquet_file import check_names
from kanaria.components.ingest.row_spool import Spool
from kanaria.components.shared.data.database_reference import DatabaseReference
from kanaria.components.shared.errors import DataError, NotReadyError, ParameterError, shown

DRIVERS = {"postgres": "postgresql"}
"""Schemes that are not the name of their driver."""
EXTENSION = b"ARROW:extension:name"
POSTGRESQL_TYPE = b"POSTGRESQL:type"
NUMERIC = ("numeric", "_numeric")
"""PostgreSQL's names of exact numbers and of arrays of them, which arrive as text."""

MEANINGLESS = ("money", "interval", "oid")
"""Types that Arrow gets as cents, as months, days and nanoseconds, and with a sign."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """What a database answers; the batches must be read while it is connected."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


def _driver(database: DatabaseReference) -> Any:
    """Return the DB-API module of the database's driver."""
    package = f"adbc_driver_{DRIVERS.get(database.scheme, database.scheme)}"
    if not re.fullmatch("[a-z0-9_]+", package) or importlib.util.find_spec(package) is None:
        raise ParameterError(
            f"data={shown(database.name)}: no driver for {shown(database.scheme)}; use postgresql "
            f"or sqlite, or add {package.replace('_', '-')} to the training runtime"
        )
    return importlib.import_module(f"{package}.dbapi")


@contextmanager
def _faults(database: DatabaseReference, driver: Any) -> Iterator[None]:
    """Tell what a database refuses as our own errors."""
    try:
        yield
    except driver.OperationalError as error:
        raise NotReadyError(
            f"data={shown(database.name)}: {shown(_server_message(error))}; see that the "
            "database answers this user from where the step runs"
        ) from error
    except (driver.Error, pa.ArrowException, OSError) as error:
        raise DataError(
            f"query on {database.name}: {shown(_server_message(error))}; mend the query"
        ) from error


@contextmanager
def _answer(database: DatabaseReference, query: str) -> Iterator[_Answer]:
    driver = _driver(database)
    with ExitStack() as stack:
        with _faults(database, driver):
            # Nothing is committed, so a query that changes the database leaves it as it was.
            connection = stack.enter_context(driver.connect(database.uri))
            cursor = stack.enter_context(connection.cursor())
            cursor.execute(query)
            reader = cursor.fetch_record_batch()
        yield _Answer(schema=reader.schema, batches=_batches(database, driver, reader))


def _batches(
    database: DatabaseReference, driver: Any, reader: pa.RecordBatchReader
) -> Iterator[pa.RecordBatch]:
    batches = iter(reader)
    while True:
        with _faults(database, driver):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


def _server_message(error: Exception) -> str:
    """Return the server's message on one line, without the query that the driver appends."""
    return " ".join(str(error).partition("\n\nQuery was:")[0].split())


def _type_there(field: pa.Field) -> str:
    """Return PostgreSQL's name of a column's type, "" from another database."""
    return (field.metadata or {}).get(POSTGRESQL_TYPE, b"").decode()


def _check_type(database: DatabaseReference, field: pa.Field) -> None:
    """Raise DataError for a type of the server's own, which has no meaning here."""
    kind = _type_there(field)
    extension = (field.metadata or {}).get(EXTENSION, b"arrow.json")
    if kind in MEANINGLESS or (extension != b"arrow.json" and kind not in NUMERIC):
        raise DataError(
            f"query on {database.name}: column {shown(field.name)} has type {kind or field.type}; "
            "cast it to a number, text or a time in the query"
        )


def read(database: DatabaseReference, query: str, folder: Path) -> InputFile:
    """Return the rows that the database answers `query` with, which it is asked once.

    Args:
        database: which one.
        query: SQL.
        folder: where the rows are kept while they are read.

    Raises:
        ParameterError: there is no driver for the database.
        NotReadyError: the database cannot be reached, or refuses the user.
        DataError: the database refuses the query, or a column has no form in the examples.
    """
    if database.scheme == "sqlite":
        return sqlite_source.read(database, query, folder)
    spool = Spool(folder / "answer")
    with _answer(database, query) as answer:
        schema = answer.schema
        check_names(database.name, schema.names)
        for field in schema:
            _check_type(database, field)
        # Without what the driver says of the types, which has no meaning further on.
        plain = pa.schema([(field.name, field.type) for field in schema])
        for batch in answer.batches:
            spool.write(pa.RecordBatch.from_arrays(batch.columns, schema=plain))
        spool.close()
    numerals = frozenset(field.name for field in schema if _type_there(field) in NUMERIC)
    return InputFile(uri=database.name, schema=plain, read=spool.tables, numerals=numerals)
