"""What a store asks of its database, whichever it is."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from kanaria.components.shared.errors import NotReadyError

Row = tuple[Any, ...]
Value = str | bytes | int | float | None


class Kind(Enum):
    """Databases that are known."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class StoreError(NotReadyError):
    """The store cannot be read or written now; of what was asked nothing is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """Rows that are put into a table, or merged with those that are there.

    Attributes:
        table: its name.
        columns: names of the columns that are given, with their types in PostgreSQL.
        rest: what follows the rows: ON CONFLICT and RETURNING.
    """

    table: str
    columns: Mapping[str, str]
    rest: str

    @property
    def head(self) -> str:
        """The beginning of the statement, up to the rows."""
        return f"INSERT INTO {self.table} ({', '.join(self.columns)})"


class Database(Protocol):
    """One connection, for one thread at a time; every method may raise a StoreError.

    Attributes:
        greatest: name of the function that returns the larger one of two values.
        least: name of the function that returns the smaller one of two values.
        each_text: query that returns the texts of the JSON list `:texts`.
        kind: which database it is.
        types: its words for `numbered`, `integer`, `real`, `text`, `bytes` and `packed`, as texts
            of tables have them.
    """

    greatest: str
    least: str
    each_text: str
    kind: Kind
    types: Mapping[str, str]

    def tables(self) -> set[str]:
        """Return the names of the tables that there are."""

    def transaction(self) -> AbstractContextManager[None]:
        """Write all or nothing, one writer at a time; on the disk when it has ended."""

    def script(self, statements: str) -> None:
        """Run the statements of a text, each of which ends a line."""

    def execute(self, statement: str, **values: Value) -> list[Row]:
        """Return all rows of a statement."""

    def stream(self, query: str, at_once: int, **values: Value) -> Iterator[list[Row]]:
        """Yield the rows of a query, up to `at_once` of them in a list, all of one moment."""

    def merge(self, merge: Merge, rows: Sequence[Row]) -> list[Row]:
        """Put in rows, of which no two conflict with each other, and return what RETURNING says."""

    def used_megabytes(self) -> float:
        """Return the size of what is kept."""

    def bytes_on_disk(self) -> int:
        """Return what the tables take on the disk, with their indexes and what is free in them."""

    def checkpoint(self) -> None:
        """Do what commits would else wait for now and then, beside them, in a thread of its own."""

    def close(self) -> None:
        """End the connection."""
