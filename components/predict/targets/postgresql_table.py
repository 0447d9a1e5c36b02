"""A table of PostgreSQL, filled by COPY; and beside it the table `kanaria_scored`, the ledger.

One transaction a chunk: its row in the ledger, then its rows. The ledger's key admits a chunk once,
so of two processes that write the same one, the second fails and leaves nothing. Rows of the run
that no ledger knows, as after somebody cut it, go before the first chunk is written.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from kanaria.components.predict.targets import table_columns
from kanaria.components.predict.targets.table_columns import TableColumn, quoted
from kanaria.components.predict.targets.target import CHUNK, RUN_ID, Job
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data import database_reference
from kanaria.components.shared.data.database_reference import DatabaseReference
from kanaria.components.shared.errors import (
    ConflictError,
    DataError,
    NotReadyError,
    ParameterError,
    shown,
)

LEDGER = "kanaria_scored"
END = -1
"""Chunk of the ledger's row that says that the run is whole; its rows are those of all chunks."""
UNIQUE_VIOLATION = "23505"
LEDGER_COLUMNS = (
    "target text, run_id text, chunk bigint, rows bigint, job text, "
    "finished_at timestamp with time zone DEFAULT now(), PRIMARY KEY (target, run_id, chunk)"
)
COLUMNS_OF = """
    SELECT attname, format_type(atttypid, NULL), atttypmod >= 0 AND atttypid = 'varchar'::regtype,
        attnotnull AND NOT atthasdef AND attidentity = '', attgenerated <> '' OR attidentity = 'a'
    FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
RELATION = """
    SELECT c.oid::bigint, c.relkind::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgreSQLTable:
    """A table by its database and its names.

    Attributes:
        database: where it lies.
        schema: name of its schema; "" for the first of the connection's search path.
        table: its name.
    """

    database: DatabaseReference
    schema: str
    table: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.database.name}#{'.'.join(filter(None, (self.schema, self.table)))}"

    def check(self, schema: pa.Schema, faults: Faults) -> None:
        """Add what stands against rows of `schema` there.

        Raises:
            NotReadyError: the database does not answer, or refuses the user.
        """
        for text in table_columns.names_faults(schema):
            faults.add(f"output: {text}")
        with _connected(self.database) as connection:
            place = _Place(connection, self.schema, self.table)
            texts = list(place.faults(schema))
            if texts:
                faults.add(f"output {self.name}: {'; '.join(texts)}")

    @contextmanager
    def opened(self, job: Job, schema: pa.Schema) -> Iterator["_Rows"]:
        """Yield what writes the chunks of a job.

        Raises:
            ConflictError: the run's ledger is of another job, or another process writes the run.
            NotReadyError: the database does not answer.
        """
        with _connected(self.database) as connection:
            place = _Place(connection, self.schema, self.table)
            place.make(schema)
            rows = _Rows(connection, place, job)
            rows.begin(self.name)
            yield rows


def parse(output: str) -> PostgreSQLTable:
    """Read `postgresql://user@host/name#table`, or `#schema.table`.

    Raises:
        ParameterError: it holds a password.
    """
    uri, _, names = output.partition("#")
    schema, _, table = names.rpartition(".")
    return PostgreSQLTable(database=database_reference.parse(uri), schema=schema, table=table)


def check_reference(output: str, faults: Faults) -> None:
    """Add what is wrong with the text of a reference to a table."""
    try:
        parse(output)
    except ParameterError as error:
        faults.add(str(error).replace("data:", "output:", 1))
        return  # What else is wrong would show the password.
    scheme = output.partition("://")[0]
    is_postgresql = scheme in ("postgresql", "postgres")
    faults.check(
        is_postgresql, "output", output, "give a folder, or postgresql://user@host/name#table"
    )
    names = output.partition("#")[2].split(".")
    short = all(0 < len(name.encode()) <= table_columns.LONGEST_NAME for name in names)
    remedy = "name the table: postgresql://user@host/name#table, or #schema.table"
    faults.check(short and len(names) <= 2, "output", output, remedy)


@contextmanager
def _connected(database: DatabaseReference) -> Iterator[Any]:
    """Yield a connection, in a transaction; the driver's errors become ours."""
    from adbc_driver_postgresql import dbapi

    try:
        with dbapi.connect(database.uri.replace("postgres://", "postgresql://", 1)) as connection:
            yield connection
    except dbapi.OperationalError as error:
        raise NotReadyError(
            f"output {database.name}: {_message(error)}; see that the database answers this user "
            "from where the step runs"
        ) from error
    except dbapi.Error as error:
        if getattr(error, "sqlstate", None) == UNIQUE_VIOLATION:
            raise ConflictError(
                f"output {database.name}: another process writes this run; wait until it ends"
            ) from error
        raise DataError(f"output {database.name}: {_message(error)}") from error


def _message(error: Exception) -> str:
    return shown(" ".join(str(error).partition("\n\nQuery was:")[0].split()))


def _all(connection: Any, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall())


def _do(connection: Any, statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)


