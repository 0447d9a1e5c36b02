"""A canary whose release is not the signed one any more gets no more requests."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from paper_world import CANARY, NAMESPACE, SERVICE, STABLE, Paper
from signed_releases import published
from signing_keys import Pair, pair

from kanaria.components.shared.artifacts.verify_keys import VERIFY_KEY
from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.rollout.control import operations, signed_canary
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.reconcile_rollout import World, reconcile
from kanaria.serving.rollout.decision.audit_record import replay
from kanaria.serving.rollout.decision.rollout_commands import begin
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.policy.rollout_policy import parse

RAMP = parse(
    """
    steps:
      - {percent: 10, minimum_requests: 100, minimum_minutes: 2}
      - {percent: 50, minimum_requests: 100, minimum_minutes: 2}
    """
)


class Scene:
    """A rollout on paper of a real signed release, whose canary is better than the stable one."""

    def __init__(self, folder: Path, keys: Pair) -> None:
        """Push the second revision, and begin to roll it out."""
        self.release = published(folder, keys)
        self.paper, self.store = Paper(), FileStore(folder / "state")
        self.paper.push("v1")
        self.paper.push("v2", uri=f"{self.release}/model")
        beginning = operations.Beginning(policy=RAMP, who="kim", now=self.paper.clock)
        operations.start(self.store, self.paper, NAMESPACE, SERVICE, beginning)

    def look(self, require_signed: Callable[[str], None] = signed_canary.require):
        """Let half a minute pass; return the rollout after a look."""
        paper = self.paper
        paper.pass_time(30)
        world = World(
            traffic=paper,
            store=self.store,
            source=paper,
            now=lambda: paper.clock,
            require_signed=require_signed,
        )
        return reconcile(world, self.store.load(NAMESPACE, SERVICE), 60).rollout

    def until(self, percent: int) -> None:
        """Look until the canary has a share of the requests."""
        for _ in range(200):
            self.look()
            if self.paper.shares().get(CANARY) == percent:
                return
        raise AssertionError(self.paper.shares())


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    own = pair(tmp_path, "own")
    monkeypatch.setenv(VERIFY_KEY, str(own.public))
    return Scene(tmp_path, own)


def test_a_signed_canary_is_promoted(scene: Scene):
    scene.until(100)


@pytest.mark.parametrize("percent", [0, 10, 50])
def test_what_was_changed_in_the_store_is_rolled_back_before_it_gets_more(
    scene: Scene, percent: int
):
    if percent:
        scene.until(percent)
    (scene.release / "model/1/variables/data").write_text("weightz")
    rollout = scene.look()
    while not rollout.settled:
        rollout = scene.look()
    assert rollout.state.phase is Phase.ROLLED_BACK
    assert scene.paper.shares() == {CANARY: 0, STABLE: 100}
    said = "signature check: rollback: "
    assert rollout.state.last.reasons[0].startswith(f"{said}{scene.release}: not the signed")
    assert "model/1/variables/data is not what was signed" in rollout.state.last.reasons[0]
    # It never had more than before, and its record tells the same again.
    entries = scene.store.entries(NAMESPACE, SERVICE, 1)
    assert replay(begin(0.0), entries, RAMP)[-1].state == rollout.state


def test_without_its_signature_a_canary_gets_nothing(scene: Scene):
    (scene.release / "release.sig").unlink()
    while not (rollout := scene.look()).settled:
        pass
    assert "not signed: there is no" in rollout.state.last.reasons[0]
    assert {revision for revision, _ in scene.paper.exposed} == {STABLE}


def test_while_the_store_does_not_answer_a_canary_keeps_what_it_has_and_is_judged(scene: Scene):
    scene.until(10)

    def away(uri: str) -> None:
        raise NotReadyError(f"{uri}: no answer")

    with pytest.raises(NotReadyError, match="no answer"):
        for _ in range(200):
            scene.look(away)
    assert scene.paper.shares() == {CANARY: 10, STABLE: 90}
    scene.paper.error_rate = 0.2
    for _ in range(200):
        with suppress(NotReadyError):
            if scene.look(away).settled:
                break
    assert scene.paper.shares() == {CANARY: 0, STABLE: 100}
