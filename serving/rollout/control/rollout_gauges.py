"""The newest rollout of each service in Prometheus form, worked out anew at each scrape. Pure.

Nothing is remembered between two scrapes, so no series outlives the rollout that it tells of.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.rollout_state import Phase, Question
from kanaria.serving.rollout.decision.situation import findings
from kanaria.serving.rollout.judgement.gates.gate_registry import BY_NAME

SERVICE = ("namespace", "service")
PERCENT = 100.0
FAMILIES = {
    "phase": (
        "1 for the phase of the service's newest rollout, 0 for the others.",
        (*SERVICE, "phase"),
    ),
    "question": (
        "1 for the question that a person is asked now, 0 for the others.",
        (*SERVICE, "question"),
    ),
    "info": (
        "1, with the number, the revisions and the strategy of the service's newest rollout.",
        (*SERVICE, "rollout", "canary", "stable", "strategy"),
    ),
    "started_timestamp_seconds": ("When the newest rollout began.", SERVICE),
    "step_started_timestamp_seconds": ("When the step began in which it is.", SERVICE),
    "desired_ratio": ("Share of the requests that was decided for the canary, 0 to 1.", SERVICE),
    "observed_ratio": ("Share of the requests that it was last seen to have, 0 to 1.", SERVICE),
    "evidence_ratio": (
        "Share of the promise against false rollbacks that a gate's evidence of harm has used up: "
        "at a sum of 1 over the gates the canary is rolled back.",
        (*SERVICE, "gate"),
    ),
}
"""What follows `kanaria_rollout_` -> its meaning and its labels."""
Value = tuple[Sequence[str], float]
"""Labels after the service's, and the number."""


class RolloutGauges(Collector):
    """Tells of rollouts whenever it is scraped."""

    def __init__(self, newest: Callable[[], Iterable[Rollout]]) -> None:
        """Tell of the rollouts that `newest` returns: at most one of a service."""
        self._newest = newest

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return the metrics without values."""
        for name, (meaning, labels) in FAMILIES.items():
            yield GaugeMetricFamily(f"kanaria_rollout_{name}", meaning, labels=labels)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the metrics with their values."""
        rollouts = [(rollout, _values(rollout)) for rollout in self._newest()]
        for name, family in zip(FAMILIES, self.describe(), strict=True):
            for rollout, values in rollouts:
                service = (rollout.target.namespace, rollout.target.service)
                for labels, value in values[name]:
                    family.add_metric((*service, *labels), value)
            yield family


def _values(rollout: Rollout) -> dict[str, list[Value]]:
    state, target = rollout.state, rollout.target
    percent = state.percent_seen
    identity = (str(rollout.number), target.canary, target.stable, rollout.policy.strategy.value)
    return {
        "phase": [((phase,), phase is state.phase) for phase in Phase],
        "question": [((one.value,), one is state.question) for one in Question],
        "info": [(identity, 1)],
        "started_timestamp_seconds": [((), rollout.started)],
        "step_started_timestamp_seconds": [((), state.step_started)],
        "desired_ratio": [((), state.desired_percent / PERCENT)],
        "observed_ratio": [] if percent is None else [((), percent / PERCENT)],
        "evidence_ratio": _evidence(rollout),
    }


def _evidence(rollout: Rollout) -> list[Value]:
    """Return what each gate that may roll back has spent; only such evidence has a limit."""
    judgements = findings(rollout.state, rollout.policy)
    return [((one.gate,), one.spent) for one in judgements if BY_NAME[one.gate].weighs]
