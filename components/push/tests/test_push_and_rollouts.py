"""Pushes and rollouts of one service, each killed or interrupted at any write of the other's."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from paper_world import NAMESPACE, SERVICE, DyingStore, Killed, Paper

from kanaria.components.push import pending_mark
from kanaria.components.push.active_rollout import Rollouts
from kanaria.components.push.deliver_release import Endpoint, deliver
from kanaria.components.shared.errors import KanariaError, NotReadyError, ParameterError
from kanaria.components.shared.storage import uri_files
from kanaria.serving.checks.check_result import Result, judged
from kanaria.serving.delivery_mapping import OnActive
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.local.controller import reconcile
from kanaria.serving.rollout.control import operations, reconcile_rollout
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.policy.rollout_policy import Policy, parse

POLICY = parse(
    """
    steps: [{percent: 50, minimum_requests: 100, minimum_minutes: 2}]
    gates: {latency: false}
    """
)
BLUE_GREEN = parse("strategy: blue_green\nautomation: auto\ngates: {latency: false}")
FEW_MINUTES, MANY_MINUTES = 3, 30


class Checks:
    """A gate that refuses what a test says."""

    def __init__(self) -> None:
        self.refuses = False

    def before(self, _service: ServiceSpec) -> tuple[Result, ...]:
        return ()

    def at_zero(self, _service: ServiceSpec, _url: str, _stable: object) -> tuple[Result, ...]:
        return (judged("load", ["too slow"] if self.refuses else []),)


class Platform(Paper):
    """The service; every write to it is told before and after, that of a push too."""

    manifest_is_refused = False

    def stage(self, manifest: Any) -> None:
        if self.manifest_is_refused:
            raise ParameterError("admission webhook denied the request")
        self.wrote("before")
        self.manifest = dict(manifest)
        self._adopt()
        self.observed = reconcile.mark_ready(self.observed, self.observed.revisions[-1].name)
        self.wrote("after")


class Scene:
    """One service whose first model has all traffic."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.checks = folder, Checks()
        self.platform = Platform()
        self.platform.push("one")
        self.store = FileStore(folder / "state")

    def pending(self, model: str) -> str:
        return str(self.folder / f"{model}{pending_mark.ENDING}")

    def world(self) -> reconcile_rollout.World:
        return reconcile_rollout.World(
            traffic=self.platform,
            store=DyingStore(self.store, self.platform),
            source=self.platform,
            now=lambda: self.platform.clock,
        )

    def push(self, model: str = "two", on_active: OnActive = OnActive.REFUSE) -> Endpoint:
        spec = ServiceSpec(
            name=SERVICE, namespace=NAMESPACE, storage_uri=f"/models/{model}", canary_percent=10
        )
        rollouts = Rollouts(
            world=self.world(),
            namespace=NAMESPACE,
            service=SERVICE,
            on_active=on_active,
            who="push_model",
        )
        pending = self.pending(model)
        return deliver(self.platform, spec, 1, pending, self.checks, rollouts=rollouts)

    def start(self, policy: Policy = POLICY) -> None:
        now = self.platform.clock
        operations.start(
            self.store,
            self.platform,
            NAMESPACE,
            SERVICE,
            operations.Beginning(policy=policy, who="kim", now=now),
        )

    def drive(self, minutes: int) -> None:
        for _ in range(minutes):
            self.platform.pass_time(60)
            stored = self.store.load(NAMESPACE, SERVICE)
            if stored is not None:
                reconcile_rollout.reconcile(self.world(), stored, 60)

    def phase(self) -> Phase:
        return self.store.load(NAMESPACE, SERVICE).rollout.state.phase

    def shares(self) -> dict[str, int]:
        """Return model -> percent, of those that have any."""
        uris = {one.name: one.storage_uri for one in self.platform.observed.revisions}
        shares = self.platform.shares().items()
        return {uris[name].rsplit("/", 1)[1]: share for name, share in shares if share}


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene(tmp_path)
    report_marks(scene, monkeypatch)
    return scene


