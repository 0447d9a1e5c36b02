"""Tells what happens in rollouts as Kubernetes Events on what owns them.

An Event has a name that follows from what happened, so it is there once however many controllers
tell of it, and however often one is started anew. What happens again makes a series of it: its
count and its last time, and no further object. Source: Kubernetes API reference, "Event
v1 events.k8s.io"; which entry of the record was counted last stands in an annotation.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from kanaria.components.shared.errors import ConflictError, KanariaError
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import EVENT_SERIES
from kanaria.serving.rollout.control.config_map_store import owner
from kanaria.serving.rollout.control.event_outcome import EventOutcome
from kanaria.serving.rollout.control.rollout_events import RolloutEvent, events_between
from kanaria.serving.rollout.control.rollout_store import Stored
from kanaria.serving.rollout.control.stored_rollout import Rollout

LOGGER = logging.getLogger(__name__)
CONTROLLER = "kanaria-rollout"
ENTRY = "kanaria.io/rollout-entry"
LONGEST_INSTANCE = 128
"""Characters that Kubernetes takes of who reports."""
HEARTBEAT_SECONDS = 300.0
"""Each write of an Event is one of etcd's: that nothing changes is told less often than seen."""
OutcomeListener = Callable[[EventOutcome], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Beat:
    """Of a series: when it was last written, on a clock in seconds, and what is to be counted."""

    when: float
    waiting: int = 0


class EventListener:
    """Hears of rollouts, from several threads, and makes Events."""

    def __init__(
        self,
        cluster: KubernetesClient,
        note_outcome: OutcomeListener = lambda _: None,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        """Make Events.

        Args:
            cluster: to make them in.
            note_outcome: is told what became of each.
            heartbeat_seconds: between two writes that nothing changes.
        """
        # Each is asked for once: a rollout must not wait for what only tells of it.
        self._cluster, self._note_outcome = cluster.hasty(), note_outcome
        self._last: dict[str, Rollout] = {}
        self._owners: dict[str, dict[str, Any]] = {}
        self._beats: dict[str, _Beat] = {}
        self._heartbeat = heartbeat_seconds
        self._failure = ""
        self._lock = threading.Lock()

    def __call__(self, stored: Stored) -> None:
        """Hear of a rollout; an Event that cannot be made is logged and holds nothing up."""
        rollout = stored.rollout
        service = rollout.target.service
        with self._lock:
            before = self._last.get(service)
            self._last[service] = rollout
            if before is None or before.number != rollout.number:
                self._owners.pop(service, None)  # It may be another object of the same name.
                old = f"{service}-rollout-"
                self._beats = {n: b for n, b in self._beats.items() if not n.startswith(old)}
        for one in events_between(before, rollout):
            if times := self._due(one):
                self._tell(rollout, one, times)

    def _due(self, one: RolloutEvent) -> int:
        """Return how often it is to be counted now, 0 where that can wait."""
        now = time.monotonic()
        with self._lock:
            beat = self._beats.get(one.name)
            if one.is_steady and beat and now - beat.when < self._heartbeat:
                self._beats[one.name] = replace(beat, waiting=beat.waiting + 1)
                return 0
            self._beats[one.name] = _Beat(when=now)
        return 1 + (beat.waiting if beat else 0)

    def _tell(self, rollout: Rollout, one: RolloutEvent, times: int) -> None:
        failure = ""
        try:
            outcome = self._make(rollout, one, times)
        except KanariaError as error:
            outcome, failure = EventOutcome.FAILED, str(error)
        self._note_outcome(outcome)
        with self._lock:
            is_news, self._failure = failure != self._failure, failure
        if is_news:  # Else each look would say it once more.
            LOGGER.warning("%s: %s", rollout.title, _line(failure))

    def _make(self, rollout: Rollout, one: RolloutEvent, times: int) -> EventOutcome:
        namespace, now = rollout.target.namespace, datetime.now(UTC)
        manifest = _manifest(namespace, one, self._owner(rollout), now)
        try:
            self._cluster.create(EVENT_SERIES, namespace, manifest)
        except ConflictError:
            return self._repeat(namespace, one, times, now)
        return EventOutcome.WRITTEN

    def _repeat(self, namespace: str, one: RolloutEvent, times: int, now: datetime) -> EventOutcome:
        """Count an Event that is there again, unless it was counted of this entry already."""
        event = self._cluster.unchanged(EVENT_SERIES, namespace, one.name)
        if event is None or one.entry <= _entry(event):
            return EventOutcome.DUPLICATE
        count = (event.get("series") or {}).get("count", 1) + times
        patch = {
            "metadata": {"annotations": {ENTRY: str(one.entry)}},
            "series": {"count": count, "lastObservedTime": _moment(now)},
        }
        version = event["metadata"]["resourceVersion"]
        try:
            self._cluster.merge_patch(EVENT_SERIES, namespace, one.name, patch, version)
        except ConflictError:
            return EventOutcome.DUPLICATE  # Another controller has counted it in between.
        return EventOutcome.REPEATED

    def _owner(self, rollout: Rollout) -> dict[str, Any]:
        service = rollout.target.service
        with self._lock:
            about = self._owners.get(service)
        if about is None:
            about = owner(self._cluster, rollout.target.namespace, service)
            with self._lock:
                self._owners[service] = about
        return about


def _line(failure: str) -> str:
    return f"no Event: {failure}" if failure else "Events are made again"


def _entry(event: dict[str, Any]) -> int:
    text = (event["metadata"].get("annotations") or {}).get(ENTRY, "")
    return int(text) if text.isdecimal() else 0


def _moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _manifest(
    namespace: str, one: RolloutEvent, about: dict[str, Any], now: datetime
) -> dict[str, Any]:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": one.name,
            "namespace": namespace,
            "annotations": {ENTRY: str(one.entry)},
        },
        "regarding": {**about, "namespace": namespace},
        "reason": one.reason,
        "action": one.reason,
        "note": one.message,
        "type": "Warning" if one.is_warning else "Normal",
        "eventTime": _moment(now),
        "reportingController": CONTROLLER,
        "reportingInstance": f"{socket.gethostname()}-{os.getpid()}"[-LONGEST_INSTANCE:],
    }
