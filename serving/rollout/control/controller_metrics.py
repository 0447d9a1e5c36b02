"""What a rollout controller counts, and the rollouts as they stand, in Prometheus form."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import Counter, Gauge, generate_latest

from kanaria.components.shared.errors import (
    ConflictError,
    DataError,
    KanariaError,
    NotReadyError,
    ParameterError,
    PermissionDeniedError,
    UserCodeError,
)
from kanaria.serving.rollout.control.event_outcome import EventOutcome
from kanaria.serving.rollout.control.rollout_gauges import SERVICE, RolloutGauges
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.rollout_state import Action, Phase
from kanaria.serving.server_registry import server_registry

PARTS = ("store", "traffic", "source", "lease")
"""Of what a controller works with: each call of one may fail."""
REASONS = (
    ParameterError,
    DataError,
    UserCodeError,
    NotReadyError,
    PermissionDeniedError,
    KanariaError,
)
"""Kinds of error; one of a class of its own counts as the first of these that it is."""
UNFORESEEN = "Unforeseen"
"""Stands for every error that nobody raises on purpose."""


class ControllerMetrics:
    """Counters of one controller, which begin at zero with each process, and gauges."""

    def __init__(self, newest: Callable[[], Iterable[Rollout]]) -> None:
        """Start at zero; `newest` returns the newest rollout of each service that has one."""
        self._newest = newest
        self._registry = server_registry("rollout")
        self._registry.register(RolloutGauges(newest))
        self._rollouts = Gauge(
            "kanaria_rollouts",
            "Services by the phase of their newest rollout.",
            ("phase",),
            registry=self._registry,
        )
        self._ages = Gauge(
            "kanaria_rollout_last_look_age_seconds",
            "Seconds since the last look at a service that has a rollout began.",
            SERVICE,
            registry=self._registry,
        )
        self._decisions = self._counter(
            "rollout_decisions",
            "Decisions that this controller recorded, by action.",
            *SERVICE,
            "action",
        )
        self._conflicts = self._counter(
            "rollout_conflicts",
            "Writes that came to nothing since somebody else had written, by the part called.",
            "part",
        )
        self._errors = self._counter(
            "rollout_errors",
            "Calls that failed, by the part that was called and the kind of error.",
            "part",
            "reason",
        )
        self._events = self._counter(
            "rollout_events",
            "Events of Kubernetes that tell of rollouts, by what became of them.",
            "outcome",
        )
        self._begin()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"kanaria_{name}", meaning, labels, registry=self._registry)

    def _begin(self) -> None:
        """Show at zero what has not happened yet, so that its first time is an increase."""
        for part in PARTS:
            self._conflicts.labels(part)
            for reason in REASONS:
                self._errors.labels(part, reason.__name__)
            self._errors.labels(part, UNFORESEEN)
        for outcome in EventOutcome:
            self._events.labels(outcome)

    def count_failure(self, part: str, error: Exception) -> None:
        """Count a call that failed."""
        if isinstance(error, ConflictError):
            self._conflicts.labels(part).inc()
            return
        kinds = [kind.__name__ for kind in REASONS if isinstance(error, kind)]
        self._errors.labels(part, kinds[0] if kinds else UNFORESEEN).inc()

    def count_event(self, outcome: EventOutcome) -> None:
        """Count an Event of Kubernetes."""
        self._events.labels(outcome).inc()

    def show_service(self, namespace: str, service: str) -> None:
        """Show a service's decisions from zero on, so that the first one is an increase."""
        for action in Action:
            self._decisions.labels(namespace, service, action)

    def count_decision(self, namespace: str, service: str, action: Action) -> None:
        """Count a decision that this controller recorded."""
        self._decisions.labels(namespace, service, action).inc()

    def forget(self, namespace: str, service: str) -> None:
        """Let the series of a service go that has no rollout any more."""
        for action in Action:
            self._decisions.remove(namespace, service, action)

    def text(self, ages: Mapping[tuple[str, str], float]) -> bytes:
        """Return everything in Prometheus' text format.

        Args:
            ages: of each service that has a rollout, seconds since the last look at it.
        """
        phases = [rollout.state.phase for rollout in self._newest()]
        for phase in Phase:
            self._rollouts.labels(phase).set(phases.count(phase))
        self._ages.clear()
        for key, age in ages.items():
            self._ages.labels(*key).set(age)
        return generate_latest(self._registry)
