"""Whatever dies, changes or is commanded, in any order: what must hold of a canary's traffic."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from paper_world import CANARY, NAMESPACE, SERVICE, STABLE, DyingStore, Killed, Paper

from kanaria.components.shared.errors import KanariaError, NotReadyError, ParameterError
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.reconcile_rollout import World, reconcile
from kanaria.serving.rollout.decision.audit_record import replay
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind, begin
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.policy.rollout_policy import parse

POLICY = parse(
    """
    steps:
      - {percent: 10, minimum_requests: 100, minimum_minutes: 1}
      - {percent: 50, minimum_requests: 100, minimum_minutes: 1}
    gates: {latency: false}
    """
)
SOON = 6
"""Minutes after which a canary that is not ready has no traffic, whatever the policy waits for."""
LONG = 60
COMMANDS = [CommandKind.PAUSE, CommandKind.RESUME, CommandKind.PROMOTE, CommandKind.ROLLBACK]


class Watched(Paper):
    """A platform that notes each share that rose while the canary was not ready."""

    def __init__(self) -> None:
        super().__init__()
        self.raised_unready: list[int] = []
        self.ours = True

    def set_percent(self, percent: int) -> None:
        before = self.shares().get(CANARY, 0) if self.observed.revisions else 0
        if self.ours and percent > before and CANARY in self.unready:
            self.raised_unready.append(percent)
        super().set_percent(percent)


class Scene:
    """A service with a canary at 0 %, its rollout, and controllers that may die."""

    def __init__(self, folder: Path) -> None:
        self.paper, self.store = Watched(), FileStore(folder)
        self.paper.push("v1")
        self.paper.push("v2")
        now = self.paper.clock
        operations.start(
            self.store,
            self.paper,
            NAMESPACE,
            SERVICE,
            operations.Beginning(policy=POLICY, who="kim", now=now),
        )

    def rollout(self):
        return self.store.load(NAMESPACE, SERVICE).rollout

    def share(self) -> int:
        return self.paper.shares().get(CANARY, 0)

    def look(self) -> None:
        """Let a minute pass, and a controller look once; what fails is tried again later."""
        paper = self.paper
        paper.pass_time(60)
        world = World(
            traffic=paper,
            store=DyingStore(self.store, paper),
            source=paper,
            now=lambda: paper.clock,
        )
        try:
            reconcile(world, self.store.load(NAMESPACE, SERVICE), 60)
        except (Killed, KanariaError):
            return

    def drive(self, minutes: int) -> None:
        for _ in range(minutes):
            self.look()

    def die_at(self, number: int) -> None:
        """Let the next controller die at its moment of this number, before or after a write."""
        moments = iter(range(number + 1))

        def count(_: str) -> None:
            if next(moments, number) == number:
                self.paper.wrote = lambda _: None
                raise Killed

        self.paper.wrote = count

    def command(self, kind: CommandKind) -> None:
        command = Command(kind=kind, who="kim", when=self.paper.clock)
        operations.order(self.store, NAMESPACE, SERVICE, command)

    def raise_share(self, percent: int) -> None:
        """Somebody changes the share by hand."""
        self.paper.ours = False
        self.paper.set_percent(percent)
        self.paper.ours = True


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.parametrize("percent", [1, 11, 60, 99])
def test_a_share_that_somebody_raised_is_taken_from_a_canary_that_is_not_ready(
    scene: Scene, percent: int
):
    scene.drive(2)
    assert scene.share() == 10
    scene.raise_share(percent)
    scene.paper.unready = {CANARY}
    scene.drive(SOON)
    assert scene.rollout().state.phase is Phase.ROLLED_BACK
    assert scene.share() == 0


@pytest.mark.parametrize("harm", ["not ready", "errors"])
def test_a_promotion_that_is_recorded_and_not_done_is_still_judged(scene: Scene, harm: str):
    promote, scene.paper.promote = scene.paper.promote, fail
    for _ in range(LONG):
        scene.look()
        if scene.rollout().state.phase is Phase.PROMOTED:
            break
    assert scene.share() == 50
    if harm == "not ready":
        scene.paper.promote, scene.paper.unready = promote, {CANARY}
    else:
        scene.paper.error_rate = 0.5
    scene.drive(SOON)
    assert scene.rollout().state.phase is Phase.ROLLED_BACK
    assert scene.rollout().settled
    assert scene.share() == 0


def fail(*_: object) -> None:
    raise NotReadyError("no answer")


def test_a_canary_is_judged_though_its_share_cannot_be_written(scene: Scene):
    scene.drive(2)
    scene.raise_share(20)
    scene.paper.shift = fail
    scene.paper.error_rate = 0.5
    scene.drive(SOON)
    assert scene.rollout().state.phase is Phase.ROLLED_BACK
    assert scene.share() == 0


def test_what_is_in_the_way_of_the_traffic_is_told(scene: Scene):
    scene.drive(2)
    scene.raise_share(20)
    scene.paper.shift = fail
    scene.paper.pass_time(60)
    paper = scene.paper
    world = World(traffic=paper, store=scene.store, source=paper, now=lambda: paper.clock)
    with pytest.raises(NotReadyError, match="no answer"):
        reconcile(world, scene.store.load(NAMESPACE, SERVICE), 60)
    assert scene.rollout().looked == paper.clock


def test_a_promotion_that_another_revision_overtakes_is_superseded(scene: Scene):
    scene.paper.promote = fail
    while scene.rollout().state.phase is not Phase.PROMOTED:
        scene.look()
    scene.paper.push("v3")
    scene.look()
    assert scene.rollout().state.phase is Phase.SUPERSEDED
    assert scene.paper.shares()[STABLE] == 100


class Rollouts(RuleBasedStateMachine):
    """Any order of looks, deaths, readiness, harm, commands and changes by hand."""

    @initialize()
    def make(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="kanaria-rollouts-")
        self.scene = Scene(Path(self.folder.name))

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(minutes=st.sampled_from([1, 2, SOON, LONG]))
    def drive(self, minutes: int) -> None:
        self.scene.drive(minutes)

    @rule(number=st.integers(0, 9))
    def die(self, number: int) -> None:
        self.scene.die_at(number)
        self.scene.look()
        self.scene.paper.wrote = lambda _: None

    @rule(unready=st.booleans(), errors=st.sampled_from([0.0, 0.01, 0.5]))
    def become(self, unready: bool, errors: float) -> None:
        self.scene.paper.unready = {CANARY} if unready else set()
        self.scene.paper.error_rate = errors

    @precondition(lambda self: self.scene.rollout().governs)
    @rule(percent=st.integers(0, 99))
    def somebody_changes_the_share(self, percent: int) -> None:
        self.scene.raise_share(percent)

    @rule(kind=st.sampled_from(COMMANDS))
    def command(self, kind: CommandKind) -> None:
        try:
            self.scene.command(kind)
        except ParameterError:
            return  # It is not allowed now.

    @precondition(lambda self: CANARY in self.scene.paper.unready)
    @rule()
    def what_is_not_ready_has_nothing_soon(self) -> None:
        self.scene.drive(SOON)
        if self.scene.paper.observe(NAMESPACE, SERVICE).rolled_out != CANARY:
            assert self.scene.share() == 0

    @invariant()
    def no_share_rose_while_the_canary_was_not_ready(self) -> None:
        assert self.scene.paper.raised_unready == []

    @invariant()
    def what_is_rolled_back_and_settled_has_nothing(self) -> None:
        rollout = self.scene.rollout()
        if rollout.settled and rollout.state.phase is Phase.ROLLED_BACK:
            assert self.scene.share() == 0

    @invariant()
    def the_record_replays_to_the_state(self) -> None:
        rollout = self.scene.rollout()
        entries = self.scene.store.entries(NAMESPACE, SERVICE, 1)
        decisions = replay(begin(rollout.started), entries, POLICY)
        assert not decisions or decisions[-1].state == rollout.state


TestRollouts = Rollouts.TestCase
TestRollouts.settings = settings(max_examples=50, stateful_step_count=12, deadline=None)
