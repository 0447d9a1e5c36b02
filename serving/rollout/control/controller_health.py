"""How a controller is: whether its loop goes on, and what it counts, in Prometheus form.

It stands around the parts of the World and sees their calls, so the loop knows nothing of it:

store.services     a turn of the loop; once it has succeeded, the controller is ready
store.load         a look at one service begins
a raised error     counted by part and kind
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from kanaria.components.shared.errors import KanariaError
from kanaria.serving.rollout.control.attend import World
from kanaria.serving.rollout.control.rollout_store import Stored
from kanaria.serving.rollout.decision.rollout_state import Action, Phase

STUCK_SECONDS = 600.0
"""Without a turn, or a look at a service that has a rollout. Its longest calls are bounded below:
a request to the API server is given up after some four minutes."""
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """A service: when a look at it began last, and its newest rollout's phase then."""

    looked: float
    phase: Phase | None
    entries: int = -1


class ControllerHealth:
    """The facts of one controller, from all its threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is a clock in seconds."""
        self._now, self._lock = now, threading.RLock()
        self._turned, self._listed = now(), now()
        self._ready, self._cause = False, "it has not begun"
        self._seen: dict[Key, _Seen] = {}
        self._registry = CollectorRegistry()
        self._rollouts = Gauge(
            "kanaria_rollouts",
            "Services by the phase of their newest rollout.",
            ("phase",),
            registry=self._registry,
        )
        self._ages = Gauge(
            "kanaria_rollout_last_look_age_seconds",
            "Seconds since the last look at a service that has a rollout began.",
            ("namespace", "service"),
            registry=self._registry,
        )
        self._decisions = Counter(
            "kanaria_rollout_decisions",
            "Decisions that this controller recorded, by action.",
            ("action",),
            registry=self._registry,
        )
        self._errors = Counter(
            "kanaria_rollout_errors",
            "Calls that failed, by the part that was called and the kind of error.",
            ("part", "reason"),
            registry=self._registry,
        )
        for phase in Phase:
            self._rollouts.labels(phase)
        for action in Action:
            self._decisions.labels(action)

    def around(self, world: World) -> World:
        """Return the world whose calls are seen."""
        return replace(
            world,
            store=cast(Any, _Around(world.store, "store", self, self._note_call)),
            traffic=cast(Any, _Around(world.traffic, "traffic", self)),
            source=cast(Any, _Around(world.source, "source", self)),
        )

    @contextmanager
    def calling(self, part: str, name: str, arguments: tuple[Any, ...]) -> Iterator[None]:
        """See one call, which begins now."""
        if name == "load":
            with self._lock:
                before = self._seen.get(arguments, _Seen(looked=0.0, phase=None))
                self._seen[arguments] = replace(before, looked=self._now())
        try:
            yield
        except KanariaError as error:
            self._errors.labels(part, type(error).__name__).inc()
            if name == "services":
                self._turn(str(error))
            raise

    def _note_call(self, name: str, arguments: tuple[Any, ...], answer: Any) -> None:
        """Take note of what a call of the store has returned."""
        if name == "services":
            self._list(arguments[0], answer)
            self._turn("")
        elif name == "load" and answer is not None:
            self._note(answer, is_ours=False)
        elif name == "save":
            self._note(answer, is_ours=True)

    def _list(self, namespace: str, services: tuple[str, ...]) -> None:
        """Forget the services that have no rollout any more; a new one is to be looked at soon."""
        with self._lock:
            others = {key: seen for key, seen in self._seen.items() if key[0] != namespace}
            new = _Seen(looked=self._now(), phase=None)
            listed = {(namespace, service): new for service in services}
            kept = {key: self._seen.get(key, seen) for key, seen in listed.items()}
            self._seen, self._listed = others | kept, self._now()

    def _turn(self, cause: str) -> None:
        with self._lock:
            self._turned, self._ready, self._cause = self._now(), not cause, cause

    def _note(self, stored: Stored, *, is_ours: bool) -> None:
        rollout = stored.rollout
        key = (rollout.target.namespace, rollout.target.service)
        with self._lock:
            before = self._seen.get(key)
            is_new = before is not None and 0 <= before.entries < rollout.entries
            looked = before.looked if before else self._now()
            self._seen[key] = _Seen(
                looked=looked, phase=rollout.state.phase, entries=rollout.entries
            )
        if rollout.state.last is not None and is_ours and is_new:
            self._decisions.labels(rollout.state.last.action).inc()

    def stuck(self) -> str:
        """Return why the controller does not go on any more, "" while it does."""
        now = self._now()
        with self._lock:
            if now - self._turned > STUCK_SECONDS:
                return f"no turn of the loop for {now - self._turned:.0f} s"
            # Nothing is looked at while services cannot be listed, which is no standstill.
            latest = self._listed - STUCK_SECONDS
            late = [key for key, seen in self._seen.items() if seen.looked < latest]
        return f"no look at {', '.join('/'.join(key) for key in sorted(late))}" if late else ""

    def unready(self) -> str:
        """Return why rollouts cannot be worked on now, "" when they can."""
        with self._lock:
            return "" if self._ready else self._cause

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        with self._lock:
            for phase in Phase:
                count = sum(seen.phase is phase for seen in self._seen.values())
                self._rollouts.labels(phase).set(count)
            self._ages.clear()
            for key, seen in self._seen.items():
                self._ages.labels(*key).set(self._now() - seen.looked)
            return generate_latest(self._registry)


class _Around:
    """A part of the world whose calls the health of a controller sees."""

    def __init__(
        self,
        part: object,
        name: str,
        health: ControllerHealth,
        after: Callable[[str, tuple[Any, ...], Any], None] = lambda *_: None,
    ) -> None:
        self._part, self._name, self._health, self._after = part, name, health, after

    def __getattr__(self, name: str) -> Any:
        called = getattr(self._part, name)

        def seen(*arguments: Any, **named: Any) -> Any:
            with self._health.calling(self._name, name, arguments):
                answer = called(*arguments, **named)
            self._after(name, arguments, answer)
            return answer

        return seen if callable(called) else called