def report_marks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the writes of marks be told as those to the platform are."""
    for module, verb in ((pending_mark, "put"), (uri_files, "remove")):
        monkeypatch.setattr(module, verb, _reported(scene, getattr(module, verb)))


def _reported(scene: Scene, write: Callable[..., None]) -> Callable[..., None]:
    def writes(*arguments: Any) -> None:
        scene.platform.wrote("before")
        write(*arguments)
        scene.platform.wrote("after")

    return writes


def at(scene: Scene, number: int, what: Callable[[], None]) -> None:
    """Let something happen once, at the moment of this number: before or after a write."""
    moments = itertools.count()

    def happen(_: str) -> None:
        if next(moments) == number:
            scene.platform.wrote = lambda _: None
            what()

    scene.platform.wrote = happen


def die() -> None:
    raise Killed


def killed(scene: Scene, number: int, *arguments: Any) -> bool:
    """Push, and be killed at the moment of this number; tell whether it came to that."""
    at(scene, number, die)
    try:
        scene.push(*arguments)
    except Killed:
        return True
    except KanariaError:
        return False
    finally:
        scene.platform.wrote = lambda _: None
    return False


def every_moment(make: Callable[[int], Scene], act: Callable[[Scene, int], bool]) -> None:
    """Act at one moment after the other, each in a scene of its own, until there is none left."""
    number = 0
    while act(make(number), number):
        number += 1
    assert number > 3


def scenes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Scene]:
    def make(number: int) -> Scene:
        monkeypatch.undo()
        scene = Scene(folder / str(number))
        report_marks(scene, monkeypatch)
        return scene

    return make


def test_a_push_that_was_refused_and_is_run_again_leaves_an_active_rollout_alone(scene: Scene):
    scene.checks.refuses = True
    assert not scene.push().pushed
    scene.start()
    scene.drive(FEW_MINUTES)
    scene.checks.refuses = False
    endpoint = scene.push()
    assert endpoint.reason == "default/taxi rollout 1 decides over its traffic; nothing was changed"
    assert scene.shares() == {"one": 50, "two": 50}
    assert not uri_files.exists(scene.pending("two"))


def test_a_push_that_was_refused_gives_nothing_to_what_was_rolled_back_since(scene: Scene):
    scene.checks.refuses = True
    scene.push()
    scene.platform.error_rate = 0.5
    scene.start()
    scene.drive(MANY_MINUTES)
    assert scene.phase() is Phase.ROLLED_BACK
    scene.checks.refuses = False
    endpoint = scene.push()
    assert endpoint.percent == 0
    assert "rollout 1 has rolled it back (harm, above all in errors)" in endpoint.reason
    assert "`kanaria rollout start` tries it again" in endpoint.reason
    assert scene.shares() == {"one": 100}


def test_a_push_killed_at_any_moment_gives_nothing_to_what_was_rolled_back_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def act(scene: Scene, number: int) -> bool:
        was_killed = killed(scene, number)
        status = scene.platform.observe(NAMESPACE, SERVICE)
        if status.storage_uri != "/models/two":
            return was_killed  # It was killed before there was anything to roll out.
        scene.platform.error_rate = 0.5
        scene.start()
        scene.drive(MANY_MINUTES)
        assert scene.phase() is Phase.ROLLED_BACK
        for again in range(20):
            if not killed(scene, again):
                break
            assert scene.shares() == {"one": 100}, again
        scene.push()
        assert scene.shares() == {"one": 100}
        return was_killed

    every_moment(scenes(tmp_path, monkeypatch), act)


@pytest.mark.parametrize("error_rate", [0.01, 0.5])
def test_a_rollout_that_begins_at_any_moment_of_a_push_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error_rate: float
):
    def act(scene: Scene, number: int) -> bool:
        begun = []

        def begin() -> None:
            begun.append(True)
            status = scene.platform.observe(NAMESPACE, SERVICE)
            if status.storage_uri == "/models/two":
                scene.start()
                scene.drive(MANY_MINUTES)

        scene.platform.error_rate = error_rate
        at(scene, number, begin)
        scene.push()
        scene.platform.wrote = lambda _: None
        if scene.store.load(NAMESPACE, SERVICE) is not None:
            promoted = error_rate < 0.1
            assert scene.phase() is (Phase.PROMOTED if promoted else Phase.ROLLED_BACK)
            assert scene.shares() == ({"two": 100} if promoted else {"one": 100})
        return bool(begun)

    every_moment(scenes(tmp_path, monkeypatch), act)


def test_another_model_is_refused_before_anything_is_written(scene: Scene):
    scene.push()
    scene.start()
    scene.drive(FEW_MINUTES)
    writes: list[str] = []
    scene.platform.wrote = writes.append
    with pytest.raises(NotReadyError, match="rollout 1 is active: taxi-predictor-00002 at 50 %"):
        scene.push("three")
    assert not writes
    assert scene.shares() == {"one": 50, "two": 50}


def test_the_canary_that_is_superseded_has_nothing_when_the_next_manifest_is_refused(
    scene: Scene,
):
    scene.push()
    scene.start()
    scene.drive(FEW_MINUTES)
    scene.platform.manifest_is_refused = True
    with pytest.raises(ParameterError, match="denied"):
        scene.push("three", OnActive.SUPERSEDE)
    assert scene.shares() == {"one": 100}
    assert scene.phase() is Phase.SUPERSEDED
    scene.platform.manifest_is_refused = False
    assert scene.push("three").percent == 10
    assert scene.shares() == {"one": 90, "three": 10}


def test_what_was_rolled_back_and_then_promoted_by_hand_is_simply_served(scene: Scene):
    scene.push()
    scene.platform.error_rate = 0.5
    scene.start()
    scene.drive(MANY_MINUTES)
    scene.platform.promote(NAMESPACE, SERVICE)
    endpoint = scene.push()
    assert (endpoint.reason, endpoint.percent) == ("already served; nothing was changed", 100)


def test_a_switched_revision_that_is_superseded_while_it_is_watched_goes_back(scene: Scene):
    scene.push()
    scene.platform.rollback(NAMESPACE, SERVICE)
    scene.start(BLUE_GREEN)
    while scene.shares() != {"two": 100}:
        scene.drive(1)
    assert scene.phase() is Phase.PROGRESSING
    scene.platform.manifest_is_refused = True
    with pytest.raises(ParameterError, match="denied"):
        scene.push("three", OnActive.SUPERSEDE)
    assert scene.shares() == {"one": 100}


def test_a_push_that_was_refused_changes_nothing_of_what_was_done_since_it_was_promoted(
    scene: Scene,
):
    scene.checks.refuses = True
    scene.push()
    scene.start()
    scene.drive(MANY_MINUTES)
    assert scene.phase() is Phase.PROMOTED
    scene.platform.rollback(NAMESPACE, SERVICE)  # As kubectl does.
    scene.checks.refuses = False
    assert scene.push().reason == "already served; nothing was changed"
    assert scene.shares() == {"one": 100}


def test_a_push_that_supersedes_and_is_killed_leaves_no_share_that_nobody_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def act(scene: Scene, number: int) -> bool:
        scene.push()
        scene.start()
        scene.drive(FEW_MINUTES)
        was_killed = killed(scene, number, "three", OnActive.SUPERSEDE)
        scene.platform.error_rate = 0.5
        scene.drive(MANY_MINUTES)
        assert "two" not in scene.shares()
        scene.push("three")
        # Its own push gives a canary its share; without a rollout nobody is to judge it.
        assert scene.shares() == {"one": 90, "three": 10}
        return was_killed

    every_moment(scenes(tmp_path, monkeypatch), act)


def test_a_rollout_whose_place_another_revision_has_taken_refuses_nobody(scene: Scene):
    scene.push()
    scene.start()
    scene.drive(FEW_MINUTES)
    scene.platform.push("three")  # As kubectl does, and no controller is alive to note it.
    scene.push("four")
    assert scene.shares() == {"one": 90, "four": 10}
    assert scene.phase() is Phase.SUPERSEDED


def test_a_model_that_was_rolled_back_and_comes_again_later_is_staged_and_gets_nothing(
    scene: Scene,
):
    scene.push()
    scene.platform.error_rate = 0.5
    scene.start()
    scene.drive(MANY_MINUTES)
    scene.push("three")
    scene.checks.refuses = True
    assert not scene.push("two").pushed
    assert not scene.push("two").pushed
    scene.checks.refuses = False
    assert scene.push("two").percent == 0
    assert scene.shares() == {"one": 100}
    scene.start()  # A person wishes it.
    assert scene.phase() is Phase.STAGED


def test_a_store_that_cannot_be_read_stops_the_push(scene: Scene):
    scene.checks.refuses = True
    scene.push()
    scene.start()
    scene.checks.refuses = False
    path = scene.folder / "state" / NAMESPACE / SERVICE / "rollouts" / "1.json"
    path.write_text("{")
    with pytest.raises(KanariaError, match=r"1\.json"):
        scene.push()
    assert scene.shares() == {"one": 100}


class PushesAndRollouts(RuleBasedStateMachine):
    """Any order of pushes, rollouts, deaths, harm and commands."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self._folder = tempfile.TemporaryDirectory(prefix="kanaria-pushes-")
        self.scene = Scene(Path(self._folder.name))
        self._patch = pytest.MonkeyPatch()
        report_marks(self.scene, self._patch)

    def teardown(self) -> None:
        self._patch.undo()
        self._folder.cleanup()

    @rule(
        model=st.sampled_from(["one", "two", "three"]),
        on_active=st.sampled_from(OnActive),
        refuses=st.booleans(),
        number=st.integers(0, 12),
    )
    def push(self, model: str, on_active: OnActive, refuses: bool, number: int) -> None:
        before, active = self.scene.shares(), self.governing()
        self.scene.checks.refuses = refuses
        killed(self.scene, number, model, on_active)
        if active and on_active is OnActive.REFUSE:
            assert self.scene.shares() == before

    @precondition(lambda self: not self.governing())
    @rule()
    def start(self) -> None:
        try:
            self.scene.start()
        except KanariaError:
            return  # Nothing is on trial.

    @rule(minutes=st.sampled_from([1, FEW_MINUTES, MANY_MINUTES]), errors=st.sampled_from([0, 0.5]))
    def drive(self, minutes: int, errors: float) -> None:
        self.scene.platform.error_rate = errors
        self.scene.drive(minutes)

    @precondition(lambda self: self.governing())
    @rule(kind=st.sampled_from([CommandKind.ROLLBACK, CommandKind.PROMOTE, CommandKind.PAUSE]))
    def command(self, kind: CommandKind) -> None:
        command = Command(kind=kind, who="kim", when=self.scene.platform.clock)
        try:
            operations.order(self.scene.store, NAMESPACE, SERVICE, command)
        except ParameterError:
            return  # It is paused already.
        self.scene.drive(1)

    def governing(self) -> bool:
        stored = self.scene.store.load(NAMESPACE, SERVICE)
        return stored is not None and stored.rollout.governs

    @invariant()
    def what_was_rolled_back_has_nothing(self) -> None:
        stored = self.scene.store.load(NAMESPACE, SERVICE)
        if stored is None or not stored.rollout.settled:
            return
        if stored.rollout.state.phase is Phase.ROLLED_BACK:
            model = stored.rollout.target.canary_uri.rsplit("/", 1)[1]
            assert model not in self.scene.shares()

    @invariant()
    def somebody_has_all(self) -> None:
        assert sum(self.scene.shares().values()) == 100


TestPushesAndRollouts = PushesAndRollouts.TestCase
TestPushesAndRollouts.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
