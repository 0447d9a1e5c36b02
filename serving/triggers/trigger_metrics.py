"""What the trigger server counts of itself, in Prometheus' text format."""

import time
from collections import Counter as Tally
from collections.abc import Sequence

from prometheus_client import Counter, Gauge, generate_latest

from kanaria.components.shared.errors import KanariaError
from kanaria.serving.server_registry import server_registry
from kanaria.serving.triggers.decision import Reason, day_begin
from kanaria.serving.triggers.events.event import Source
from kanaria.serving.triggers.trigger_file import Trigger
from kanaria.serving.triggers.trigger_states import TriggerState
from kanaria.serving.triggers.trigger_store import TriggerStore

REPEATED, UNAUTHORIZED = "repeated", "unauthorized"
"""Why something is refused of which no row is kept."""


class TriggerMetrics:
    """All metrics; any thread may count."""

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        """Begin at 0, for these triggers."""
        self._triggers, self._registry = triggers, server_registry("trigger")
        self._received = Counter(
            "kanaria_trigger_received",
            "Messages that were taken in, by the way they came.",
            ("source",),
            registry=self._registry,
        )
        self._started = Counter(
            "kanaria_trigger_started",
            "Runs that this process started.",
            ("trigger", "pipeline"),
            registry=self._registry,
        )
        self._refused = Counter(
            "kanaria_trigger_refused",
            "Events that start no run, by why; the trigger is empty where none was meant.",
            ("trigger", "reason"),
            registry=self._registry,
        )
        self._failed = Counter(
            "kanaria_trigger_failed",
            "Tries to decide on a trigger or to start its run that failed, and are made again.",
            ("trigger", "reason"),
            registry=self._registry,
        )
        self._add_gauges()
        for source in Source:
            self._received.labels(source.value)
        for trigger in triggers:
            self._started.labels(trigger.name, trigger.start.pipeline)
            for reason in (*(one.value for one in Reason), REPEATED):
                self._refused.labels(trigger.name, reason)

    def _add_gauges(self) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"kanaria_trigger_{name}", text, labels, registry=self._registry)

        self._waiting = gauge("waiting", "Events whose run has not begun yet.", "trigger")
        self._active = gauge("runs_active", "Runs that it started and that go on.", "pipeline")
        self._budget = gauge("budget_remaining", "Runs that may begin today yet.", "trigger")
        self._last = gauge("last_started_timestamp_seconds", "When a run last began.", "trigger")
        self._ready = gauge("store_ready", "1 while the store could be read when last tried.")

    def count_received(self, source: Source) -> None:
        """Count a message that was taken in."""
        self._received.labels(source.value).inc()

    def count_started(self, trigger: Trigger) -> None:
        """Count a run."""
        self._started.labels(trigger.name, trigger.start.pipeline).inc()

    def count_refused(self, trigger: str, reason: str) -> None:
        """Count an event that starts no run.

        Args:
            trigger: its name, "" for an event that is for none.
            reason: the kind of the refusal, as `Reason` has it.
        """
        self._refused.labels(trigger, reason).inc()

    def count_failed(self, trigger: str, error: KanariaError) -> None:
        """Count a try that failed."""
        self._failed.labels(trigger, type(error).__name__).inc()

    def show(self, store: TriggerStore) -> None:
        """Take from the store what its gauges show.

        Raises:
            StoreError: it cannot be read; `text` tells so.
        """
        self._ready.set(0)
        rows = [
            *store.open(),
            *(one for one in store.under_way() if one.state is TriggerState.RUNNING),
        ]
        waiting = Tally(one.name for one in rows if one.state is not TriggerState.RUNNING)
        active = Tally(one.pipeline for one in rows if one.state is TriggerState.RUNNING)
        for trigger in self._triggers:
            self._show_trigger(trigger, store, waiting, active)
        self._ready.set(1)

    def _show_trigger(
        self, trigger: Trigger, store: TriggerStore, waiting: Tally[str], active: Tally[str]
    ) -> None:
        name, pipeline = trigger.name, trigger.start.pipeline
        starts = store.starts(name, day_begin(time.time(), trigger.zone))
        self._waiting.labels(name).set(waiting[name])
        self._active.labels(pipeline).set(active[pipeline])
        if trigger.runs_a_day:
            self._budget.labels(name).set(max(0, trigger.runs_a_day - starts.since))
        if starts.last is not None:
            self._last.labels(name).set(starts.last)

    def text(self) -> bytes:
        """Return all metrics."""
        return generate_latest(self._registry)
