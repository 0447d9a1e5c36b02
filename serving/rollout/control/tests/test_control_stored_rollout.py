"""Programs are upgraded while a rollout runs: what the old one kept, the new one goes on with.

`stored/format_0.*` is what a controller without numbered formats kept of a canary at 50 %.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from paper_world import CANARY, NAMESPACE, SERVICE, STABLE, Paper

from kanaria.components.shared.artifacts.document_format import NewerFormatError
from kanaria.serving.rollout.control import operations, stored_rollout
from kanaria.serving.rollout.control.file_store import FOLDER, FileStore
from kanaria.serving.rollout.control.reconcile_rollout import World, reconcile
from kanaria.serving.rollout.decision.audit_record import replay
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind, begin
from kanaria.serving.rollout.decision.rollout_state import Phase, State, plain

STORED = Path(__file__).with_name("stored")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state folder that the old program left."""
    folder = tmp_path / NAMESPACE / SERVICE / FOLDER
    folder.mkdir(parents=True)
    for suffix in ("json", "entries"):
        text = (STORED / f"format_0.{suffix}").read_text()
        (folder / f"1.{suffix}").write_text(text)
    return folder


@pytest.fixture
def paper() -> Paper:
    """The service as the old program left it."""
    paper = Paper(clock=1_000_300.0)
    paper.push("v1")
    paper.push("v2")
    paper.set_percent(50)
    paper.counters = {CANARY: [870.0, 8.7], STABLE: [2130.0, 21.3]}
    return paper


def driven(paper: Paper, store: FileStore):
    world = World(traffic=paper, store=store, source=paper, now=lambda: paper.clock)
    stored = store.load(NAMESPACE, SERVICE)
    for _ in range(240):
        if stored.rollout.settled:
            break
        paper.pass_time(30)
        stored = reconcile(world, stored, 60)
    return stored.rollout


def learnt(state: State) -> Any:
    """Leave out what the old program did not keep; none of its decisions rests on it."""

    def old(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        new = ("readiness", "beside_requests", "beside_events", "last")
        return {name: old(part) for name, part in value.items() if name not in new}

    return old(plain(state))


@pytest.mark.usefixtures("folder")
def test_a_rollout_goes_on_under_the_rules_it_began_with(tmp_path: Path):
    policy = FileStore(tmp_path).load(NAMESPACE, SERVICE).rollout.policy
    assert policy.gates.refusals is False
    assert (policy.unready_looks, policy.warm_up.minutes, policy.warm_up.requests) == (1, 0, 0)


@pytest.mark.parametrize(
    ("error_rate", "phase", "shares"),
    [
        (0.01, Phase.PROMOTED, {CANARY: 100}),
        (0.08, Phase.ROLLED_BACK, {CANARY: 0, STABLE: 100}),
    ],
)
def test_a_rollout_of_the_old_program_is_decided_upon_by_the_new_one(
    tmp_path: Path, folder: Path, paper: Paper, error_rate, phase, shares
):
    store, before = FileStore(tmp_path), (folder / "1.json").read_text()
    read_again = store.load(NAMESPACE, SERVICE).rollout
    assert (read_again.state.phase, read_again.state.step, read_again.entries) == (
        Phase.PROGRESSING,
        1,
        5,
    )
    assert (folder / "1.json").read_text() == before
    paper.error_rate = error_rate
    rollout = driven(paper, store)
    assert rollout.state.phase is phase
    assert paper.shares() == shares
    assert json.loads((folder / "1.json").read_text())["format"] == stored_rollout.FORMAT.newest


@pytest.mark.usefixtures("folder")
def test_the_record_of_both_programs_replays_to_the_state(tmp_path: Path, paper: Paper):
    store = FileStore(tmp_path)
    old = store.load(NAMESPACE, SERVICE).rollout
    entries = store.entries(NAMESPACE, SERVICE, 1)
    assert learnt(replay(begin(old.started), entries, old.policy)[-1].state) == learnt(old.state)
    new = driven(paper, store)
    entries = store.entries(NAMESPACE, SERVICE, 1)
    assert len(entries) == new.entries > old.entries
    assert learnt(replay(begin(new.started), entries, new.policy)[-1].state) == learnt(new.state)


@pytest.mark.usefixtures("folder")
def test_a_person_may_command_a_rollout_of_the_old_program(tmp_path: Path):
    command = Command(kind=CommandKind.ROLLBACK, who="kim", when=1_000_310.0)
    stored = operations.order(FileStore(tmp_path), NAMESPACE, SERVICE, command)
    assert stored.rollout.state.phase is Phase.ROLLED_BACK


def test_what_the_old_program_meets_of_a_newer_one_it_leaves_alone(
    tmp_path: Path, folder: Path, paper: Paper
):
    store = FileStore(tmp_path)
    stored = store.load(NAMESPACE, SERVICE)
    newest = stored_rollout.FORMAT.newest + 1
    text = json.dumps({**json.loads((folder / "1.json").read_text()), "format": newest})
    (folder / "1.json").write_text(text)
    refused = rf"1\.json: written by a newer Kanaria: format {newest}, this one knows"
    world = World(traffic=paper, store=store, source=paper, now=lambda: paper.clock + 60)
    with pytest.raises(NewerFormatError, match=refused):
        reconcile(world, stored, 60)
    with pytest.raises(NewerFormatError, match=refused):
        operations.order(
            store, NAMESPACE, SERVICE, Command(kind=CommandKind.PAUSE, who="kim", when=1.0)
        )
    with pytest.raises(NewerFormatError, match=refused):
        operations.start(
            store,
            paper,
            NAMESPACE,
            SERVICE,
            operations.Beginning(policy=stored.rollout.policy, who="kim", now=paper.clock),
        )
    assert (folder / "1.json").read_text() == text
    assert paper.shares() == {CANARY: 50, STABLE: 50}
