"""A rollout's story as the API server keeps it, and as `kubectl describe` tells it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from accounts import Account, kubectl
from inference_services import InferenceServices
from paper_world import NAMESPACE, SERVICE, Paper

from kanaria.components.push.deliver_release import deliver
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.kubernetes_api import resource_kinds
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.event_outcome import EventOutcome
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.kubernetes_events import EventListener
from kanaria.serving.rollout.control.reconcile_rollout import World, reconcile
from kanaria.serving.rollout.control.rollout_events import events_between
from kanaria.serving.rollout.control.rollout_store import Stored
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind
from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic

POLICY = """
steps:
  - {percent: 10, minimum_requests: 100, minimum_minutes: 2}
  - {percent: 50, minimum_requests: 100, minimum_minutes: 2}
automation: approve
approve_before: [promote]
"""


@pytest.fixture
def taxi(pipeline: Account, services: InferenceServices, tmp_path: Path) -> str:
    """A service that the Events are on; the rollout's numbers are on paper."""
    spec = ServiceSpec(name=SERVICE, namespace=services.namespace, storage_uri="s3://m/one")
    deliver(ClusterTraffic(pipeline.client()), spec, 120, str(tmp_path / "one"))
    return services.namespace


def history(folder: Path, namespace: str, who: str = "kim") -> Iterator[Stored]:
    """Yield each look at a rollout that waits for a person, and then is promoted."""
    paper, store = Paper(), FileStore(folder)
    paper.push("v1")
    paper.push("v2")
    beginning = operations.Beginning(policy=parse(POLICY), who=who, now=0.0)
    operations.start(store, paper, NAMESPACE, SERVICE, beginning)
    world = World(traffic=paper, store=store, source=paper, now=lambda: paper.clock)

    def moved(stored: Stored) -> Stored:
        target = replace(stored.rollout.target, namespace=namespace)
        return replace(stored, rollout=replace(stored.rollout, target=target))

    def minutes(count: int) -> Iterator[Stored]:
        for _ in range(count):
            paper.pass_time(60)
            yield moved(reconcile(world, store.load(NAMESPACE, SERVICE), 60))

    yield moved(store.load(NAMESPACE, SERVICE))
    yield from minutes(40)
    command = Command(kind=CommandKind.APPROVE, who="kim", when=paper.clock)
    yield moved(operations.order(store, NAMESPACE, SERVICE, command))
    yield from minutes(3)


def events(namespace: str) -> dict[str, dict]:
    listed = KubernetesClient.connect().list(resource_kinds.EVENT_SERIES, namespace)
    named = {one["metadata"]["name"]: one for one in listed}
    return {name: one for name, one in named.items() if name.startswith(f"{SERVICE}-rollout-1.")}


def times(event: dict) -> int:
    return (event.get("series") or {"count": 1})["count"]


def test_kubectl_describe_tells_the_story_and_repetitions_are_counted(
    rollout: Account, taxi: str, tmp_path: Path
):
    outcomes: list[EventOutcome] = []
    cluster = rollout.client()
    listeners = [EventListener(cluster, outcomes.append, heartbeat_seconds=0) for _ in range(2)]
    looks, rollout_events, before = list(history(tmp_path / "paper", taxi)), [], None
    for stored in looks:
        rollout_events += events_between(before, stored.rollout)
        before = stored.rollout
        for listener in listeners:  # Two controllers that hear the same.
            listener(stored)
    written = events(taxi)
    names = [one.name for one in rollout_events]
    assert {name: times(event) for name, event in written.items()} == {
        name: names.count(name) for name in names
    }
    assert max(times(event) for event in written.values()) > 3
    assert outcomes.count(EventOutcome.WRITTEN) == len(written) < 10
    assert outcomes.count(EventOutcome.REPEATED) == len(names) - len(written)
    assert outcomes.count(EventOutcome.DUPLICATE) == len(names)
    described = kubectl("describe", "inferenceservice", SERVICE, "--namespace", taxi)
    story = described.partition("Events:")[2]
    for reason in ("Started", "Raised", "Held", "Asked", "Promoted"):
        assert f" {reason} " in story, story
    assert "gets 10 % of the requests" in story
    assert f"(x{max(map(times, written.values()))} over " in story


def test_a_controller_that_begins_anew_goes_on_counting(
    rollout: Account, taxi: str, tmp_path: Path
):
    looks = list(history(tmp_path / "paper", taxi))[:41]
    cluster = rollout.client()
    for part in (looks[:20], looks[19:]):
        listener = EventListener(cluster, heartbeat_seconds=0)
        for stored in part:
            listener(stored)
    assert len({look.rollout.entries for look in looks}) == 41
    held = {name: times(event) for name, event in events(taxi).items() if "held" in name}
    before, expected = None, {}
    for look in looks:
        for one in events_between(before, look.rollout):
            expected[one.name] = expected.get(one.name, 0) + 1
        before = look.rollout
    assert held == {name: count for name, count in expected.items() if "held" in name}


def test_that_nothing_changes_is_written_less_often_than_it_is_seen(
    rollout: Account, taxi: str, tmp_path: Path
):
    outcomes: list[EventOutcome] = []
    listener = EventListener(rollout.client(), outcomes.append)
    for stored in list(history(tmp_path / "paper", taxi))[:41]:
        listener(stored)
    assert set(outcomes) == {EventOutcome.WRITTEN}
    assert len(outcomes) == len(events(taxi)) < 10


def test_an_account_without_the_right_is_told_and_goes_on(
    services: InferenceServices, taxi: str, tmp_path: Path
):
    outcomes: list[EventOutcome] = []
    nobody = Account(services.namespace, "default", tmp_path).client()
    listener = EventListener(nobody, outcomes.append)
    for stored in list(history(tmp_path / "paper", taxi))[:5]:
        listener(stored)
    assert set(outcomes) == {EventOutcome.FAILED}
    assert events(taxi) == {}


def test_a_long_text_in_any_script_is_taken(rollout: Account, taxi: str, tmp_path: Path):
    outcomes: list[EventOutcome] = []
    looks = history(tmp_path / "paper", taxi, who="ü€😀" * 500)
    EventListener(rollout.client(), outcomes.append)(next(looks))
    assert outcomes == [EventOutcome.WRITTEN]
    (event,) = events(taxi).values()
    assert 990 <= len(event["note"].encode()) <= 1024
    assert datetime.fromisoformat(event["eventTime"]) <= datetime.now(UTC)