class _Place:
    """Target and ledger in one schema of a database."""

    def __init__(self, connection: Any, schema: str, table: str) -> None:
        self._connection = connection
        self.schema = schema or str(_all(connection, "SELECT coalesce(current_schema(), '')")[0][0])
        self.table = table
        self.target = f"{quoted(self.schema)}.{quoted(table)}"
        self.ledger = f"{quoted(self.schema)}.{quoted(LEDGER)}"

    def _relation(self, name: str) -> tuple[int, str] | None:
        rows = _all(self._connection, RELATION, self.schema, name)
        return (int(rows[0][0]), str(rows[0][1])) if rows else None

    def _may(self, right: str, oid: int) -> bool:
        statement = f"SELECT has_table_privilege({oid}::oid, '{right}')"
        return bool(_all(self._connection, statement)[0][0])

    def _columns(self, oid: int) -> list[TableColumn]:
        return [
            TableColumn(
                name=name,
                type=f"{kind} of a bounded length" if bounded else kind,
                needed=needed,
                generated=generated,
            )
            for name, kind, bounded, needed, generated in _all(self._connection, COLUMNS_OF, oid)
        ]

    def faults(self, schema: pa.Schema) -> Iterator[str]:
        """Yield what keeps rows of a schema from both tables."""
        there = "SELECT count(*) FROM pg_namespace WHERE nspname = $1"
        if not _all(self._connection, there, self.schema)[0][0]:
            yield f"no schema {shown(self.schema)}; create it"
            return
        missing = []
        for name, rights in (
            (self.table, ("INSERT", "SELECT", "DELETE")),
            (LEDGER, ("INSERT", "SELECT")),
        ):
            relation = self._relation(name)
            if relation is None:
                missing.append(name)
                continue
            oid, kind = relation
            if kind not in ("r", "p"):
                yield f"{shown(name)} is no table; name one"
                continue
            lacking = [right for right in rights if not self._may(right, oid)]
            if lacking:
                yield f"you lack {', '.join(lacking)} on {shown(name)}; have them granted"
            if name == self.table:
                yield from table_columns.faults(schema, self._columns(oid))
        create = "SELECT has_schema_privilege($1, 'CREATE')"
        if missing and not _all(self._connection, create, self.schema)[0][0]:
            yield f"no table {', '.join(map(shown, missing))}, and you may not create it"

    def make(self, schema: pa.Schema) -> None:
        """Create the tables that are not there."""
        if self._relation(self.table) is None:
            _do(self._connection, table_columns.create_statement(self.target, schema))
            columns = f"{quoted(RUN_ID)}, {quoted(CHUNK)}"
            _do(self._connection, f"CREATE INDEX ON {self.target} ({columns})")
        _do(self._connection, f"CREATE TABLE IF NOT EXISTS {self.ledger} ({LEDGER_COLUMNS})")
        self._connection.commit()


class _Rows:
    """The rows of one run in a table."""

    def __init__(self, connection: Any, place: _Place, job: Job) -> None:
        self._connection, self._place, self._job = connection, place, job
        self._document = json.dumps(job.as_document(), sort_keys=True)

    def _entries(self) -> list[tuple[Any, ...]]:
        statement = (
            f"SELECT chunk, rows, job FROM {self._place.ledger} WHERE target = $1 AND run_id = $2"  # noqa: S608  Quoted.
        )
        return _all(self._connection, statement, self._place.table, self._job.run_id)

    def begin(self, where: str) -> None:
        """Refuse another job's ledger, and remove rows that no ledger knows."""
        run_id = self._job.run_id
        for _, _, document in self._entries():
            self._job.check_same(json.loads(document), f"{where}, run_id {shown(run_id)}")
        statement = (
            f"DELETE FROM {self._place.target} WHERE run_id = $1 AND chunk NOT IN "  # noqa: S608  Quoted.
            f"(SELECT chunk FROM {self._place.ledger} WHERE target = $2 AND run_id = $1)"
        )
        _do(self._connection, statement, run_id, self._place.table)
        self._connection.commit()

    def finished(self) -> Mapping[int, int]:
        """Return the chunks that the ledger has."""
        chunks = {int(chunk): int(rows) for chunk, rows, _ in self._entries() if chunk != END}
        self._connection.commit()
        return chunks

    def _enter(self, chunk: int, rows: int) -> None:
        columns = "(target, run_id, chunk, rows, job) VALUES ($1, $2, $3, $4, $5)"
        statement = f"INSERT INTO {self._place.ledger} {columns}"
        values = (self._place.table, self._job.run_id, chunk, rows, self._document)
        _do(self._connection, statement, *values)

    def write(self, chunk: int, rows: pa.Table) -> None:
        """Add the rows of a chunk and its entry in the ledger, in one transaction."""
        self._enter(chunk, rows.num_rows)
        with self._connection.cursor() as cursor:
            cursor.adbc_ingest(
                self._place.table, rows, mode="append", db_schema_name=self._place.schema
            )
        self._connection.commit()

    def finish(self, chunks: int, rows: int) -> None:  # noqa: ARG002  Their rows are enough.
        """Enter that the run is whole, if it is not there yet."""
        if all(chunk != END for chunk, _, _ in self._entries()):
            self._enter(END, rows)
        self._connection.commit()
