"""The trigger store's database: where it lies, its tables, and the format they are in."""

from pathlib import Path

from kanaria.components.shared.artifacts.document_format import NewerFormatError
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.databases.database import Database
from kanaria.serving.databases.postgresql_address import SCHEME, read_address
from kanaria.serving.databases.sqlite import SqliteDatabase

VERSION = 1
SCHEMA_NAME = "kanaria_triggers"
SCHEMA = """
CREATE TABLE trigger_store (version INTEGER NOT NULL);
INSERT INTO trigger_store VALUES (1);
CREATE TABLE triggered (
  number {numbered},
  name {text} NOT NULL, event_key {text} NOT NULL, source {text} NOT NULL, what {text} NOT NULL,
  report {text} NOT NULL, received {real} NOT NULL, delivered {real} NOT NULL,
  deliveries {integer} NOT NULL, state {text} NOT NULL, reason {text} NOT NULL, why {text} NOT NULL,
  pipeline {text} NOT NULL, run_name {text} NOT NULL, run_id {text} NOT NULL, link {text} NOT NULL,
  started {real}, ended {real}, UNIQUE (name, event_key));
CREATE INDEX by_state ON triggered (state, number);
CREATE INDEX by_start ON triggered (name, started);
"""


def is_postgresql(location: str) -> bool:
    """Tell whether a location is a database's, and not a file's.

    Args:
        location: path of a SQLite file, or a connection URI.
    """
    return bool(SCHEME.match(location))


def open_database(location: str, *, write: bool) -> Database:
    """Return a connection of its own to where a store is, whatever lies there.

    Args:
        location: path of a SQLite file, or a connection URI of PostgreSQL.
        write: whether rows will be written.

    Raises:
        ParameterError: the location is wrong.
        StoreError: it does not answer.
    """
    if not is_postgresql(location):
        return SqliteDatabase(Path(location), write=write)
    # Its driver takes half a second to import, which a file needs not.
    from kanaria.serving.databases.postgresql import PostgresqlDatabase

    return PostgresqlDatabase(read_address(location), write=write, schema_name=SCHEMA_NAME)


def checked_database(location: str, *, write: bool) -> Database:
    """Return a connection to a store in the format of this program; writing makes one.

    Args:
        location: path of a SQLite file, or a connection URI of PostgreSQL.
        write: whether rows will be written; then the tables are made where there are none.

    Raises:
        NewerFormatError: a newer program made the store.
        ParameterError: the location is wrong, or is no store of triggers.
        StoreError: it does not answer.
    """
    database = open_database(location, write=write)
    try:
        if write:
            _make(database)
        _check(database)
    except (ParameterError, NewerFormatError) as error:
        database.close()
        raise type(error)(f"store {location}: {error}") from error
    return database


def _make(database: Database) -> None:
    with database.transaction():
        if not database.tables():
            database.script(SCHEMA.format_map(database.types))


def _check(database: Database) -> None:
    if "trigger_store" not in database.tables():
        raise ParameterError("no trigger server made it; name its own by --store")
    ((version,),) = database.execute("SELECT version FROM trigger_store")
    if version > VERSION:
        raise NewerFormatError(
            f"written by a newer Kanaria: format {version}, this one knows {VERSION}; upgrade"
        )
