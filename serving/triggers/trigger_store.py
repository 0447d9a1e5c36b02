"""What became of each event, in SQLite or PostgreSQL; the only module that reads and writes it.

An event that fits a trigger is one row, however often it is delivered: its key is unique. A state
changes only from the one that its writer saw, so that two servers on one PostgreSQL never move a
trigger twice. A commit is on the disk when it returns.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts.document_format import NewerFormatError
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.databases.database import Database, Value
from kanaria.serving.databases.postgresql_address import SCHEME, read_address
from kanaria.serving.databases.sqlite import SqliteDatabase
from kanaria.serving.triggers.decision import Reason
from kanaria.serving.triggers.events.event import Event
from kanaria.serving.triggers.trigger_states import OPEN, UNDER_WAY, TriggerState, may_follow

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
COLUMNS = (
    "number, name, event_key, source, what, report, received, delivered, deliveries, state, reason,"
    " why, pipeline, run_name, run_id, link, started, ended"
)
ADD = """
INSERT INTO triggered (name, event_key, source, what, report, received, delivered, deliveries,
  state, reason, why, pipeline, run_name, run_id, link)
VALUES (:name, :key, :source, :what, :report, :now, :now, 1, :state, :reason, :why, '', '', '', '')
"""
SEEN = "SELECT number, state FROM triggered WHERE name = :name AND event_key = :key"
AGAIN = """
UPDATE triggered SET deliveries = deliveries + 1, delivered = :now, state = :state
WHERE number = :number"""
# Of this file's constants, as all below.
IN_STATES = f"SELECT {COLUMNS} FROM triggered WHERE state IN ({{}}) ORDER BY number"  # noqa: S608
NEWEST = f"SELECT {COLUMNS} FROM triggered ORDER BY number DESC LIMIT :count"  # noqa: S608
STARTS = """
SELECT max(started), max(CASE WHEN state <> 'failed' THEN started END),
  sum(CASE WHEN started >= :since THEN 1 ELSE 0 END)
FROM triggered WHERE name = :name AND started IS NOT NULL"""
FORGET = """
DELETE FROM triggered WHERE delivered < :before AND state IN ('refused', 'succeeded', 'failed')
  AND number NOT IN (SELECT max(number) FROM triggered WHERE started IS NOT NULL GROUP BY name)"""


class Delivery(Enum):
    """What a delivery of an event is."""

    NEW = "new"
    """It is kept, and will be decided on."""
    REPEATED = "repeated"
    """It was there already; it is counted, and changes nothing."""
    HOLDS = "holds"
    """It was refused, and its sender says that it still holds: it will be decided on anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Triggered:
    """An event for a trigger, and what became of it.

    Attributes:
        number: in the order of arrival.
        name: of the trigger.
        key: of the event.
        source: the way it came in.
        what: in a person's words.
        report: address of the page of what was found, "" for none.
        received: when it first came, in seconds since 1970.
        delivered: when it last came.
        deliveries: how often.
        state: see TriggerState.
        reason: why it was refused, "" where it was not.
        why: in words; of a run that failed, or does not begin yet, as well.
        pipeline: that its run is of, "" before it is decided on.
        run_name: of its run.
        run_id: of its run, "" before that has begun.
        link: address of the run's page.
        started: when the run began, None before.
        ended: when its end was seen, None before.
    """

    number: int
    name: str
    key: str
    source: str
    what: str
    report: str
    received: float
    delivered: float
    deliveries: int
    state: TriggerState
    reason: str
    why: str
    pipeline: str
    run_name: str
    run_id: str
    link: str
    started: float | None
    ended: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Starts:
    """When a trigger's runs began, in seconds since 1970.

    Attributes:
        last: None for never.
        last_good: of a run that has not failed.
        since: how many began since a moment.
    """

    last: float | None
    last_good: float | None
    since: int


