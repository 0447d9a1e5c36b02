"""Which release an alias names, over rollouts on paper; the real server has tests of its own."""

from pathlib import Path

import pytest
from paper_world import NAMESPACE, SERVICE, Paper

from kanaria.serving.audit.trail_files import FileTrails
from kanaria.serving.model_registry.registration import Registration, entry, registrations
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.reconcile_rollout import World, reconcile
from kanaria.serving.rollout.control.registered_aliases import (
    Standing,
    newest_first,
    standing,
    wanted,
)
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind
from kanaria.serving.rollout.policy.rollout_policy import parse

POLICY = parse("steps: [{percent: 10, minimum_requests: 100, minimum_minutes: 1}]")
V1, V2, V3 = "/models/v1", "/models/v2", "/models/v3"


class Scene:
    """A service that is pushed to and rolled out."""

    def __init__(self, folder: Path) -> None:
        self.paper, self.store = Paper(requests_a_minute=6000), FileStore(folder)

    def start(self) -> None:
        beginning = operations.Beginning(policy=POLICY, who="kim", now=self.paper.clock)
        operations.start(self.store, self.paper, NAMESPACE, SERVICE, beginning)

    def order(self, kind: CommandKind) -> None:
        command = Command(kind=kind, who="lee", when=self.paper.clock)
        operations.order(self.store, NAMESPACE, SERVICE, command)

    def finish(self) -> list[Standing | None]:
        """Control the rollout to its end; return what was seen on the way."""
        standings = []
        while not self.store.load(NAMESPACE, SERVICE).rollout.settled:
            self.paper.pass_time(60)
            world = World(
                traffic=self.paper,
                store=self.store,
                source=self.paper,
                now=lambda: self.paper.clock,
            )
            reconcile(world, self.store.load(NAMESPACE, SERVICE), 60)
            standings.append(self.standing())
        return standings

    def standing(self) -> Standing | None:
        status = self.paper.observe(NAMESPACE, SERVICE)
        return standing(status, newest_first(self.store, NAMESPACE, SERVICE))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_the_first_release_is_the_champion(scene: Scene):
    scene.paper.push("v1")
    assert scene.standing() == Standing(champion=V1)


def test_one_that_was_pushed_beside_it_is_the_candidate_before_a_rollout(scene: Scene):
    scene.paper.push("v1")
    scene.paper.push("v2", ready=False)
    assert scene.standing() == Standing(champion=V1, candidate=V2)


def test_a_promotion_counts_when_its_traffic_is_seen_and_not_before(scene: Scene):
    scene.paper.push("v1")
    scene.paper.push("v2")
    scene.start()
    *before, after = scene.finish()
    assert before
    assert set(before) == {Standing(champion=V1, candidate=V2)}
    assert after == Standing(champion=V2, previous=V1)


def test_a_rollback_takes_the_candidate_away_and_leaves_the_champion(scene: Scene):
    scene.paper.push("v1")
    scene.paper.push("v2")
    scene.start()
    scene.finish()
    scene.paper.push("v3")
    scene.paper.error_rate = 0.9
    scene.start()
    scene.order(CommandKind.ROLLBACK)
    assert scene.standing() is None  # It is decided, and not true.
    assert scene.finish()[-1] == Standing(champion=V2, previous=V1)


def test_a_promotion_that_a_person_takes_back_makes_the_one_before_champion_again(scene: Scene):
    scene.paper.push("v1")
    scene.paper.push("v2")
    scene.start()
    scene.finish()
    scene.order(CommandKind.ROLLBACK)
    assert scene.standing() is None
    assert scene.finish()[-1] == Standing(champion=V1)


def test_a_candidate_whose_place_another_takes_is_none_any_more(scene: Scene):
    scene.paper.push("v1")
    scene.paper.push("v2")
    scene.start()
    scene.order(CommandKind.SUPERSEDE)
    scene.finish()
    scene.paper.push("v3")
    assert scene.standing() == Standing(champion=V1, candidate=V3)


def test_a_promotion_by_somebody_else_counts_too(scene: Scene):
    scene.paper.push("v1")
    scene.paper.push("v2")
    scene.start()
    scene.paper.set_percent(100)
    assert scene.finish()[-1] == Standing(champion=V2, previous=V1)


def registration(uri: str, model: str, version: str) -> Registration:
    return Registration(uri=uri, server="http://m", model=model, version=version)


def test_a_release_that_is_not_registered_has_no_alias_and_takes_the_one_there_is():
    registered = {V1: registration(V1, "tips", "4")}
    now = Standing(champion=V2, candidate=V3, previous=V1)
    aliases = {"champion": "", "candidate": "", "previous": "4"}
    assert wanted(now, registered) == {("http://m", "tips"): aliases}
    assert wanted(now, {}) == {}


def test_a_model_that_is_renamed_leaves_no_champion_behind():
    registered = {V1: registration(V1, "old", "4"), V2: registration(V2, "new", "1")}
    assert wanted(Standing(champion=V2, previous=V1), registered) == {
        ("http://m", "new"): {"champion": "1", "candidate": "", "previous": ""},
        ("http://m", "old"): {"champion": "", "candidate": "", "previous": "4"},
    }


def test_the_trail_tells_where_a_release_is_registered(tmp_path: Path):
    trails = FileTrails(tmp_path)
    first, again = registration(V1, "tips", "1"), registration(V1, "tips", "2")
    second = registration(V2, "tips", "3")
    for each in (first, second, again):
        trails.append(NAMESPACE, SERVICE, lambda _, each=each: (entry(each, "kim"),))
    read = registrations(trails.read(NAMESPACE, SERVICE))
    assert list(read.items()) == [(V2, second), (V1, again)]
