"""The audit trail of whole rollouts on paper, and what deaths and a broken trail leave of it."""

import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from paper_world import CANARY, NAMESPACE, SERVICE, STABLE, DyingStore, Killed, Paper

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.audit.chain import Chain
from kanaria.serving.audit.trail_files import FILE, FileTrails
from kanaria.serving.audit.trail_store import Due
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.audited_store import AuditedStore
from kanaria.serving.rollout.control.decision_trail import due
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.reconcile_rollout import World, reconcile
from kanaria.serving.rollout.control.rollout_store import Store
from kanaria.serving.rollout.decision.audit_record import replay
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind, begin
from kanaria.serving.rollout.decision.rollout_state import Action, Phase
from kanaria.serving.rollout.policy.rollout_policy import parse

POLICY = parse(
    """
    automation: approve
    approve_before: [promote]
    steps:
      - {percent: 10, minimum_requests: 100, minimum_minutes: 1}
      - {percent: 50, minimum_requests: 100, minimum_minutes: 1}
    gates: {latency: false}
    """
)


class DyingTrails:
    """Trails whose writes count among the writes after which a controller may die."""

    def __init__(self, trails: FileTrails, paper: Paper) -> None:
        self._trails, self._paper = trails, paper

    def read(self, namespace: str, service: str) -> Chain:
        return self._trails.read(namespace, service)

    def append(self, namespace: str, service: str, lacking: Due) -> Chain:
        self._paper.wrote("before")
        chain = self._trails.append(namespace, service, lacking)
        self._paper.wrote("after")
        return chain


class Scene:
    """A service with a canary at 0 %, its rollouts and its trail."""

    def __init__(self, folder: Path) -> None:
        self.paper, self.records, self.trails = Paper(), FileStore(folder), FileTrails(folder)
        self.path = folder / NAMESPACE / SERVICE / FILE
        self.paper.requests_a_minute = 6000
        self.paper.push("v1")
        self.paper.push("v2")
        dying = DyingStore(self.records, self.paper)
        self.store = AuditedStore(dying, DyingTrails(self.trails, self.paper))

    def start(self, who: str = "kim") -> None:
        beginning = operations.Beginning(policy=POLICY, who=who, now=self.paper.clock)
        operations.start(self.store, self.paper, NAMESPACE, SERVICE, beginning)

    def order(self, kind: CommandKind, who: str = "lee") -> None:
        command = Command(kind=kind, who=who, when=self.paper.clock)
        operations.order(self.store, NAMESPACE, SERVICE, command)

    def look(self) -> None:
        self.paper.pass_time(60)
        stored = self.store.load(NAMESPACE, SERVICE)
        world = World(
            traffic=self.paper, store=self.store, source=self.paper, now=lambda: self.paper.clock
        )
        reconcile(world, stored, 60)

    def phase(self) -> Phase:
        return self.records.load(NAMESPACE, SERVICE).rollout.state.phase

    def until(self, phase: Phase) -> None:
        while self.phase() is not phase:
            self.look()

    def finish(self) -> None:
        while not self.records.load(NAMESPACE, SERVICE).rollout.settled:
            self.look()

    def chain(self) -> Chain:
        return self.trails.read(NAMESPACE, SERVICE)

    def trail(self) -> list[tuple[str, str]]:
        return [(entry.what, entry.who) for entry in self.chain().entries]

    def lacking(self) -> tuple[Any, ...]:
        return due(self.chain(), self.records, NAMESPACE, SERVICE)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_who_decided_what_and_on_which_numbers(scene: Scene):
    scene.start()
    scene.until(Phase.WAITING_APPROVAL)
    scene.order(CommandKind.APPROVE)
    scene.finish()
    scene.order(CommandKind.ROLLBACK, "ann")
    scene.finish()
    assert scene.trail() == [
        ("start", "kim"),
        ("shift", "rule staged"),
        ("shift", "rule climbing"),
        ("ask", "rule accepted"),
        ("approve", "lee"),
        ("promote", "rule accepted"),
        ("rollback", "ann"),
    ]
    chain = scene.chain()
    assert not chain.faults
    assert {entry.about for entry in chain.entries} == {CANARY}
    begun, question = chain.entries[0], chain.entries[3]
    assert begun.numbers["policy"]["approve_before"] == ["promote"]
    assert (begun.numbers["canary_uri"], begun.numbers["stable_uri"]) == (
        "/models/v2",
        "/models/v1",
    )
    requests, errors = scene.paper.counters[CANARY]
    assert 0 < question.numbers["canary"]["requests"] <= requests
    assert question.numbers["canary"]["errors"] <= errors
    assert question.numbers["gates"]["errors"]["accepted"]
    assert "canary" in question.numbers["gates"]["errors"]["text"]


def test_a_rollback_by_harm_says_which_gate_saw_it(scene: Scene):
    scene.paper.error_rate = 0.5
    scene.start()
    scene.finish()
    last = scene.chain().entries[-1]
    assert (last.what, last.who) == ("rollback", "rule harmed")
    assert "errors" in last.why
    assert last.numbers["gates"]["errors"]["spent"] >= 1
    assert scene.paper.shares()[STABLE] == 100


def decisions(store: Store) -> list[tuple[int, int]]:
    """What the records say was begun, commanded or done, as (rollout, place in its record)."""
    places = []
    rollout = store.load(NAMESPACE, SERVICE).rollout
    for number in range(1, rollout.number + 1):
        rollout = store.load(NAMESPACE, SERVICE, number).rollout
        entries = store.entries(NAMESPACE, SERVICE, number)
        places.append((number, 0))
        state = begin(rollout.started)
        decided = replay(state, entries, rollout.policy)
        for place, (entry, decision) in enumerate(zip(entries, decided, strict=True), 1):
            is_done = decision.verdict.action is not Action.HOLD and decision.state != state
            if is_done or isinstance(entry, Command):
                places.append((number, place))
            state = decision.state
    return places


