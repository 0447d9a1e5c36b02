"""How often a controller of one rollout looks, and when it gives up."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from paper_world import CANARY, NAMESPACE, SERVICE, STABLE, Paper

from kanaria.components.shared.command_line import Parser
from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.audit.trail_files import FileTrails
from kanaria.serving.file_lease import FileLease
from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.rollout import rollout_options
from kanaria.serving.rollout.control import controller, operations
from kanaria.serving.rollout.control.environment import Place
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.lease import NoLease
from kanaria.serving.rollout.control.reconcile_rollout import World, reconcile
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.traffic.traffic_protocol import ServiceStatus


class Slow(Paper):
    """A platform that has not moved the traffic yet, or does not answer; it notes the pauses."""

    live_after = 0.0
    answers_after = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def observe(self, namespace: str, name: str) -> ServiceStatus:
        waited = sum(self.pauses)
        if waited < self.answers_after:
            raise NotReadyError("no answer")
        status = super().observe(namespace, name)
        if waited >= self.live_after:
            return status
        shares = {CANARY: 10, STABLE: 90}
        traffic = (RevisionTraffic(revision=name, percent=share) for name, share in shares.items())
        return replace(status, traffic=tuple(traffic))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    slow = Slow()
    monkeypatch.setattr(controller.time, "sleep", slow.sleep)
    slow.push("v1")
    slow.push("v2")
    return slow


@pytest.fixture
def store(tmp_path: Path, slow: Slow) -> FileStore:
    """Where a rollout is kept whose canary has 10 %."""
    store = FileStore(tmp_path)
    operations.start(
        store, slow, NAMESPACE, SERVICE, operations.Beginning(policy=Policy(), who="kim", now=0.0)
    )
    for _ in range(2):
        slow.pass_time(60)
        reconcile(world(slow, store), store.load(NAMESPACE, SERVICE), 60)
    assert slow.shares() == {CANARY: 10, STABLE: 90}
    return store


def world(slow: Slow, store: FileStore) -> World:
    return World(traffic=slow, store=store, source=slow, now=lambda: slow.clock)


def rolled_back(slow: Slow, store: FileStore, **seconds: float):
    command = Command(kind=CommandKind.ROLLBACK, who="kim", when=slow.clock)
    operations.order(store, NAMESPACE, SERVICE, command)
    stored = operations.newest(store, NAMESPACE, SERVICE)
    pace = controller.Pace(**seconds)
    return controller.run(
        world(slow, store), stored, lease=NoLease(), listener=lambda _: None, pace=pace
    )


@pytest.mark.parametrize("interval", [0, 60])
def test_pauses_grow_while_the_traffic_moves(slow: Slow, store: FileStore, interval: float):
    slow.live_after = 30
    assert rolled_back(slow, store, interval_seconds=interval).rollout.settled
    assert slow.pauses[:5] == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert set(slow.pauses[5:]) == {2.0}


def test_failures_are_followed_by_pauses_too(slow: Slow, store: FileStore):
    slow.answers_after = 1e9
    with pytest.raises(NotReadyError, match="no answer"):
        rolled_back(slow, store)
    assert len(slow.pauses) == controller.FAILURES - 1
    assert sum(slow.pauses) > 45


def test_a_platform_that_answers_again_is_gone_on_with(slow: Slow, store: FileStore):
    slow.answers_after = 20
    assert rolled_back(slow, store).rollout.settled
    assert slow.shares()[STABLE] == 100


def test_patience_has_an_end_and_says_what_is_recorded(slow: Slow, store: FileStore):
    slow.live_after = 1e9
    with pytest.raises(NotReadyError, match=f"0 % for {CANARY} is recorded .* not live after 0 s"):
        rolled_back(slow, store, patience_seconds=0)
    assert slow.manifest["spec"]["predictor"]["canaryTrafficPercent"] == 0


def test_a_persons_rollback_does_not_wait_for_a_controller_that_hangs(
    slow: Slow, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    hanging = FileLease(tmp_path / "lock")
    assert hanging.hold()
    place = Place(
        traffic=slow,
        store=store,
        trails=FileTrails(tmp_path),
        lease_of=lambda *_: FileLease(tmp_path / "lock"),
        source=lambda: slow,
    )

    monkeypatch.setattr(rollout_options, "_place", lambda _: nullcontext(place))
    parser = Parser()
    rollout_options.add_rollout(parser.add_subparsers())
    words = ["rollout", "rollback", SERVICE, "--namespace", "default", "--as", "kim"]
    arguments = parser.parse_args(words)
    assert arguments.command(arguments) == 0
    assert slow.shares() == {CANARY: 0, STABLE: 100}
    assert store.load(NAMESPACE, SERVICE).rollout.settled
