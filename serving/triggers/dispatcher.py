"""Decides on what was accepted, starts runs, and sees how they end: one thread, one server.

Each step is written down before the next is made, so that the process may end between any two:

1. ACCEPTED, is decided on    nothing is lost: whoever comes next decides
2. STARTING, with run's name  nothing is doubled: whoever comes next looks for a run of this name
3. the run is started
4. RUNNING, with the run's id
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kanaria.components.shared import json_log
from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.one_line import one_line
from kanaria.components.shared.times import duration
from kanaria.serving.databases.database import StoreError
from kanaria.serving.triggers.decision import Decision, Limits, Past, Reason, day_begin, decide
from kanaria.serving.triggers.starter import Begun, Order, RunEnd, Starter, run_name
from kanaria.serving.triggers.trigger_file import LabelledRows, Trigger
from kanaria.serving.triggers.trigger_metrics import TriggerMetrics
from kanaria.serving.triggers.trigger_records import Triggered
from kanaria.serving.triggers.trigger_states import TriggerState
from kanaria.serving.triggers.trigger_store import TriggerStore

logger = logging.getLogger(__name__)
TURN_SECONDS = 1.0
LOOK_SECONDS = 5.0
"""Between two looks at runs that go on."""
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
"""Seconds before a start that failed is tried again: first, and at most."""
KEEP_SECONDS, TIDY_SECONDS = 90 * 86400.0, 3600.0
"""How long what is over is kept, and how often what is older is removed."""
CountLabels = Callable[[LabelledRows, float], int]


@dataclass(slots=True)
class _Wait:
    """When a trigger whose try failed is tried again."""

    seconds: float = FIRST_WAIT
    until: float = 0.0

    def again(self, now: float) -> None:
        self.until, self.seconds = now + self.seconds, min(2 * self.seconds, LONGEST_WAIT)


class Dispatcher:
    """Moves triggers on; all but `wake` is called by one thread."""

    def __init__(
        self,
        triggers: Sequence[Trigger],
        store: TriggerStore,
        starter: Starter,
        metrics: TriggerMetrics,
        count_labels: CountLabels,
    ) -> None:
        """Move on what is in `store`.

        Args:
            triggers: of the file.
            store: of the events.
            starter: starts runs.
            metrics: counts.
            count_labels: returns how many rows got a label since a moment.
        """
        self._triggers = {trigger.name: trigger for trigger in triggers}
        self._store, self._starter, self._metrics = store, starter, metrics
        self._count_labels = count_labels
        self._waits: dict[int, _Wait] = {}
        self._looked = self._tidied = 0.0
        self._awake = threading.Event()

    def wake(self) -> None:
        """Let the next turn begin at once; any thread may call it."""
        self._awake.set()

    def run(self, ended: threading.Event, leads: Callable[[], bool]) -> None:
        """Move on what comes until `ended` is set.

        Args:
            ended: set by another thread, with `wake`.
            leads: tells whether this server, of several, is to act.
        """
        while not ended.is_set():
            try:
                if leads():
                    self.turn(time.time())
            except StoreError as error:
                logger.error("nothing is started: %s", error)
            self._awake.wait(TURN_SECONDS)
            self._awake.clear()

    def turn(self, now: float) -> None:
        """Move on everything that can be, once.

        Args:
            now: in seconds since 1970.

        Raises:
            StoreError: the store cannot be used; a later turn goes on.
        """
        if now >= self._looked + LOOK_SECONDS:
            self._looked = now
            for one in self._store.under_way():
                if one.state is TriggerState.RUNNING:
                    self._take_step(one, now, self._look)
        for state, step in (
            (TriggerState.ACCEPTED, self._decide),
            (TriggerState.STARTING, self._start),
        ):
            for one in self._store.open():
                if one.state is state and self._waits.get(one.number, _Wait()).until <= now:
                    self._take_step(one, now, step)
        if now >= self._tidied + TIDY_SECONDS:
            self._tidied = now
            self._store.forget(now - KEEP_SECONDS)

    def _take_step(
        self, one: Triggered, now: float, step: Callable[[Triggered, float], None]
    ) -> None:
        """Take a step; whatever it logs tells of which trigger."""
        about = {"trigger": one.name, "pipeline": one.pipeline, "run_id": one.run_id}
        with json_log.fields(**{name: value for name, value in about.items() if value}):
            self._tried(one, now, step)

    def _tried(self, one: Triggered, now: float, step: Callable[[Triggered, float], None]) -> None:
        """Take a step; one that fails is taken again later, and why is kept."""
        try:
            step(one, now)
            self._waits.pop(one.number, None)
        except StoreError:
            raise
        except KanariaError as error:
            self._metrics.count_failed(one.name, error)
            wait = self._waits.setdefault(one.number, _Wait())
            wait.again(now)
            self._store.move(one, one.state, why=one_line(error))
            later = duration(wait.until - now)
            logger.warning("%s: %s; tried again in %s", one.name, one_line(error), later)

    def _decide(self, one: Triggered, now: float) -> None:
        trigger = self._triggers.get(one.name)
        decision = self._decision(trigger, now) if trigger else _NO_TRIGGER
        if trigger is None or decision.reason:
            reason = decision.reason or Reason.NO_TRIGGER
            if self._store.move(one, TriggerState.REFUSED, reason=reason.value, why=decision.why):
                self._metrics.count_refused(one.name, reason)
                logger.info("%s: refused, %s: %s", one.name, reason.value, decision.why)
            return
        name = run_name(one.name, one.key)
        pipeline = trigger.start.pipeline
        changes = {"pipeline": pipeline, "run_name": name, "reason": "", "why": ""}
        self._store.move(one, TriggerState.STARTING, **changes)

    def _decision(self, trigger: Trigger, now: float) -> Decision:
        starts = self._store.starts(trigger.name, day_begin(now, trigger.zone))
        limits = limits_of(trigger)
        past = Past(
            under_way=self._under_way(trigger),
            last_start=starts.last,
            runs_today=starts.since,
        )
        early = decide(limits, past, now)
        # The drift server is asked only where all else says that a run begins.
        if trigger.labelled_rows is None or early.reason is not Reason.TOO_FEW_ROWS:
            return early
        rows = self._count_labels(trigger.labelled_rows, starts.last_good or 0.0)
        return decide(limits, replace(past, labelled_rows=rows), now)

    def _under_way(self, trigger: Trigger) -> str:
        own = [r for r in self._store.under_way() if r.pipeline == trigger.start.pipeline]
        return own[0].run_name if own else self._starter.under_way(trigger.start)

    def _start(self, one: Triggered, now: float) -> None:
        trigger = self._triggers.get(one.name)
        if trigger is None:
            gone = "its trigger is no longer in the file"
            self._store.move(one, TriggerState.FAILED, why=gone, ended=now)
            return
        order = Order(run_name=one.run_name, start=trigger.start, cause=cause_of(one))
        begun = self._starter.find(order) or self._starter.start(order)
        self._record(one, trigger, begun, now)

    def _record(self, one: Triggered, trigger: Trigger, begun: Begun, now: float) -> None:
        place = {"run_id": begun.run_id, "link": begun.link}
        if self._store.move(one, TriggerState.RUNNING, started=now, why="", **place):
            self._metrics.count_started(trigger)
            started = {"run_id": begun.run_id}
            logger.info("%s: started %s: %s", one.name, one.run_name, begun.link, extra=started)

    def _look(self, one: Triggered, now: float) -> None:
        end = self._starter.ended(one.run_id)
        if end is None:
            return
        following = TriggerState.SUCCEEDED if end[0] is RunEnd.SUCCEEDED else TriggerState.FAILED
        if self._store.move(one, following, why=end[1], ended=now):
            why = f": {end[1]}" if end[1] else ""
            logger.info("%s: %s %s%s", one.name, one.run_name, following.value, why)


def limits_of(trigger: Trigger) -> Limits:
    """Return what holds a trigger back."""
    quiet, wanted = trigger.quiet_hours, trigger.labelled_rows
    return Limits(
        cool_down=trigger.cool_down,
        runs_a_day=trigger.runs_a_day,
        quiet=(quiet.begin, quiet.end) if quiet else None,
        zone=trigger.zone,
        labelled_rows=wanted.at_least if wanted else 0,
    )


def cause_of(one: Triggered) -> dict[str, str]:
    """Return what a run is told of what started it, for its parameter `trigger`."""
    facts = {"name": one.name, "event": one.key, "what": one.what, "report": one.report}
    return {name: value for name, value in facts.items() if value}


_NO_TRIGGER = Decision(reason=Reason.NO_TRIGGER, why="its trigger is no longer in the file")
