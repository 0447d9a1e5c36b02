"""Exchanges and labels in one SQLite file; the only module that writes it.

An exchange is one row whatever arrives first, and every write is a merge that gives the same row
in any order and any number of times: a half that is there stays, the later label counts. So a
sender that got no answer may send again, and nothing depends on when a process ended.

A commit is on the disk when it returns (write-ahead log, synchronous=FULL). What is oldest goes
when it is too old or the file too large; then events before that moment are refused, since they
could be repetitions of what is gone.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.serving.drift_server.events import Event, Kind
from kanaria.serving.drift_server.exchanges import Label, Outcome, Stream, Verdict

SCHEMA_VERSION = 2
SCHEMA = """
CREATE TABLE exchanges (
  number INTEGER PRIMARY KEY AUTOINCREMENT,  -- Never given twice, so that a place in it stays one.
  namespace TEXT NOT NULL, service TEXT NOT NULL, component TEXT NOT NULL, id TEXT NOT NULL,
  version TEXT NOT NULL, request_id TEXT NOT NULL, time REAL NOT NULL, received REAL NOT NULL,
  UNIQUE (namespace, service, component, id));
CREATE INDEX by_stream ON exchanges (namespace, service, version);
CREATE INDEX by_time ON exchanges (namespace, service, version, time);
CREATE INDEX by_request_id ON exchanges (request_id) WHERE request_id <> '';
CREATE TABLE bodies (
  place INTEGER PRIMARY KEY,  -- 2 * number for a request, + 1 for a response: both are neighbours.
  rows INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE labels (
  request_id TEXT NOT NULL, row INTEGER NOT NULL, value NOT NULL, time REAL NOT NULL,
  received REAL NOT NULL, PRIMARY KEY (request_id, row)) WITHOUT ROWID;
CREATE INDEX labels_by_age ON labels (received);
CREATE TABLE places (
  reader TEXT NOT NULL, namespace TEXT NOT NULL, service TEXT NOT NULL, version TEXT NOT NULL,
  number INTEGER NOT NULL, PRIMARY KEY (reader, namespace, service, version)) WITHOUT ROWID;
CREATE TABLE verdicts (
  namespace TEXT NOT NULL, service TEXT NOT NULL, version TEXT NOT NULL, detector TEXT NOT NULL,
  "begin" REAL NOT NULL, "end" REAL NOT NULL, rows INTEGER NOT NULL, drifted INTEGER NOT NULL,
  document TEXT NOT NULL);
CREATE INDEX verdicts_by_end ON verdicts ("end");
CREATE TABLE horizon (only INTEGER PRIMARY KEY CHECK (only = 1), time REAL NOT NULL);
INSERT INTO horizon VALUES (1, 0);
"""
MERGE_EXCHANGE = """
INSERT INTO exchanges (namespace, service, component, id, version, request_id, time, received)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (namespace, service, component, id) DO UPDATE SET
  version = max(version, excluded.version), request_id = max(request_id, excluded.request_id),
  time = min(time, excluded.time)
RETURNING number"""
MERGE_LABEL = """
INSERT INTO labels (request_id, row, value, time, received) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (request_id, row) DO UPDATE SET value = excluded.value, time = excluded.time
WHERE (excluded.time, excluded.value) > (time, value)"""
ADD_VERDICT = "INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
ADD_BODY = "INSERT OR IGNORE INTO bodies (place, rows, body) VALUES (?, ?, ?)"
REMOVED_FOR_EACH = 4
"""Exchanges that may go for each item that comes: the file shrinks, and a commit stays short."""
TIDY_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How much is kept.

    Attributes:
        seconds: an exchange or a label older than this goes.
        megabytes: the file is held at this size by removing the oldest exchanges.
    """

    seconds: float = 30 * 86_400.0
    megabytes: int = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """An event and the number of instances in its body."""

    event: Event
    rows: int


def connect(path: Path) -> sqlite3.Connection:
    """Open the store's file; commits are the caller's, and any thread may use it in turn."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA journal_size_limit={64 << 20}")
    return connection


class Store:
    """The one writer of a store; reading is `reading.Reader`."""

    def __init__(self, path: Path, retention: Retention = Retention()) -> None:
        """Open the file at `path`, or make it.

        Raises:
            ParameterError: it cannot be opened, or is no store of this version.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._retention, self._horizon = retention, 0.0
        self._since, self._tidied = 0, 0.0
        try:
            self._connection = connect(path)
        except sqlite3.DatabaseError as error:
            raise ParameterError(f"store {shown(str(path))}: {error}; name another file") from error
        with self._transaction():
            found = self._value("PRAGMA user_version")
            if found == 0 and not self._value("SELECT count(*) FROM sqlite_master"):
                for statement in SCHEMA.split(";\n"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            elif found != SCHEMA_VERSION:
                why = f"a store of version {found}, not {SCHEMA_VERSION}"
                raise ParameterError(f"{shown(str(path))}: {why}; move it away")
        self._horizon = self._value("SELECT time FROM horizon")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def apply(self, items: Sequence[Counted | Label], now: float) -> list[Outcome]:
        """Keep all items in one transaction that is on the disk when this returns.

        Args:
            items: in any order, also ones that were applied before.
            now: seconds since 1970.

        Raises:
            sqlite3.OperationalError: the disk is full or refuses; nothing of the items is kept.
        """
        with self._transaction():
            self._since += len(items)
            if abs(now - self._tidied) >= TIDY_SECONDS:
                self._forget_old(now, REMOVED_FOR_EACH * self._since + 50)
                self._since, self._tidied = 0, now
            oldest = max(self._horizon, now - self._retention.seconds)
            return [
                self._keep_label(item, now, oldest)
                if isinstance(item, Label)
                else self._keep(item, now, oldest)
                for item in items
            ]

    def advance(self, reader: str, stream: Sequence[str], before: int, after: int) -> bool:
        """Move a reader's place in a stream from exchange `before` to `after`.

        Returns:
            False when the place was not `before`: another process has read on, and what was made
            of these exchanges is not to be counted.
        """
        with self._transaction():
            if self.place(reader, stream) != before:
                return False
            self._move(reader, stream, after)
            return True

    def keep_verdict(
        self, reader: str, stream: Stream, before: int, after: int, verdict: Verdict
    ) -> bool:
        """Move a reader's place as `advance` does, and keep what it found, both or neither.

        Returns:
            False when the place was not `before`: another process has judged these exchanges.
        """
        key = (stream.namespace, stream.service, stream.version)
        with self._transaction():
            if self.place(reader, key) != before:
                return False
            self._move(reader, key, after)
            self._connection.execute(ADD_VERDICT, _values(verdict))
            return True

    def _move(self, reader: str, stream: Sequence[str], after: int) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?)", (reader, *stream, after)
        )

    def place(self, reader: str, stream: Sequence[str]) -> int:
        """Return the last exchange of a stream that a reader has done with, 0 at the start."""
        found = self._connection.execute(
            "SELECT number FROM places WHERE (reader, namespace, service, version) = (?, ?, ?, ?)",
            (reader, *stream),
        ).fetchone()
        return found[0] if found else 0

    def _keep(self, item: Counted, now: float, oldest: float) -> Outcome:
        event = item.event
        if event.time < oldest:
            return Outcome.EXPIRED
        key = (event.namespace, event.service, event.component, event.id)
        facts = (event.version, event.request_id, event.time, now)
        (number,) = self._connection.execute(MERGE_EXCHANGE, key + facts).fetchone()
        place = 2 * number + (event.kind is Kind.RESPONSE)
        added = self._connection.execute(ADD_BODY, (place, item.rows, event.body))
        return Outcome.NEW if added.rowcount else Outcome.REPEATED

    def _keep_label(self, label: Label, now: float, oldest: float) -> Outcome:
        if label.time < oldest:
            return Outcome.EXPIRED
        values = (label.request_id, label.row, label.value, label.time, now)
        changed = self._connection.execute(MERGE_LABEL, values)
        return Outcome.NEW if changed.rowcount else Outcome.REPEATED

    def _forget_old(self, now: float, count: int) -> None:
        """Remove up to `count` of the oldest exchanges and labels, as far as they must go."""
        limit = now - self._retention.seconds
        oldest = "SELECT number, time, received FROM exchanges ORDER BY number LIMIT ?"
        first = self._connection.execute(oldest, (1,)).fetchone()
        full = self._used_megabytes() > self._retention.megabytes
        if first and (full or first[2] < limit):
            rows = self._connection.execute(oldest, (count,)).fetchall()
            self._remove(list(takewhile(lambda row: full or row[2] < limit, rows)))
        self._connection.execute(
            "DELETE FROM labels WHERE (request_id, row) IN"
            " (SELECT request_id, row FROM labels WHERE received < ? LIMIT ?)",
            (limit, count),
        )

    def _remove(self, rows: Sequence[tuple[int, float, float]]) -> None:
        last = rows[-1][0]
        self._connection.execute("DELETE FROM bodies WHERE place <= ?", (2 * last + 1,))
        self._connection.execute("DELETE FROM exchanges WHERE number <= ?", (last,))
        self._horizon = max(self._horizon, *(time for _, time, _ in rows))
        self._connection.execute("UPDATE horizon SET time = ?", (self._horizon,))
        # A verdict goes with the last of the exchanges that it was made from.
        self._connection.execute('DELETE FROM verdicts WHERE "end" <= ?', (self._horizon,))

    def _used_megabytes(self) -> float:
        pages = self._value("PRAGMA page_count") - self._value("PRAGMA freelist_count")
        return pages * self._value("PRAGMA page_size") / 2**20

    def _value(self, query: str) -> float:
        (found,) = self._connection.execute(query).fetchone()
        return found

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        horizon = self._horizon
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._horizon = horizon
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _values(verdict: Verdict) -> tuple[object, ...]:
    stream = verdict.stream
    key = (stream.namespace, stream.service, stream.version, verdict.detector)
    found = (verdict.begin, verdict.end, verdict.rows, verdict.drifted, verdict.document)
    return key + found
