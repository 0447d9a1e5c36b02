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

from kanaria.components.shared.errors import KanariaError
from kanaria.serving.rollout.control.controller_metrics import ControllerMetrics
from kanaria.serving.rollout.control.reconcile_rollout import World
from kanaria.serving.rollout.control.rollout_store import Stored
from kanaria.serving.rollout.control.service_threads import LeaseOf
from kanaria.serving.rollout.control.stored_rollout import Rollout

STUCK_SECONDS = 600.0
"""Without a turn, or a look at a service that has a rollout. Its longest calls are bounded below:
a request to the API server is given up after some four minutes."""
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sighting:
    """A service: when a look at it began last, and its newest rollout then."""

    looked: float
    rollout: Rollout | None = None


class ControllerHealth:
    """The facts of one controller, from all its threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is a clock in seconds."""
        self._now, self._lock = now, threading.RLock()
        self._turned, self._listed = now(), now()
        self._ready, self._cause = False, "it has not begun"
        self._sightings: dict[Key, _Sighting] = {}
        self.metrics = ControllerMetrics(self._newest)

    def around(self, world: World) -> World:
        """Return the world whose calls are seen."""
        return replace(
            world,
            store=cast(Any, _Around(world.store, "store", self, self._note_call)),
            traffic=cast(Any, _Around(world.traffic, "traffic", self)),
            source=cast(Any, _Around(world.source, "source", self)),
        )

    def around_leases(self, lease_of: LeaseOf) -> LeaseOf:
        """Return the leases whose calls are seen."""
        return lambda *service: cast(Any, _Around(lease_of(*service), "lease", self))

    @contextmanager
    def calling(self, part: str, name: str, arguments: tuple[Any, ...]) -> Iterator[None]:
        """See one call, which begins now."""
        if name == "load":
            with self._lock:
                before = self._sightings.get(arguments, _Sighting(looked=0.0))
                self._sightings[arguments] = replace(before, looked=self._now())
        try:
            yield
        except Exception as error:
            self.metrics.count_failure(part, error)
            if name == "services" and isinstance(error, KanariaError):
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
            listed = {(namespace, service) for service in services}
            gone = {key for key in self._sightings if key[0] == namespace} - listed
            for key in gone:
                if self._sightings.pop(key).rollout is not None:
                    self.metrics.forget(*key)
            for key in listed:
                self._sightings.setdefault(key, _Sighting(looked=self._now()))
            self._listed = self._now()

    def _turn(self, cause: str) -> None:
        with self._lock:
            self._turned, self._ready, self._cause = self._now(), not cause, cause

    def _note(self, stored: Stored, *, is_ours: bool) -> None:
        rollout = stored.rollout
        key = (rollout.target.namespace, rollout.target.service)
        with self._lock:
            sighting = self._sightings.get(key, _Sighting(looked=self._now()))
            self._sightings[key] = replace(sighting, rollout=rollout)
            if sighting.rollout is None:
                self.metrics.show_service(*key)
            is_new = sighting.rollout is not None and sighting.rollout.entries < rollout.entries
            # Under the lock: a service that is forgotten in between would get its series back.
            if rollout.state.last is not None and is_ours and is_new:
                self.metrics.count_decision(*key, rollout.state.last.action)

    def _newest(self) -> list[Rollout]:
        with self._lock:
            return [
                sighting.rollout
                for sighting in self._sightings.values()
                if sighting.rollout is not None
            ]

    def stuck(self) -> str:
        """Return why the controller does not go on any more, "" while it does."""
        now = self._now()
        with self._lock:
            if now - self._turned > STUCK_SECONDS:
                return f"no turn of the loop for {now - self._turned:.0f} s"
            # Nothing is looked at while services cannot be listed, which is no standstill.
            latest = self._listed - STUCK_SECONDS
            late = [key for key, sighting in self._sightings.items() if sighting.looked < latest]
        return f"no look at {', '.join('/'.join(key) for key in sorted(late))}" if late else ""

    def unready(self) -> str:
        """Return why rollouts cannot be worked on now, "" when they can."""
        with self._lock:
            return "" if self._ready else self._cause

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        with self._lock:
            ages = {key: self._now() - sighting.looked for key, sighting in self._sightings.items()}
        return self.metrics.text(ages)


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

        def watched_call(*arguments: Any, **named: Any) -> Any:
            with self._health.calling(self._name, name, arguments):
                answer = called(*arguments, **named)
            self._after(name, arguments, answer)
            return answer

        return watched_call if callable(called) else called
