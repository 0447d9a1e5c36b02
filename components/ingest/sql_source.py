"""The rows that a database answers a query with, through its ADBC driver.

A driver is the package `adbc_driver_<scheme of the URI>`; PostgreSQL's is there. SQLite is read
by Python itself.
"""

import hashlib
import importlib
import importlib.util
import re
from typing import Any

import pyarrow as pa

from kanaria.components.ingest import split_rows, sqlite_source
from kanaria.components.ingest.input_file import InputFile, check_names
from kanaria.components.shared import fingerprint
from kanaria.components.shared.database_reference import DatabaseReference
from kanaria.components.shared.errors import DataError, NotReadyError, ParameterError, shown

DRIVERS = {"postgres": "postgresql"}
"""Schemes that are not the name of their driver."""
EXTENSION = b"ARROW:extension:name"
POSTGRESQL_TYPE = b"POSTGRESQL:type"
NUMERIC = ("numeric", "_numeric")
"""PostgreSQL's names of exact numbers and of arrays of them, which arrive as text."""

MEANINGLESS = ("money", "interval", "oid")
"""Types that Arrow gets as cents, as months, days and nanoseconds, and with a sign."""


def _driver(database: DatabaseReference) -> Any:
    """Return the DB-API module of the database's driver."""
    package = f"adbc_driver_{DRIVERS.get(database.scheme, database.scheme)}"
    if not re.fullmatch("[a-z0-9_]+", package) or importlib.util.find_spec(package) is None:
        raise ParameterError(
            f"data={shown(database.name)}: no driver for {shown(database.scheme)}; use postgresql "
            f"or sqlite, or add {package.replace('_', '-')} to the training runtime"
        )
    return importlib.import_module(f"{package}.dbapi")


def _answer(database: DatabaseReference, query: str) -> pa.Table:
    driver = _driver(database)
    try:
        # Nothing is committed, so a query that changes the database leaves it as it was.
        with driver.connect(database.uri) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetch_record_batch().read_all()
    except driver.OperationalError as error:
        raise NotReadyError(
            f"data={shown(database.name)}: {shown(_told(error))}; see that the database answers "
            "this user from where the step runs"
        ) from error
    except (driver.Error, pa.ArrowException, OSError) as error:
        raise DataError(
            f"query on {database.name}: {shown(_told(error))}; mend the query"
        ) from error


def _told(error: Exception) -> str:
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


def read(database: DatabaseReference, query: str) -> InputFile:
    """Return the rows that the database answers `query` with.

    Raises:
        ParameterError: there is no driver for the database.
        NotReadyError: the database cannot be reached, or refuses the user.
        DataError: the database refuses the query, or a column has no form in the examples.
    """
    if database.scheme == "sqlite":
        return sqlite_source.read(database, query)
    table = _answer(database, query)
    check_names(database.name, table.column_names)
    for field in table.schema:
        _check_type(database, field)
    numerals = (field.name for field in table.schema if _type_there(field) in NUMERIC)
    plain = pa.table(table.columns, names=table.column_names)
    return InputFile(uri=database.name, table=plain, numerals=frozenset(numerals))


def in_order(table: pa.Table) -> tuple[pa.Table, str]:
    """Return the rows in an order of their values alone, and the fingerprint of the content.

    A database may answer in another order each time; equal rows shall give equal examples.
    """
    digests = list(split_rows.digests(table, table.column_names))
    order = sorted(range(table.num_rows), key=digests.__getitem__)
    types = sorted(f"{field.name}: {field.type}" for field in table.schema)
    content = hashlib.sha256(b"".join(sorted(digests))).hexdigest()
    return table.take(pa.array(order, pa.int64())), fingerprint.of_text(*types, content)
