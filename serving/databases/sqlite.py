"""A SQLite file as the database of one process that writes and any number that read.

Source: SQLite documentation, "Write-Ahead Logging" and "Result and Error Codes".
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from kanaria.components.shared.storage import owner_only_files
from kanaria.serving.databases.database import Kind, Merge, Row, StoreError, Value

BUSY_SECONDS = 30.0
LOG_PAGES = 16_384
"""Pages of the write-ahead log, of 4 KiB, after which it begins anew, which holds up a commit."""
MOST_PAGES = 4 * LOG_PAGES
"""Pages of it after which commits see to it themselves, if nobody calls `checkpoint`."""
CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"


class SqliteDatabase:
    """A file; commits are in its write-ahead log, and on the disk, when they return."""

    greatest, least = "max", "min"
    each_text = "SELECT value FROM json_each(:texts)"
    kind = Kind.SQLITE
    types: Mapping[str, str] = {
        "numbered": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "integer": "INTEGER",
        "real": "REAL",
        "text": "TEXT",
        "bytes": "BLOB",
        "packed": "WITHOUT ROWID",
    }

    def __init__(self, path: Path, *, write: bool) -> None:
        """Open the file, or make it where it is to be written."""
        if write:
            _make(path)
        self._path = path
        self._uri = f"{path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}"
        self._copier: sqlite3.Connection | None = None
        self._grown = False
        with _named_errors():
            self._connection = _connect(self._uri)
            if write:
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA synchronous=FULL")
                self._connection.execute(f"PRAGMA wal_autocheckpoint={MOST_PAGES}")

    def tables(self) -> set[str]:
        """Return the names of the tables that there are."""
        return {name for (name,) in self.execute("SELECT name FROM sqlite_master")}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all or nothing; another process that writes is waited for."""
        with _named_errors():
            if self._grown:  # Only between two commits it can be copied whole, and begin anew.
                self._grown = False
                self._connection.execute(CHECKPOINT).fetchall()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def script(self, statements: str) -> None:
        """Run the statements of a text, each of which ends a line."""
        for statement in statements.split(";\n"):
            self.execute(statement)

    def execute(self, statement: str, **values: Value) -> list[Row]:
        """Return all rows of a statement."""
        with _named_errors():
            return self._connection.execute(statement, values).fetchall()

    def stream(self, query: str, at_once: int, **values: Value) -> Iterator[list[Row]]:
        """Yield the rows of a query, up to `at_once` of them in a list, all of one moment."""
        with _named_errors():
            cursor = self._connection.execute(query, values)
            while rows := cursor.fetchmany(at_once):
                yield rows

    def merge(self, merge: Merge, rows: Sequence[Row]) -> list[Row]:
        """Put in rows one by one: for many at once SQLite takes as long."""
        marks = ", ".join("?" * len(merge.columns))
        statement = f"{merge.head} VALUES ({marks}) {merge.rest}"
        with _named_errors():
            execute = self._connection.execute
            return [written for row in rows for written in execute(statement, row).fetchall()]

    def used_megabytes(self) -> float:
        """Return the size of the file's pages that are in use."""
        names = ("page_count", "freelist_count", "page_size")
        ((pages,), (free,), (size,)) = (self.execute(f"PRAGMA {name}")[0] for name in names)
        return (pages - free) * size / 2**20

    def bytes_on_disk(self) -> int:
        """Return the size of the file and of its log."""
        files = (self._path, self._path.with_name(f"{self._path.name}-wal"))
        try:
            return sum(file.stat().st_size for file in files if file.exists())
        except OSError as error:
            raise StoreError(f"the store's file {error.filename}: {error.strerror}") from error

    def checkpoint(self) -> None:
        """Copy the log into the file, which a commit would else wait for; any thread may do it."""
        with _named_errors():
            self._copier = self._copier or _connect(self._uri)
            ((_, pages, _),) = self._copier.execute(CHECKPOINT).fetchall()
            self._grown = pages > LOG_PAGES

    def close(self) -> None:
        """Close the file."""
        if self._copier:
            self._copier.close()
        self._connection.close()


def _make(path: Path) -> None:
    """Make the file, where there is none, for its user alone; SQLite's log gets its permissions."""
    try:
        owner_only_files.folder(path.parent)
        owner_only_files.opened(path, "ab").close()
    except OSError as error:
        raise StoreError(f"the store's file {path}: {error.strerror}; name another") from error


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS
    )


@contextmanager
def _named_errors() -> Iterator[None]:
    """Say of any error of the file that the store cannot be used now."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"the store's file: {error}; see to its disk, try again") from error
