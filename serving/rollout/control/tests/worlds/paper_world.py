"""A service whose revisions follow KServe's rules without any process, and a clock that is told.

The rules are those local serving runs by (`serving.local.controller.reconcile`), and those of every
way of traffic (`serving.traffic.change_rules`); the numbers come from the traffic really set, so a
canary without traffic has none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.local.controller import reconcile, revision_shares
from kanaria.serving.local.state.state_folder import Observed
from kanaria.serving.protocol.annotation_names import MIRRORED_ANNOTATION
from kanaria.serving.rollout.observations.observation_source import Container, Reading, Revisions
from kanaria.serving.rollout.observations.replica_counters import Replica
from kanaria.serving.traffic.change_rules import require_rollback, require_shift
from kanaria.serving.traffic.local_traffic import status_of

NAMESPACE, SERVICE = "default", "taxi"
STABLE, CANARY = "taxi-predictor-00001", "taxi-predictor-00002"
SLOW_SECONDS = 0.1


class Killed(BaseException):
    """The controller's process ends here; nothing may catch it."""


@dataclass
class Paper:
    """The platform: it goes on when a controller dies.

    Attributes:
        clock: seconds since 1970.
        requests_a_minute: to the service.
        error_rate: of the canary; the stable revision's is 1 %.
        exposed: (revision, was it ready) at every moment it had traffic, or copies of it.
        unready: revisions that were ready before and are not now; they answer with errors only.
    """

    clock: float = 0.0
    requests_a_minute: int = 600
    error_rate: float = 0.01
    manifest: dict[str, Any] = field(default_factory=dict)
    observed: Observed = field(default_factory=Observed)
    counters: dict[str, list[float]] = field(default_factory=dict)
    exposed: list[tuple[str, bool]] = field(default_factory=list)
    unready: set[str] = field(default_factory=set)
    wrote: Callable[[str], None] = lambda _: None

    def push(self, version: str, *, ready: bool = True, uri: str = "") -> None:
        """Apply a model at 0 %, as push_model does."""
        place = uri or f"/models/{version}"
        spec = ServiceSpec(name=SERVICE, storage_uri=place, canary_percent=0)
        self.manifest = build(spec)
        self._adopt()
        newest = self.observed.revisions[-1].name
        if ready:
            self.observed = reconcile.mark_ready(self.observed, newest)

    def set_percent(self, percent: int) -> None:
        """Change the field as a controller does, one write."""
        self.wrote("before")
        self.manifest["spec"]["predictor"]["canaryTrafficPercent"] = percent
        self.manifest["metadata"].pop("annotations", None)
        self._adopt()
        self.wrote("after")

    def _adopt(self) -> None:
        adopted = reconcile.adopt(self.observed, self.manifest, str(self.manifest))
        self.observed = replace(adopted, status=reconcile.status(adopted, "http://taxi"))

    def shares(self) -> dict[str, int]:
        status = reconcile.status(self.observed, "")
        return {
            t["revisionName"]: t["percent"] for t in status["components"]["predictor"]["traffic"]
        }

    def mirrored(self) -> dict[str, int]:
        shadow = revision_shares.shadow(reconcile.rollout(self.observed))
        return {shadow.revision: shadow.percent} if shadow else {}

    def pass_time(self, seconds: float) -> None:
        """Let requests come in at the traffic that is set."""
        self.clock += seconds
        shares = [*self.shares().items(), *self.mirrored().items()]
        for revision, percent in shares:
            if percent:
                self.exposed.append((revision, revision in self.observed.ready))
            requests = self.requests_a_minute * seconds / 60 * percent / 100
            rate = self.error_rate if revision == CANARY else 0.01
            rate = 1.0 if revision in self.unready else rate
            counted = self.counters.setdefault(revision, [0.0, 0.0])
            counted[0] += requests
            counted[1] += requests * rate

    # Traffic
    def stage(self, manifest: Any) -> None:
        raise NotImplementedError("a rollout stages nothing")

    def observe(self, namespace: str, name: str):
        if (namespace, name) != (NAMESPACE, SERVICE) or not self.manifest:
            return None
        current = replace(self.observed, status=reconcile.status(self.observed, "http://taxi"))
        status = status_of(self.manifest, current, "http://taxi")
        if status.latest_ready not in self.unready:
            return status
        # As KnativeTraffic tells it.
        return replace(
            status,
            latest_ready="" if status.rolled_out == status.latest_ready else status.rolled_out,
        )

    def shift(self, namespace: str, name: str, percent: int, revision: str = "") -> None:
        require_shift(f"{namespace}/{name}", self.observe(namespace, name), percent, revision)
        self.set_percent(percent)

    def mirror(self, _namespace: str, _name: str, percent: int) -> None:
        self.wrote("before")
        annotations = {MIRRORED_ANNOTATION: str(percent)} if percent else {}
        self.manifest["metadata"]["annotations"] = annotations
        self._adopt()
        self.wrote("after")

    def promote(self, namespace: str, name: str, revision: str = "") -> None:
        self.shift(namespace, name, 100, revision)

    def rollback(self, namespace: str, name: str, revision: str = "") -> None:
        require_rollback(f"{namespace}/{name}", self.observe(namespace, name), revision)
        self.set_percent(0)

    # Source
    def read(self, revisions: Revisions) -> Reading:
        return Reading(
            now=self.clock,
            canary=self._replicas(revisions.canary),
            stable=self._replicas(revisions.stable),
            containers=(Container(name="server", restarts=0, oom_kills=0),),
        )

    def _replicas(self, revision: str) -> tuple[Replica, ...]:
        requests, errors = self.counters.get(revision, (0.0, 0.0))
        slow = ((SLOW_SECONDS, requests * 0.05),)
        return (Replica(name=revision, requests=requests, errors=errors, slower=slow, started=0.0),)


class DyingStore:
    """A store whose writes count among the writes after which a controller may die."""

    def __init__(self, store: Any, paper: Paper) -> None:
        self._store, self._paper = store, paper

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def save(self, *arguments: Any) -> Any:
        self._paper.wrote("before")
        stored = self._store.save(*arguments)
        self._paper.wrote("after")
        return stored
