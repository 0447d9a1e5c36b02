"""Removes from a store what is too old, and what is too much; see `retention` for whose.

Called within the store's transaction, a little each second, so that no commit takes long.
"""

import logging
import math
from collections import Counter
from collections.abc import Mapping
from itertools import accumulate, takewhile

from kanaria.components.shared.errors import shown
from kanaria.serving.databases.database import Database
from kanaria.serving.payload_log import sql_schema
from kanaria.serving.payload_log.retention import (
    LABELS,
    Loss,
    Retention,
    Room,
    Service,
    events_loss,
    labels_loss,
)

logger = logging.getLogger(__name__)
AGED = """
SELECT number, time, received, namespace, service FROM exchanges ORDER BY number LIMIT :count"""
OLDEST_OF = """
SELECT number, time, (
  SELECT sum(length(body)) FROM bodies WHERE place IN (2 * number, 2 * number + 1))
FROM exchanges WHERE (namespace, service) = (:namespace, :service) ORDER BY number LIMIT :count"""
FORGET_BODIES = """
DELETE FROM bodies WHERE place IN (
  SELECT 2 * number FROM exchanges
  WHERE (namespace, service) = (:namespace, :service) AND number <= :last
  UNION ALL SELECT 2 * number + 1 FROM exchanges
  WHERE (namespace, service) = (:namespace, :service) AND number <= :last)"""
FORGET = """
DELETE FROM exchanges
WHERE (namespace, service) = (:namespace, :service) AND number <= :last"""
# A verdict goes with the last of the exchanges that it was made from.
FORGET_VERDICTS = """
DELETE FROM verdicts
WHERE (namespace, service) = (:namespace, :service) AND last <= :horizon"""
MOVE_HORIZON = """
UPDATE kept SET horizon = :horizon
WHERE (namespace, service) = (:namespace, :service) AND horizon < :horizon"""
OLDEST_LABELS = "SELECT request_id, value FROM labels ORDER BY received LIMIT :count"
FORGET_LABELS = """
DELETE FROM labels WHERE (request_id, row) IN
  (SELECT request_id, row FROM labels ORDER BY received LIMIT :count)"""
OLD_LABELS = """
DELETE FROM labels WHERE (request_id, row) IN
  (SELECT request_id, row FROM labels WHERE received < :before LIMIT :count)"""
FORGET_SERVICES = """
DELETE FROM kept WHERE bytes <= 0 AND horizon < :before AND namespace <> ''"""
WARN_SECONDS = 60.0


class Forgetter:
    """Of one store; under its lock."""

    def __init__(self, database: Database, retention: Retention) -> None:
        """Keep the store in `database` within the `retention`."""
        self._database, self._retention = database, retention
        self._dropped, self._warned = Counter[Service](), -math.inf

    @property
    def dropped(self) -> Mapping[Service, int]:
        """How many exchanges of each service, and labels, went for want of room."""
        return dict(self._dropped)

    def rooms(self) -> dict[Service, Room]:
        """Return what each service has."""
        rows = self._database.execute("SELECT namespace, service, bytes, horizon FROM kept")
        return {(n, s): Room(bytes=int(size), horizon=horizon) for n, s, size, horizon in rows}

    def forget(self, now: float, count: int) -> None:
        """Remove up to `count` of what is too old, and of what is too much; write, in any case.

        Args:
            now: seconds since 1970.
            count: exchanges, and labels.
        """
        limit, most = now - self._retention.seconds, self._retention.megabytes << 20
        self._forget_aged(limit, count)
        self._database.execute(OLD_LABELS, before=limit, count=count)
        self._database.execute(FORGET_SERVICES, before=limit)
        # Tells whether the store can be written, though nothing arrives.
        self._database.execute("UPDATE store SET version = version")
        rooms, dropped = self.rooms(), Counter[Service]()
        if loss := labels_loss(rooms, most):
            dropped[LABELS] = self._drop_labels(loss, count)
        beyond = int(self._database.used_megabytes() * 2**20) - most
        if loss := events_loss(rooms, self._retention.watched, most, beyond):
            dropped[loss.service] = self._drop_events(loss, count)
        self._dropped += dropped
        self._warn(now, dropped)

    def _forget_aged(self, limit: float, count: int) -> None:
        first = self._database.execute(AGED, count=1)
        is_due = bool(first) and first[0][2] < limit
        rows = self._database.execute(AGED, count=count) if is_due else []
        newest = dict[Service, tuple[int, float]]()
        for number, time, _, *service in takewhile(lambda row: row[2] < limit, rows):
            key = (service[0], service[1])
            newest[key] = (number, max(time, newest.get(key, (0, time))[1]))
        for key, (last, horizon) in newest.items():
            self._forget(key, last, horizon)

    def _drop_events(self, loss: Loss, count: int) -> int:
        """Remove a service's oldest until enough has gone; return how many exchanges went."""
        rows = self._database.execute(OLDEST_OF, **_service(loss.service), count=count)
        sizes = accumulate((size + sql_schema.BESIDE_BODY for _, _, size in rows), initial=0)
        going = [row for row, before in zip(rows, sizes, strict=False) if before < loss.bytes]
        if going:
            self._forget(loss.service, going[-1][0], max(time for _, time, _ in going))
        return len(going)

    def _drop_labels(self, loss: Loss, count: int) -> int:
        rows = self._database.execute(OLDEST_LABELS, count=count)
        sizes = accumulate((2 * len(id_) + len(value) for id_, value in rows), initial=0)
        going = sum(before < loss.bytes for _, before in zip(rows, sizes, strict=False))
        self._database.execute(FORGET_LABELS, count=going)
        return going

    def _forget(self, service: Service, last: int, horizon: float) -> None:
        """Remove a service's exchanges up to one, of which the newest was at `horizon`."""
        names = _service(service)
        self._database.execute(FORGET_BODIES, **names, last=last)
        self._database.execute(FORGET, **names, last=last)
        self._database.execute(FORGET_VERDICTS, **names, horizon=horizon)
        self._database.execute(MOVE_HORIZON, **names, horizon=horizon)

    def _warn(self, now: float, dropped: Mapping[Service, int]) -> None:
        """Say what is dropped, once a minute."""
        losses = [("/".join(one) if any(one) else "labels", n) for one, n in dropped.items() if n]
        if losses and now - self._warned >= WARN_SECONDS:
            self._warned = now
            listed = ", ".join(f"{count} of {shown(name)}" for name, count in losses)
            size = f"--keep-megabytes {self._retention.megabytes}"
            logger.warning("the store is full (%s): the oldest go, now %s", size, listed)


def _service(service: Service) -> dict[str, str]:
    return dict(zip(("namespace", "service"), service, strict=True))
