"""Keeps the events of one delivery for the triggers that they are for."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from kanaria.serving.triggers.decision import Reason
from kanaria.serving.triggers.events.event import Event, Source
from kanaria.serving.triggers.matching import matched
from kanaria.serving.triggers.trigger_file import Trigger
from kanaria.serving.triggers.trigger_metrics import REPEATED, TriggerMetrics
from kanaria.serving.triggers.trigger_records import Delivery
from kanaria.serving.triggers.trigger_store import TriggerStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """An event that is in the store for a trigger, and what its delivery was."""

    trigger: str
    key: str
    delivery: Delivery


class Intake:
    """Takes events in; any thread may call it."""

    def __init__(
        self,
        triggers: Sequence[Trigger],
        store: TriggerStore,
        metrics: TriggerMetrics,
        wake: Callable[[], None],
        drift_server: str = "",
    ) -> None:
        """Keep events for `triggers`.

        Args:
            triggers: of the file.
            store: where they are kept.
            metrics: counts.
            wake: called where something is to be decided.
            drift_server: whose report events of drift lead to, "" for none.
        """
        self._triggers, self._store, self._drift_server = triggers, store, drift_server
        self._metrics, self._wake = metrics, wake

    @property
    def names(self) -> frozenset[str]:
        """Names of the triggers."""
        return frozenset(trigger.name for trigger in self._triggers)

    def take(self, source: Source, events: Sequence[Event]) -> list[Taken]:
        """Keep the events of one delivery; they are on the disk when this returns.

        Args:
            source: the way by which the delivery came.
            events: what it holds, in its order; none is fine.

        Raises:
            StoreError: some are not, or nobody knows; the sender may send all of it again.
        """
        self._metrics.count_received(source)
        pairs = matched(self._triggers, [self._with_report(event) for event in events])
        taken = [
            Taken(
                trigger=trigger.name,
                key=event.key,
                delivery=self._store.keep(trigger.name, event, time.time()),
            )
            for trigger, event in pairs
        ]
        for (trigger, event), one in zip(pairs, taken, strict=True):
            about = _about(trigger, event)
            logger.info("%s: %s (%s)", trigger.name, event.what, one.delivery.value, extra=about)
            if one.delivery is Delivery.REPEATED:
                self._metrics.count_refused(trigger.name, REPEATED)
        if not pairs and events:
            self._metrics.count_refused("", Reason.NO_TRIGGER)
        if any(one.delivery is not Delivery.REPEATED for one in taken):
            self._wake()
        return taken

    def _with_report(self, event: Event) -> Event:
        """Return an event of drift with the address of its report, unless it names one."""
        report = event.facts.get("report") or report_of(self._drift_server, event)
        return replace(event, facts={**event.facts, "report": report})

    def take_malformed(self, event: Event, why: str) -> list[Taken]:
        """Keep, for each trigger that it is for, that something came which could not be read.

        Args:
            event: what can be said of it.
            why: one line, in words.

        Raises:
            StoreError: it is not kept.
        """
        self._metrics.count_received(event.source)
        pairs = matched(self._triggers, [event])
        for trigger, _ in pairs:
            self._store.keep_refused(trigger.name, event, time.time(), Reason.MALFORMED, why)
            self._metrics.count_refused(trigger.name, Reason.MALFORMED)
            logger.error("%s: %s: %s", trigger.name, event.what, why, extra=_about(trigger, event))
        return [Taken(trigger=t.name, key=event.key, delivery=Delivery.NEW) for t, _ in pairs]


def _about(trigger: Trigger, event: Event) -> dict[str, str]:
    """Return the fields of a log line on an event: its trigger, and the service it is about."""
    facts = event.facts.get("labels", event.facts)
    served = {name: str(facts[name]) for name in ("namespace", "service") if facts.get(name)}
    return {"trigger": trigger.name, "pipeline": trigger.start.pipeline, **served}


def report_of(drift_server: str, event: Event) -> str:
    """Return the address of the drift report that an event is about, "" where it is about none.

    Args:
        drift_server: URL by which people reach the drift server, "" for none.
        event: of any kind.
    """
    facts = event.facts.get("labels", event.facts)
    names = {name: facts.get(name, "") for name in ("namespace", "service", "version")}
    if not drift_server or not (names["namespace"] and names["service"]):
        return ""
    query = {**names, "end": event.facts.get("time", "")}
    window = urlencode({name: value for name, value in query.items() if value})
    return f"{drift_server.rstrip('/')}/report?{window}"
