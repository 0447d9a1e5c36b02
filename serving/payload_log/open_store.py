"""Opens a store by its location: a file, or a PostgreSQL."""

from pathlib import Path

from kanaria.components.shared.artifacts.document_format import NewerFormatError
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.databases.database import Database
from kanaria.serving.databases.postgresql_address import SCHEME, read_address
from kanaria.serving.databases.sqlite import SqliteDatabase
from kanaria.serving.payload_log import sql_schema
from kanaria.serving.payload_log.retention import Retention
from kanaria.serving.payload_log.store_reader import Reader
from kanaria.serving.payload_log.store_writer import Store

USUAL = Retention()
VERDICTS = "verdicts"
"""A table that every store has."""


def open_store(location: str, retention: Retention = USUAL) -> Store:
    """Open a store for writing; it is made where there is none.

    Args:
        location: path of a SQLite file, which one process writes, or a connection URI
            postgresql://user@host/database, which any number of them may write. The password
            is taken from PGPASSWORD, or from the file that PGPASSFILE names.
        retention: how much of it is kept.

    Raises:
        NewerFormatError: a newer program made the store.
        ParameterError: the location is wrong, or is no store, or one too old to be read on.
        StoreError: it cannot be written now.
    """
    database = _open(location, write=True)
    try:
        return Store(database, retention)
    except (ParameterError, NewerFormatError) as error:
        database.close()
        raise type(error)(f"{location}: {error}") from error


def open_reader(location: str) -> Reader:
    """Open a store, which `open_store` has made, for reading.

    Args:
        location: as `open_store` takes it.

    Raises:
        NewerFormatError: a newer program made the store.
        ParameterError: the location is wrong, or nothing is there, or no server of this version
            has opened it for writing yet.
        StoreError: it cannot be read now.
    """
    if not SCHEME.match(location) and not Path(location).is_file():
        raise ParameterError(
            f"store {location}: there is no such file; kanaria drift serve makes it, --store names "
            "another"
        )
    database = _open(location, write=False)
    if VERDICTS not in database.tables():
        database.close()
        raise ParameterError(f"store {location}: no drift server made it; name its own by --store")
    ((version,),) = database.execute("SELECT version FROM store")
    if version == sql_schema.VERSION:
        return Reader(database)
    database.close()
    if version > sql_schema.VERSION:
        raise NewerFormatError(f"store {location}: {sql_schema.newer(version)}")
    raise ParameterError(
        f"store {location}: of format {version}; kanaria drift serve, which writes it, must have "
        f"changed it to {sql_schema.VERSION} first"
    )


def _open(location: str, *, write: bool) -> Database:
    if not SCHEME.match(location):
        return SqliteDatabase(Path(location), write=write)
    # Its driver takes half a second to import, which a file needs not.
    from kanaria.serving.databases.postgresql import PostgresqlDatabase

    return PostgresqlDatabase(read_address(location), write=write)