def die_at(scene: Scene, number: int) -> None:
    moments = itertools.count()

    def wrote(_: str) -> None:
        if next(moments) == number:
            raise Killed

    scene.paper.wrote = wrote


def require_told_first(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no traffic change before the decision about it is in the trail."""
    change = scene.paper.set_percent

    def changed(percent: int) -> None:
        assert scene.chain().entries[-1].numbers["percent"] == percent
        change(percent)

    monkeypatch.setattr(scene.paper, "set_percent", changed)


def survived(scene: Scene, act: Callable[[], None]) -> bool:
    """Act, and go on as the next controller does; tell whether it was killed before."""
    try:
        act()
    except Killed:
        was_killed = True
    else:
        was_killed = False
    scene.paper.wrote = lambda _: None
    return was_killed


def test_a_controller_that_dies_at_any_write_loses_no_entry_and_none_is_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for number in itertools.count():
        scene = Scene(tmp_path / str(number))
        scene.start()
        require_told_first(scene, monkeypatch)
        die_at(scene, number)
        was_killed = survived(scene, lambda: scene.until(Phase.WAITING_APPROVAL))  # noqa: B023
        scene.until(Phase.WAITING_APPROVAL)
        scene.order(CommandKind.APPROVE)
        scene.finish()
        sources = [(e.source.rollout, e.source.entry) for e in scene.chain().entries]
        assert sources == decisions(scene.records), number
        assert not scene.chain().faults
        if not was_killed:
            break
    assert number > 10


@pytest.mark.parametrize("number", range(6))
def test_a_command_that_dies_at_any_write_is_told_by_who_comes_next(scene: Scene, number: int):
    scene.start()
    scene.until(Phase.WAITING_APPROVAL)
    die_at(scene, number)
    survived(scene, lambda: scene.order(CommandKind.APPROVE))
    if scene.phase() is Phase.WAITING_APPROVAL:
        scene.order(CommandKind.APPROVE)
    scene.finish()
    assert scene.trail().count(("approve", "lee")) == 1
    assert scene.lacking() == ()


def test_a_beginning_that_was_killed_is_told_before_the_next(scene: Scene):
    die_at(scene, 0)  # DyingStore counts no creation: this is before the trail is written.
    assert survived(scene, scene.start)
    assert scene.trail() == []
    assert [entry.what for entry in scene.lacking()] == ["start"]
    scene.order(CommandKind.ROLLBACK)
    assert scene.trail() == [("start", "kim"), ("rollback", "lee")]


def test_rollouts_of_before_there_were_trails_are_told_oldest_first(scene: Scene):
    for _ in range(2):
        beginning = operations.Beginning(policy=POLICY, who="kim", now=scene.paper.clock)
        operations.start(scene.records, scene.paper, NAMESPACE, SERVICE, beginning)
        command = Command(kind=CommandKind.ROLLBACK, who="kim", when=scene.paper.clock)
        operations.order(scene.records, NAMESPACE, SERVICE, command)
        scene.paper.pass_time(60)
    scene.start("lee")
    assert [(e.source.rollout, e.what) for e in scene.chain().entries] == [
        (1, "start"),
        (1, "rollback"),
        (2, "start"),
        (2, "rollback"),
        (3, "start"),
    ]


def test_a_service_that_begins_anew_with_rollout_1_is_told_too(scene: Scene):
    scene.start()
    scene.order(CommandKind.ROLLBACK)
    for path in scene.path.parent.glob("rollouts/1.*"):
        path.unlink()  # As Kubernetes does when the service is deleted.
    scene.paper.pass_time(60)
    scene.start("ann")
    assert scene.trail() == [("start", "kim"), ("rollback", "lee"), ("start", "ann")]


def test_a_broken_trail_is_told_and_holds_up_no_rollback(
    scene: Scene, caplog: pytest.LogCaptureFixture
):
    scene.start()
    scene.until(Phase.WAITING_APPROVAL)
    damaged = scene.path.read_bytes().replace(b"kim", b"eve")
    scene.path.write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        scene.order(CommandKind.ROLLBACK)
    scene.finish()
    assert scene.paper.shares() == {CANARY: 0, STABLE: 100}
    assert "not in the audit trail yet" in caplog.text
    assert scene.path.read_bytes() == damaged
    scene.path.rename(scene.path.with_suffix(".evidence"))
    with pytest.raises(ParameterError, match="start another"):
        scene.order(CommandKind.PAUSE)
    scene.order(CommandKind.ROLLBACK, "ann")
    assert [what for what, _ in scene.trail()][-2:] == ["rollback", "rollback"]
    assert scene.trail()[0] == ("start", "kim")


def test_an_end_that_was_cut_off_grows_again_to_the_same_hash(scene: Scene):
    scene.start()
    scene.until(Phase.WAITING_APPROVAL)
    head, lines = scene.chain().head, scene.path.read_bytes().splitlines(keepends=True)
    scene.path.write_bytes(b"".join(lines[:1]))
    assert len(scene.lacking()) == len(lines) - 1
    scene.trails.append(
        NAMESPACE, SERVICE, lambda chain: due(chain, scene.records, NAMESPACE, SERVICE)
    )
    assert scene.chain().head == head
