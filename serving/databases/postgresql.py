"""PostgreSQL as the database of any number of replicas that write and read.

Writers hold one lock in turn, as a SQLite file's writers do: a number is given and seen by others
in the same order, so that no reader's place passes an exchange that is not there yet. Each
replica writes in groups, so a turn comes a few times for hundreds of events.

A connection that failed is thrown away, and the next statement makes another one. Whether the
transaction that it broke was kept is not known, and need not be: it may be applied again.

Source: PostgreSQL documentation, "Explicit Locking" (advisory locks) and "Asynchronous Commit".
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count

from pg8000 import native

from kanaria.serving.databases.database import Kind, Merge, Row, StoreError, Value
from kanaria.serving.databases.postgresql_address import Address, password_for

SCHEMA_NAME = "kanaria"
LOCK_BYTES = 7
"""Of a schema's name, the last ones, which are the number of its lock: no other program has it."""
WRITING = {
    "synchronous_commit": "on",
    "lock_timeout": "30s",
    # A replica that stands still in its turn would hold up all others; it loses it before they
    # have waited too long.
    "idle_in_transaction_session_timeout": "10s",
}
ANSWER_SECONDS = 60.0
PART_BYTES = 8 << 20
"""Bodies that are sent in one statement, which holds them in memory several times over."""


class PostgresqlDatabase:
    """A database; commits are on its disk when they return."""

    greatest, least = "greatest", "least"
    each_text = "SELECT json_array_elements_text(CAST(:texts AS json))"
    kind = Kind.POSTGRESQL
    types: Mapping[str, str] = {
        "numbered": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "integer": "BIGINT",
        "real": "DOUBLE PRECISION",
        "text": 'TEXT COLLATE "C"',
        "bytes": "BYTEA",
        "packed": "",
    }

    def __init__(self, address: Address, *, write: bool, schema_name: str = SCHEMA_NAME) -> None:
        """Connect to the database, and make its schema where it is to be written."""
        self._address, self._write, self._schema_name = address, write, schema_name
        self._lock = int.from_bytes(schema_name.encode()[-LOCK_BYTES:])
        self._connection: native.Connection | None = None
        self._prepared: dict[str, native.PreparedStatement] = {}
        self._streams: set[str] = set()
        self._names = count()
        if write and not self.execute(
            "SELECT 1 FROM pg_namespace WHERE nspname = :name", name=schema_name
        ):
            with self.transaction():
                self.execute(f"CREATE SCHEMA IF NOT EXISTS {schema_name}")

    def tables(self) -> set[str]:
        """Return the names of the tables that there are."""
        query = "SELECT tablename FROM pg_tables WHERE schemaname = :name"
        return {name for (name,) in self.execute(query, name=self._schema_name)}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all or nothing, while every other writer waits."""
        self._simple(f"BEGIN; SELECT pg_advisory_xact_lock({self._lock})")
        try:
            yield
        except BaseException:
            if self._connection:  # Else it has ended, and its transaction with it.
                with suppress(StoreError):
                    self._simple("ROLLBACK")
            raise
        self._simple("COMMIT")

    def script(self, statements: str) -> None:
        """Run the statements of a text, each of which ends a line."""
        self._simple(statements)

    def execute(self, statement: str, **values: Value) -> list[Row]:
        """Return all rows of a statement."""
        with self._named_errors():
            connection = self._connected()
            if statement not in self._prepared:
                self._prepared[statement] = connection.prepare(statement)
            return self._prepared[statement].run(**values) or []

    def stream(self, query: str, at_once: int, **values: Value) -> Iterator[list[Row]]:
        """Yield the rows of a query, up to `at_once` of them in a list, all of one moment."""
        if not self._streams:
            self._simple("BEGIN READ ONLY")
        cursor = f"stream_{next(self._names)}"
        self._streams.add(cursor)
        try:
            with self._named_errors():
                self._connected().run(f"DECLARE {cursor} CURSOR FOR {query}", **values)
            while rows := self._simple(f"FETCH {at_once} FROM {cursor}"):
                yield rows
        finally:
            if cursor in self._streams:  # Else the connection has ended, and the cursor with it.
                self._streams.remove(cursor)
                with suppress(StoreError):
                    self._simple(f"CLOSE {cursor}" if self._streams else "COMMIT")

    def merge(self, merge: Merge, rows: Sequence[Row]) -> list[Row]:
        """Put in all rows of a part with one statement, since each one is a way there and back."""
        names, kinds = list(merge.columns), merge.columns
        read = (f"decode({n}, 'base64')" if kinds[n] == "bytea" else n for n in names)
        columns = (f"{n} {'text' if kinds[n] == 'bytea' else kinds[n]}" for n in names)
        statement = (
            f"{merge.head} SELECT {', '.join(read)}"  # noqa: S608  # Of the caller's constants.
            f" FROM json_to_recordset(CAST(:rows AS json)) AS given({', '.join(columns)})"
            f" {merge.rest}"
        )
        return [
            row
            for part in _parts(rows)
            for row in self.execute(statement, rows=json.dumps([_plain(names, r) for r in part]))
        ]

    def used_megabytes(self) -> float:
        """Return the size of all bodies with about what lies beside them."""
        ((size,),) = self.execute("SELECT sum(bytes) FROM kept")
        return float(size) / 2**20

    def bytes_on_disk(self) -> int:
        """Return the size of the schema's tables, with their indexes and long values."""
        query = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :name AND c.relkind = 'r'"""
        ((size,),) = self.execute(query, name=SCHEMA_NAME)
        return int(size)

    def checkpoint(self) -> None:
        """Do nothing: PostgreSQL has a process for it."""

    def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        self._prepared.clear()
        self._streams.clear()
        if connection:
            with suppress(native.Error, OSError):
                connection.close()

    def _simple(self, statement: str) -> list[Row]:
        with self._named_errors():
            return self._connected().run(statement) or []

    def _connected(self) -> native.Connection:
        if not self._connection:
            self._connection = native.Connection(
                **self._address.arguments(),
                password=password_for(self._address),
                timeout=ANSWER_SECONDS,
                application_name=self._schema_name,
                startup_params={"search_path": self._schema_name}
                | (WRITING if self._write else {"default_transaction_read_only": "on"}),
            )
        return self._connection

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Say of any error of the database that the store cannot be used now."""
        try:
            yield
        except (native.Error, OSError) as error:
            self.close()
            fields = error.args[0] if isinstance(error, native.DatabaseError) else {}
            cause, where = fields.get("M", error), self._address.name
            raise StoreError(f"the store {where}: {cause}; see to it, try again") from error


def _plain(names: Sequence[str], row: Row) -> dict[str, object]:
    values = (base64.b64encode(v).decode() if isinstance(v, bytes) else v for v in row)
    return dict(zip(names, values, strict=True))


def _parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    size = 0
    for row in rows:
        part.append(row)
        size += sum(len(value) for value in row if isinstance(value, bytes))
        if size > PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
