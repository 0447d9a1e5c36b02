"""What became of each event, in SQLite or PostgreSQL; the only module that reads and writes it.

An event that fits a trigger is one row, however often it is delivered: its key is unique. A state
changes only from the one that its writer saw, so that two servers on one PostgreSQL never move a
trigger twice. A commit is on the disk when it returns.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.databases.database import Database, Value
from kanaria.serving.triggers.decision import Reason
from kanaria.serving.triggers.events.event import Event
from kanaria.serving.triggers.trigger_database import checked_database, is_postgresql
from kanaria.serving.triggers.trigger_records import Delivery, Starts, Triggered
from kanaria.serving.triggers.trigger_states import OPEN, UNDER_WAY, TriggerState, may_follow

COLUMNS = (
    "number, name, event_key, source, what, report, received, delivered, deliveries, state, reason,"
    " why, pipeline, run_name, run_id, link, started, ended"
)
ADD = """
INSERT INTO triggered (name, event_key, source, what, report, received, delivered, deliveries,
  state, reason, why, pipeline, run_name, run_id, link)
VALUES (:name, :key, :source, :what, :report, :now, :now, 1, :state, :reason, :why, '', '', '', '')
"""
STATE_OF_EVENT = "SELECT number, state FROM triggered WHERE name = :name AND event_key = :key"
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

        Args:
            name: of the trigger.
            event: what was delivered.
            now: when, in seconds since 1970.

        Raises:
            StoreError: it is not, or nobody knows; the sender may send it again.
        """
        with self._lock, self._database.transaction():
            rows = self._database.execute(STATE_OF_EVENT, name=name, key=event.key)
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

        Args:
            name: of the trigger.
            event: what was delivered.
            now: when, in seconds since 1970.
            reason: the kind of the refusal.
            why: in words, one line.

        Raises:
            StoreError: it is not kept.
        """
        with self._lock, self._database.transaction():
            if not self._database.execute(STATE_OF_EVENT, name=name, key=event.key):
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

        Args:
            one: the trigger as it was read.
            following: state that it goes on to; its own only changes columns.
            changes: column -> value.

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
        """Return the newest triggers, the newest last.

        Args:
            count: 1 or more, at most so many.
        """
        return self._rows(NEWEST, count=count)[::-1]

    def _rows(self, query: str, **values: Value) -> list[Triggered]:
        with self._lock:
            return [_triggered(row) for row in self._database.execute(query, **values)]

    def starts(self, name: str, since: float) -> Starts:
        """Return when the runs of a trigger began.

        Args:
            name: of the trigger.
            since: moment from which runs are counted, in seconds since 1970.
        """
        with self._lock:
            ((last, good, count),) = self._database.execute(STARTS, name=name, since=since)
        return Starts(last=last, last_good=good, since=int(count or 0))

    def state(self, name: str, key: str) -> TriggerState | None:
        """Return where an event for a trigger is, None where it is not kept.

        Args:
            name: of the trigger.
            key: of the event.
        """
        with self._lock:
            rows = self._database.execute(STATE_OF_EVENT, name=name, key=key)
        return TriggerState(rows[0][1]) if rows else None

    def forget(self, before: float) -> None:
        """Remove what is over and was last delivered before a moment, but each newest run.

        Args:
            before: the moment, in seconds since 1970.
        """
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
    return TriggerStore(checked_database(location, write=True))


def open_reader(location: str) -> TriggerStore:
    """Open a store, which a server has made, for reading alone.

    Args:
        location: path of a SQLite file, or a connection URI of PostgreSQL.

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
    return TriggerStore(checked_database(location, write=False))