class TriggerStore:
    """One connection; any thread may call it, one at a time does. See `open_store`."""

    def __init__(self, database: Database) -> None:
        """Use `database`, in which the table is."""
        self._database, self._lock = database, threading.Lock()

    def close(self) -> None:
        """End the connection."""
        self._database.close()

    def keep(self, name: str, event: Event, now: float) -> Delivery:
        """Keep an event for a trigger; it is on the disk when this returns.

        Raises:
            StoreError: it is not, or nobody knows; the sender may send it again.
        """
        with self._lock, self._database.transaction():
            rows = self._database.execute(SEEN, name=name, key=event.key)
            if not rows:
                self._add(name, event, now, TriggerState.ACCEPTED, None, "")
                return Delivery.NEW
            ((number, state),) = rows
            holds = event.repeats and may_follow(TriggerState(state), TriggerState.ACCEPTED)
            following = TriggerState.ACCEPTED.value if holds else state
            self._database.execute(AGAIN, number=number, now=now, state=following)
            return Delivery.HOLDS if holds else Delivery.REPEATED

    def keep_refused(self, name: str, event: Event, now: float, reason: Reason, why: str) -> None:
        """Keep something that starts nothing, unless it is there.

        Raises:
            StoreError: it is not kept.
        """
        with self._lock, self._database.transaction():
            if not self._database.execute(SEEN, name=name, key=event.key):
                self._add(name, event, now, TriggerState.REFUSED, reason, why)

    def _add(
        self,
        name: str,
        event: Event,
        now: float,
        state: TriggerState,
        reason: Reason | None,
        why: str,
    ) -> None:
        self._database.execute(
            ADD,
            name=name,
            key=event.key,
            source=event.source.value,
            what=event.what,
            report=str(event.facts.get("report", "")),
            now=now,
            state=state.value,
            reason=reason.value if reason else "",
            why=why,
        )

    def move(self, one: Triggered, following: TriggerState, **changes: Value) -> bool:
        """Let a trigger go on from the state that it was seen in, and change columns with it.

        Returns:
            Whether it was still in that state; nothing is changed where it was not.

        Raises:
            ValueError: the one state may not follow the other.
            StoreError: nothing is changed, or nobody knows.
        """
        if following is not one.state and not may_follow(one.state, following):
            raise ValueError(f"{following} may not follow {one.state}")
        columns = {**changes, "state": following.value}
        settings = ", ".join(f"{name} = :{name}" for name in columns)
        statement = (
            f"UPDATE triggered SET {settings} "  # noqa: S608  # Names of columns, from our code.
            "WHERE number = :number AND state = :seen RETURNING number"
        )
        with self._lock, self._database.transaction():
            rows = self._database.execute(
                statement, number=one.number, seen=one.state.value, **columns
            )
        return bool(rows)

    def open(self) -> list[Triggered]:
        """Return what waits to be decided on or started, the oldest first."""
        return self._in(OPEN)

    def under_way(self) -> list[Triggered]:
        """Return what is to start, or runs, the oldest first."""
        return self._in(UNDER_WAY)

    def _in(self, states: Sequence[TriggerState]) -> list[Triggered]:
        names = ", ".join(f"'{state.value}'" for state in states)
        return self._rows(IN_STATES.format(names))

    def newest(self, count: int) -> list[Triggered]:
        """Return the newest triggers, the newest last."""
        return self._rows(NEWEST, count=count)[::-1]

    def _rows(self, query: str, **values: Value) -> list[Triggered]:
        with self._lock:
            return [_triggered(row) for row in self._database.execute(query, **values)]

    def starts(self, name: str, since: float) -> Starts:
        """Return when the runs of a trigger began."""
        with self._lock:
            ((last, good, count),) = self._database.execute(STARTS, name=name, since=since)
        return Starts(last=last, last_good=good, since=int(count or 0))

    def state(self, name: str, key: str) -> TriggerState | None:
        """Return where an event for a trigger is, None where it is not kept."""
        with self._lock:
            rows = self._database.execute(SEEN, name=name, key=key)
        return TriggerState(rows[0][1]) if rows else None

    def forget(self, before: float) -> None:
        """Remove what is over and was last delivered before a moment, but each newest run."""
        with self._lock, self._database.transaction():
            self._database.execute(FORGET, before=before)


def _triggered(row: Sequence[Any]) -> Triggered:
    number, name, key, source, what, report, received, delivered, deliveries, state, *rest = row
    reason, why, pipeline, run_name, run_id, link, started, ended = rest
    return Triggered(
        number=number,
        name=name,
        key=key,
        source=source,
        what=what,
        report=report,
        received=received,
        delivered=delivered,
        deliveries=deliveries,
        state=TriggerState(state),
        reason=reason,
        why=why,
        pipeline=pipeline,
        run_name=run_name,
        run_id=run_id,
        link=link,
        started=started,
        ended=ended,
    )


def open_store(location: str) -> TriggerStore:
    """Open a store for writing; it is made where there is none.

    Args:
        location: path of a SQLite file, which one server writes, or a connection URI
            postgresql://user@host/database, which any number of them may write. The password is
            taken from PGPASSWORD, or from the file that PGPASSFILE names.

    Raises:
        NewerFormatError: a newer program made the store.
        ParameterError: the location is wrong, or is no store of triggers.
        StoreError: it cannot be written now.
    """
    return _opened(location, write=True)


def open_reader(location: str) -> TriggerStore:
    """Open a store, which a server has made, for reading alone.

    Raises:
        NewerFormatError: a newer program made the store.
        ParameterError: the location is wrong, or nothing is there.
        StoreError: it cannot be read now.
    """
    if not is_postgresql(location) and not Path(location).is_file():
        raise ParameterError(
            f"store {location}: there is no such file; kanaria trigger serve makes it, --store "
            "names another"
        )
    return _opened(location, write=False)


def _opened(location: str, *, write: bool) -> TriggerStore:
    database = open_database(location, write=write)
    try:
        if write:
            _make(database)
        _check(database)
    except (ParameterError, NewerFormatError) as error:
        database.close()
        raise type(error)(f"store {location}: {error}") from error
    return TriggerStore(database)


def is_postgresql(location: str) -> bool:
    """Tell whether a location is a database's, and not a file's."""
    return bool(SCHEME.match(location))


def open_database(location: str, *, write: bool) -> Database:
    """Return a connection of its own to where a store is, whatever lies there.

    Raises:
        ParameterError: the location is wrong.
        StoreError: it does not answer.
    """
    if not is_postgresql(location):
        return SqliteDatabase(Path(location), write=write)
    # Its driver takes half a second to import, which a file needs not.
    from kanaria.serving.databases.postgresql import PostgresqlDatabase

    return PostgresqlDatabase(read_address(location), write=write, schema_name=SCHEMA_NAME)


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
