"""Tables of other versions: changed in order, or refused by name, and never written half."""

import sqlite3
from pathlib import Path

import pytest

from kanaria.components.shared.artifacts.document_format import NewerFormatError
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.databases.database import Database, StoreError
from kanaria.serving.databases.postgresql import PostgresqlDatabase
from kanaria.serving.databases.postgresql_address import SCHEME, read_address
from kanaria.serving.databases.sqlite import SqliteDatabase
from kanaria.serving.payload_log import sql_schema
from kanaria.serving.payload_log.exchanges import Label
from kanaria.serving.payload_log.open_store import open_reader, open_store

NOW = 1_000_000.0
LABEL = Label(request_id="order-a", row=0, value=1, time=NOW)
NEXT = sql_schema.VERSION + 1
AFTER = {
    sql_schema.VERSION: "ALTER TABLE labels ADD COLUMN source {text} NOT NULL DEFAULT 'unknown';",
    NEXT: "ALTER TABLE labels RENAME COLUMN source TO origin;",
}


def database(location: str) -> Database:
    if SCHEME.match(location):
        return PostgresqlDatabase(read_address(location), write=True)
    return SqliteDatabase(Path(location), write=True)


def renumbered(location: str, version: int) -> None:
    open_store(location).close()
    tables = database(location)
    tables.execute("UPDATE store SET version = :version", version=version)
    tables.close()


def upgraded(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    """Be the program of a later version."""
    monkeypatch.setattr(sql_schema, "VERSION", version)
    monkeypatch.setattr(sql_schema, "MIGRATIONS", AFTER)


def test_a_store_of_an_older_program_is_changed_in_order_and_keeps_what_it_has(
    location, monkeypatch
):
    store = open_store(location)
    store.apply([LABEL], NOW)
    store.close()
    upgraded(monkeypatch, NEXT + 1)
    with pytest.raises(ParameterError, match=f"of format {NEXT - 1}; kanaria drift serve, which"):
        open_reader(location)
    open_store(location).apply([], NOW)
    tables = database(location)
    assert tables.execute("SELECT request_id, origin FROM labels") == [
        tables.execute("SELECT 'order-a', 'unknown'")[0]
    ]
    ((version,),) = tables.execute("SELECT version FROM store")
    assert version == NEXT + 1
    open_reader(location).close()


def test_a_change_that_fails_leaves_the_store_as_it_was(location, monkeypatch):
    open_store(location).close()
    with monkeypatch.context() as patch:
        upgraded(patch, NEXT + 1)
        patch.setitem(AFTER, NEXT, "ALTER TABLE labels RENAME COLUMN nothing TO origin;")
        with pytest.raises(StoreError):
            open_store(location)
    open_store(location).apply([LABEL], NOW)  # The old program goes on.


def test_a_store_of_a_newer_program_is_refused_by_name(location):
    renumbered(location, NEXT)
    text = (
        f"written by a newer Kanaria: format {NEXT}, this one knows {sql_schema.VERSION}; upgrade"
    )
    for open_it in (open_store, open_reader):
        with pytest.raises(NewerFormatError, match=text):
            open_it(location)


def test_a_replica_writes_no_more_once_a_newer_one_has_changed_the_tables(location, monkeypatch):
    old = open_store(location)
    old.apply([], NOW)
    with monkeypatch.context() as patch:
        upgraded(patch, NEXT)
        open_store(location).close()
    with pytest.raises(StoreError, match="written by a newer Kanaria"):
        old.apply([LABEL], NOW)
    with pytest.raises(StoreError, match="written by a newer Kanaria"):
        old.advance("reader", ("models", "flights", "1"), 0, 1)
    assert database(location).execute("SELECT count(*) FROM labels")[0][0] == 0


def test_a_store_too_old_to_be_read_on_is_refused(location):
    renumbered(location, 1)
    with pytest.raises(ParameterError, match="a store of format 1, which this Kanaria cannot"):
        open_store(location)


def test_a_file_that_another_program_is_changing_is_waited_for(tmp_path):
    path = tmp_path / "events.db"
    open_store(str(path)).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute(f"UPDATE store SET version = {NEXT}")
    assert open_reader(str(path))  # What is not committed is not there.
    other.execute("COMMIT")
    with pytest.raises(NewerFormatError):
        open_reader(str(path))
