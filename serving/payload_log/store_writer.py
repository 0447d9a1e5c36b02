"""Exchanges, labels and verdicts in a database; the only module that writes it.

An exchange is one row whatever arrives first, and every write is a merge that gives the same row
in any order and any number of times: a half that is there stays, the later label counts. So a
sender that got no answer may send again, and nothing depends on when a process ended, nor on
which of several processes an event was sent to.

A commit is on the disk when it returns. What is oldest goes when it is too old or the store too
large (`retention` says whose); then that service's events before that moment are refused, since
they could be repetitions of what is gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock

from kanaria.serving.databases.database import Database, Merge, Row, StoreError
from kanaria.serving.payload_log import byte_counters, sql_schema
from kanaria.serving.payload_log.delete_oldest import Forgetter
from kanaria.serving.payload_log.exchanges import Outcome, Verdict
from kanaria.serving.payload_log.retention import Retention, Room, Service, crowded
from kanaria.serving.payload_log.write_groups import (
    Admission,
    Counted,
    Group,
    Half,
    Item,
    LabelKey,
    gather,
    outcomes,
    written,
)
from kanaria.serving.protocol.payload_cloud_event import Kind

ADD_SERVICE = """
INSERT INTO kept (namespace, service, horizon, bytes) VALUES (:namespace, :service, 0, 0)
ON CONFLICT DO NOTHING"""
PLACE = """
SELECT number FROM places
WHERE (reader, namespace, service, version) = (:reader, :namespace, :service, :version)"""
MOVE = """
INSERT INTO places (reader, namespace, service, version, number)
VALUES (:reader, :namespace, :service, :version, :number)
ON CONFLICT (reader, namespace, service, version) DO UPDATE SET number = excluded.number"""
MEMORY = """
SELECT memory FROM memories
WHERE (reader, namespace, service, version) = (:reader, :namespace, :service, :version)"""
REMEMBER = """
INSERT INTO memories (reader, namespace, service, version, memory)
VALUES (:reader, :namespace, :service, :version, :memory)
ON CONFLICT (reader, namespace, service, version) DO UPDATE SET memory = excluded.memory"""
ADD_VERDICT = """
INSERT INTO verdicts
  (namespace, service, version, detector, first, last, rows, drifted, document)
VALUES (:namespace, :service, :version, :detector, :first, :last, :rows, :drifted, :document)"""
BODIES_MERGE = Merge(
    table="bodies",
    columns={"place": "bigint", "rows": "bigint", "body": "bytea"},
    rest="ON CONFLICT (place) DO NOTHING RETURNING place",
)
LABELS_MERGE = Merge(
    table="labels",
    columns={
        "request_id": "text",
        "row": "bigint",
        "value": "text",
        "time": "double precision",
        "received": "double precision",
    },
    rest="""
