"""A controller of a whole namespace: what ails one service is told once and stops no other."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from paper_world import NAMESPACE, SERVICE, Paper

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.file_lease import FileLease
from kanaria.serving.rollout.control import failures, operations, service_threads
from kanaria.serving.rollout.control.controller import Listeners, Pace, serve
from kanaria.serving.rollout.control.file_store import FOLDER, FileStore
from kanaria.serving.rollout.control.reconcile_rollout import World
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.observations.observation_source import Reading, Revisions
from kanaria.serving.rollout.policy.rollout_policy import parse

POLICY = parse(
    """
    steps: [{percent: 50, minimum_requests: 100, minimum_minutes: 0}]
    gates: {latency: false}
    """
)
SECONDS = 60.0
"""A bound, not a measure: a controller that does not end fails its test."""


class Ended(BaseException):
    """The controller is told to stop."""


class Town:
    """Several services, each with a stable revision and a good canary; both Traffic and Source."""

    def __init__(self, *names: str) -> None:
        self.papers = {name: Paper() for name in names}
        self.before_reading: dict[str, Callable[[], None]] = {}
        for paper in self.papers.values():
            paper.push("v1")
            paper.push("v2")

    def __getattr__(self, verb: str) -> Any:
        def call(_namespace: str, name: str, *arguments: Any) -> Any:
            return getattr(self.papers[name], verb)(NAMESPACE, SERVICE, *arguments)

        return call

    def read(self, revisions: Revisions) -> Reading:
        self.before_reading.get(revisions.service, lambda: None)()
        paper = self.papers[revisions.service]
        paper.pass_time(60)
        return paper.read(revisions)


class EndingStore:
    """A store that ends the controller when a test says so."""

    def __init__(self, store: FileStore, is_over: Callable[[], bool]) -> None:
        self._store, self._is_over = store, is_over
        self._deadline = time.monotonic() + SECONDS

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def services(self, namespace: str) -> tuple[str, ...]:
        assert time.monotonic() < self._deadline, "the controller does not come to its end"
        if self._is_over():
            raise Ended
        return self._store.services(namespace)


@pytest.fixture
def town() -> Town:
    return Town("ailing", "well")


@pytest.fixture
def store(tmp_path: Path, town: Town) -> FileStore:
    store = FileStore(tmp_path)
    for name in town.papers:
        operations.start(
            store, town, NAMESPACE, name, operations.Beginning(policy=POLICY, who="kim", now=0.0)
        )
    return store


def served(town: Town, store: FileStore, is_over: Callable[[], bool]) -> list[tuple[str, str]]:
    """Run a controller until it `is_over`; return what it told of troubles."""
    reported: list[tuple[str, str]] = []
    world = World(traffic=town, store=EndingStore(store, is_over), source=town, now=lambda: 1e9)
    with pytest.raises(Ended):
        serve(
            world,
            NAMESPACE,
            lease_of=lambda _, service: FileLease(store.folder / f"lease-{service}"),
            listeners=Listeners(
                changed=lambda _: None,
                failed=lambda _, service, reason: reported.append((service, reason)),
            ),
            pace=Pace(interval_seconds=0.01, poll_seconds=0.01),
        )
    return reported


def phase(store: FileStore, service: str) -> Phase:
    return store.load(NAMESPACE, service).rollout.state.phase


def is_promoted(store: FileStore, service: str) -> bool:
    return store.load(NAMESPACE, service).rollout.settled


@pytest.mark.parametrize("damage", [b"{", b'{"number": 1}', b"\xff\xfe", b"null", b""])
def test_a_damaged_rollout_is_told_once_and_the_others_go_on(
    town: Town, store: FileStore, tmp_path: Path, damage: bytes
):
    path = tmp_path / NAMESPACE / "ailing" / FOLDER / "1.json"
    whole = path.read_bytes()
    path.write_bytes(damage)
    reported = served(town, store, lambda: is_promoted(store, "well"))
    assert [service for service, _ in reported] == ["ailing"]
    assert str(path) in reported[0][1]
    assert phase(store, "well") is Phase.PROMOTED
    path.write_bytes(whole)
    served(town, store, lambda: is_promoted(store, "ailing"))
    assert phase(store, "ailing") is Phase.PROMOTED


def test_what_nobody_foresaw_is_told_once_with_its_traceback_and_the_others_go_on(
    town: Town, store: FileStore, caplog: pytest.LogCaptureFixture
):
    town.before_reading["ailing"] = lambda: 1 // 0
    with caplog.at_level(logging.ERROR):
        reported = served(town, store, lambda: is_promoted(store, "well"))
    assert [service for service, _ in reported] == ["ailing"]
    assert reported[0][1].startswith("ZeroDivisionError")
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


def test_a_source_that_hangs_holds_up_one_service_alone(town: Town, store: FileStore):
    hangs, looks = threading.Event(), []

    def hang() -> None:
        looks.append(1)
        assert hangs.wait(SECONDS)

    town.before_reading["ailing"] = hang

    def is_over() -> bool:
        if is_promoted(store, "well"):
            hangs.set()
        return hangs.is_set()

    served(town, store, is_over)
    assert phase(store, "well") is Phase.PROMOTED
    # Nobody has looked at it a second time meanwhile.
    assert len(looks) == 1


def test_more_slow_services_than_threads_wait_for_each_other_and_all_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service_threads, "WORKERS", 2)
    town, store = Town("a", "b", "c", "d", "e"), FileStore(tmp_path)
    for name in town.papers:
        town.before_reading[name] = lambda: time.sleep(0.02)
        operations.start(
            store, town, NAMESPACE, name, operations.Beginning(policy=POLICY, who="kim", now=0.0)
        )
    served(town, store, lambda: all(is_promoted(store, name) for name in town.papers))


def test_leases_are_given_back_in_the_end(town: Town, store: FileStore, tmp_path: Path):
    served(town, store, lambda: is_promoted(store, "well"))
    for service in town.papers:
        assert FileLease(tmp_path / f"lease-{service}").hold()


def test_a_service_whose_lease_another_holds_is_left_alone(
    town: Town, store: FileStore, tmp_path: Path
):
    other = FileLease(tmp_path / "lease-ailing")
    assert other.hold()
    served(town, store, lambda: is_promoted(store, "well"))
    assert phase(store, "ailing") is Phase.STAGED


def test_a_trouble_is_told_when_it_begins_when_its_reason_changes_and_when_it_is_over():
    reported, clock = [], [0.0]
    troubles = failures.Failures("team", lambda *what: reported.append(what), lambda: clock[0])
    for reason in ("down", "down", "down: attempt 2"):
        troubles.tell("taxi", NotReadyError(reason))
    assert reported == [("team", "taxi", "down")]
    clock[0] = failures.QUIET_SECONDS
    troubles.tell("taxi", NotReadyError("gone"))
    troubles.over("taxi")
    troubles.over("taxi")
    assert reported[1:] == [("team", "taxi", "gone"), ("team", "taxi", "")]