ON CONFLICT (request_id, row) DO UPDATE SET value = excluded.value, time = excluded.time
WHERE (excluded.time, excluded.value) > (labels.time, labels.value)
RETURNING request_id, row""",
)
REMOVED_FOR_EACH = 4
"""Exchanges that may go for each item that comes: the store shrinks, and a commit stays short."""
TIDY_SECONDS = 1.0


class Store:
    """Writes a store, from any thread; reading is `reading.Reader`. See `opening.open_store`."""

    def __init__(self, database: Database, retention: Retention) -> None:
        """Write to `database`, in which the tables are made where there are none.

        Tables of an older version are changed to this one's, all or none.

        Raises:
            NewerFormatError: a newer program made the tables.
            ParameterError: it is no store, or one too old to be read on.
            StoreError: it cannot be written now.
        """
        self._database, self._retention, self._lock = database, retention, Lock()
        self._exchanges = _merge_exchanges(database)
        self._forgetter = Forgetter(database, retention)
        self._since, self._tidied = 0, 0.0
        self._rooms: Mapping[Service, Room] = {}
        with self._transaction():
            tables = database.tables()
            if not tables:
                database.script(sql_schema.SCHEMA.format_map(byte_counters.words(database)))
            version = int(self._value("SELECT version FROM store")) if "store" in tables else 0
            for statements in sql_schema.migrations(version) if tables else ():
                database.script(statements.format_map(byte_counters.words(database)))

    def close(self) -> None:
        """End the connection."""
        self._database.close()

    @property
    def rooms(self) -> Mapping[Service, Room]:
        """What each service had when last something was written; all labels are `LABELS`."""
        return self._rooms

    @property
    def dropped(self) -> Mapping[Service, int]:
        """How many exchanges of each service this process removed for want of room, and labels."""
        return self._forgetter.dropped

    @property
    def most_bytes(self) -> int:
        """At which size the store is held by removing the oldest."""
        return self._retention.megabytes << 20

    def checkpoint(self) -> None:
        """Do what `apply` would else wait for now and then; for a thread of its own."""
        self._database.checkpoint()

    def apply(self, items: Sequence[Item], now: float) -> list[Outcome]:
        """Keep all items in one transaction that is on the disk when this returns.

        Once a second it writes even where there is nothing to keep, so that it is known whether
        it could.

        Args:
            items: in any order, also ones that were applied before.
            now: seconds since 1970.

        Raises:
            StoreError: the store cannot be written; nothing of the items is kept.
        """
        with self._transaction():
            self._require_version()
            self._since += len(items)
            if abs(now - self._tidied) >= TIDY_SECONDS:
                self._forgetter.forget(now, REMOVED_FOR_EACH * self._since + 50)
                self._since, self._tidied = 0, now
            admission = self._admission(items, now)
            group = gather(items, admission)
            halves, labels = self._keep_halves(group, now), self._keep_labels(group, now)
            return outcomes(items, admission, group, halves, labels)

    def _admission(self, items: Sequence[Item], now: float) -> Admission:
        """Return what is taken now, and know the services that are new."""
        wanted = {service_of(item) for item in items if isinstance(item, Counted)}
        rooms = self._rooms = self._forgetter.rooms()
        none = crowded(rooms, self._retention.watched, wanted)
        for namespace, service in wanted - rooms.keys() - none:
            self._database.execute(ADD_SERVICE, namespace=namespace, service=service)
        everyone = self._value("SELECT horizon FROM store")
        return Admission(
            oldest=max(everyone, now - self._retention.seconds),
            horizons={service: one.horizon for service, one in rooms.items()},
            crowded=none,
        )

    def advance(self, reader: str, stream: Sequence[str], before: int, after: int) -> bool:
        """Move a reader's place in a stream from exchange `before` to `after`.

        Returns:
            False when the place was not `before`: another process has read on, and what was made
            of these exchanges is not to be counted.
        """
        with self._transaction():
            return self._move(reader, stream, before, after)

    def keep_verdict(
        self,
        reader: str,
        before: int,
        after: int,
        verdict: Verdict,
        memory: bytes | None = None,
    ) -> bool:
        """Move a reader's place as `advance` does, and keep what it found, all or nothing.

        Args:
            reader: that did it.
            before: its place so far, in the verdict's stream.
            after: its place from now on.
            verdict: what it found between them.
            memory: of the stream, which it wants again at the next window; None to keep the last.

        Returns:
            False when the place was not `before`: another process has judged these exchanges.
        """
        with self._transaction():
            stream = verdict.stream
            key = (stream.namespace, stream.service, stream.version)
            moved = self._move(reader, key, before, after)
            if moved:
                self._add(verdict)
                if memory is not None:
                    names = _names(key)
                    self._database.execute(REMEMBER, reader=reader, memory=memory, **names)
            return moved

    def memory(self, reader: str, stream: Sequence[str]) -> bytes | None:
        """Return what `keep_verdict` last kept of a stream for a reader, None before anything."""
        with self._lock:
            rows = self._database.execute(MEMORY, reader=reader, **_names(stream))
        return bytes(rows[0][0]) if rows else None

    def place(self, reader: str, stream: Sequence[str]) -> int:
        """Return the last exchange of a stream that a reader has done with, 0 at the start."""
        with self._lock:
            return self._place(reader, stream)

    def _place(self, reader: str, stream: Sequence[str]) -> int:
        places = self._database.execute(PLACE, reader=reader, **_names(stream))
        return int(places[0][0]) if places else 0

    def _move(self, reader: str, stream: Sequence[str], before: int, after: int) -> bool:
        self._require_version()
        if self._place(reader, stream) != before:
            return False
        self._database.execute(MOVE, reader=reader, number=after, **_names(stream))
        return True

    def _add(self, verdict: Verdict) -> None:
        stream = verdict.stream
        self._database.execute(
            ADD_VERDICT,
            **_names((stream.namespace, stream.service, stream.version)),
            detector=verdict.detector,
            first=verdict.begin,
            last=verdict.end,
            rows=verdict.rows,
            drifted=None if verdict.drifted is None else int(verdict.drifted),
            document=verdict.document,
        )

    def _keep_halves(self, group: Group, now: float) -> set[Half]:
        """Return those that were not there."""
        rows = [(*key, *facts, now) for key, facts in group.exchanges.items()]
        merged = self._database.merge(self._exchanges, rows)
        numbers = {tuple(key): number for number, *key in merged}
        places = {
            2 * numbers[key] + (kind is Kind.RESPONSE): (key, kind) for key, kind in group.halves
        }
        halves = zip(places, group.halves.values(), strict=True)
        bodies: list[Row] = [(place, half.rows, half.event.body) for place, half in halves]
        return {places[place] for (place,) in self._database.merge(BODIES_MERGE, bodies)}

    def _keep_labels(self, group: Group, now: float) -> set[LabelKey]:
        """Return those that count."""
        rows = [
            (label.request_id, label.row, written(label), label.time, now)
            for label in group.labels.values()
        ]
        return {(id_, row) for id_, row in self._database.merge(LABELS_MERGE, rows)}

    def _value(self, query: str) -> float:
        ((value,),) = self._database.execute(query)
        return float(value)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._database.transaction():
            yield

    def _require_version(self) -> None:
        """Write no more once a newer replica has changed the tables."""
        version = int(self._value("SELECT version FROM store"))
        if version > sql_schema.VERSION:
            raise StoreError(f"the store: {sql_schema.newer(version)}")


def _merge_exchanges(database: Database) -> Merge:
    texts = ("namespace", "service", "component", "id", "version", "request_id")
    larger, smaller = database.greatest, database.least
    return Merge(
        table="exchanges",
        columns=dict.fromkeys(texts, "text")
        | dict.fromkeys(("time", "received"), "double precision"),
        rest=f"""
ON CONFLICT (namespace, service, component, id) DO UPDATE SET
  version = {larger}(exchanges.version, excluded.version),
  request_id = {larger}(exchanges.request_id, excluded.request_id),
  time = {smaller}(exchanges.time, excluded.time)
RETURNING number, namespace, service, component, id""",
    )


def service_of(item: Counted) -> Service:
    """Return whose event it is."""
    return item.event.namespace, item.event.service


def _names(stream: Sequence[str]) -> dict[str, str]:
    return dict(zip(("namespace", "service", "version"), stream, strict=True))
