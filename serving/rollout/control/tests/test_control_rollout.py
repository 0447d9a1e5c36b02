"""Whole rollouts over KServe's rules on paper: what is done and kept, and what a death leaves."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from paper_world import CANARY, NAMESPACE, SERVICE, STABLE, DyingStore, Killed, Paper

from kanaria.components.shared.errors import ConflictError, NotReadyError, ParameterError
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.reconcile_rollout import World, reconcile
from kanaria.serving.rollout.decision.audit_record import replay
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind, begin
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.policy.rollout_policy import Policy, parse

RAMP = parse(
    """
    steps:
      - {percent: 10, minimum_requests: 100, minimum_minutes: 2}
      - {percent: 50, minimum_requests: 100, minimum_minutes: 2}
    """
)

SHADOW = parse(
    """
    strategy: shadow
    mirror_percent: 100
    steps:
      - {percent: 0, minimum_requests: 100, minimum_minutes: 2}
      - {percent: 50, minimum_requests: 100, minimum_minutes: 2}
    gates: {predictions: false, disagreement: false, labels: false}  # There is no drift server.
    """
)


@pytest.fixture
def paper() -> Paper:
    """A service with one revision that has all traffic, and a second one at 0 %."""
    paper = Paper()
    paper.push("v1")
    paper.push("v2")
    return paper


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


def started(paper: Paper, store: FileStore, policy: Policy = RAMP):
    return operations.start(
        store,
        paper,
        NAMESPACE,
        SERVICE,
        operations.Beginning(policy=policy, who="kim", now=paper.clock),
    )


def world(paper: Paper, store) -> World:
    return World(traffic=paper, store=store, source=paper, now=lambda: paper.clock)


def driven(paper: Paper, store, minutes: int = 600):
    """Look twice a minute until the rollout is settled."""
    stored = store.load(NAMESPACE, SERVICE)
    for _ in range(2 * minutes):
        if stored.rollout.settled:
            break
        paper.pass_time(30)
        stored = reconcile(world(paper, store), store.load(NAMESPACE, SERVICE), 60)
    return stored.rollout


def order(store, kind: CommandKind, when: float = 0.0):
    command = Command(kind=kind, who="kim", when=when)
    return operations.order(store, NAMESPACE, SERVICE, command).rollout


def test_a_good_canary_climbs_and_is_promoted(paper: Paper, store: FileStore):
    started(paper, store)
    rollout = driven(paper, store)
    assert rollout.state.phase is Phase.PROMOTED
    assert paper.shares() == {CANARY: 100}
    entries = store.entries(NAMESPACE, SERVICE, 1)
    percents = [entry.percent for entry in entries]
    assert [share for share, _ in itertools.groupby(percents)] == [0, 10, 50]


def test_a_canary_that_errs_is_rolled_back(paper: Paper, store: FileStore):
    paper.error_rate = 0.05
    started(paper, store)
    assert driven(paper, store).state.phase is Phase.ROLLED_BACK
    assert paper.shares() == {CANARY: 0, STABLE: 100}


def test_a_canary_that_is_never_ready_gets_no_traffic(store: FileStore):
    paper = Paper()
    paper.push("v1")
    paper.push("v2", ready=False)
    started(paper, store)
    rollout = driven(paper, store)
    assert rollout.state.phase is Phase.ROLLED_BACK
    assert "not ready for 15 minutes" in rollout.state.last.reasons[0]
    assert {revision for revision, _ in paper.exposed} == {STABLE}


def test_the_record_replays_to_the_state(paper: Paper, store: FileStore):
    started(paper, store)
    rollout = driven(paper, store)
    entries = store.entries(NAMESPACE, SERVICE, 1)
    assert replay(begin(rollout.started), entries, RAMP)[-1].state == rollout.state
    assert len(entries) == rollout.entries


def test_a_pause_holds_the_traffic_and_a_resume_goes_on(paper: Paper, store: FileStore):
    started(paper, store)
    driven(paper, store, minutes=1)
    order(store, CommandKind.PAUSE, paper.clock)
    driven(paper, store, minutes=30)
    assert paper.shares() == {CANARY: 10, STABLE: 90}
    order(store, CommandKind.RESUME, paper.clock)
    assert driven(paper, store).state.phase is Phase.PROMOTED


def test_a_person_rolls_a_promoted_canary_back(paper: Paper, store: FileStore):
    started(paper, store)
    driven(paper, store)
    assert not order(store, CommandKind.ROLLBACK, paper.clock).settled
    rollout = driven(paper, store)
    assert (rollout.state.phase, rollout.settled) == (Phase.ROLLED_BACK, True)
    assert paper.shares()[STABLE] == 100


def test_a_newer_revision_ends_the_rollout_and_is_left_alone(paper: Paper, store: FileStore):
    started(paper, store)
    driven(paper, store, minutes=2)
    paper.push("v3")
    paper.set_percent(30)
    rollout = driven(paper, store)
    assert rollout.state.phase is Phase.SUPERSEDED
    assert paper.shares() == {"taxi-predictor-00003": 30, STABLE: 70}


def test_a_promotion_from_outside_ends_the_rollout(paper: Paper, store: FileStore):
    started(paper, store)
    driven(paper, store, minutes=2)
    paper.promote(NAMESPACE, SERVICE)
    assert driven(paper, store).state.phase is Phase.SUPERSEDED
    assert paper.shares() == {CANARY: 100}


def test_observing_changes_nothing(paper: Paper, store: FileStore):
    started(paper, store, parse("automation: observe"))
    paper.set_percent(10)
    writes = []
    paper.wrote = writes.append
    rollout = driven(paper, store, minutes=30)
    assert not writes
    assert rollout.state.proposed is not None


def test_starting_again_goes_on(paper: Paper, store: FileStore):
    assert started(paper, store) == started(paper, store)


def test_the_next_rollout_keeps_the_record_of_the_last(paper: Paper, store: FileStore):
    started(paper, store)
    driven(paper, store)
    before = store.entries(NAMESPACE, SERVICE, 1)
    paper.push("v3")
    assert started(paper, store).number == 2
    assert store.entries(NAMESPACE, SERVICE, 1) == before


def test_another_policy_is_refused_while_one_is_active(paper: Paper, store: FileStore):
    started(paper, store)
    with pytest.raises(ParameterError, match="rollout 1 is active under another policy"):
        started(paper, store, parse("strategy: basic"))


def test_a_canary_with_all_traffic_is_not_on_trial(paper: Paper, store: FileStore):
    paper.promote(NAMESPACE, SERVICE)
    with pytest.raises(ParameterError, match="nothing is on trial"):
        started(paper, store)


def test_a_service_that_is_not_there_is_named(paper: Paper, store: FileStore):
    with pytest.raises(NotReadyError, match="default/other: there is no such service"):
        operations.start(
            store, paper, NAMESPACE, "other", operations.Beginning(policy=RAMP, who="kim", now=0.0)
        )


def test_a_look_at_an_old_copy_changes_nothing(paper: Paper, store: FileStore):
    started(paper, store)
    old = store.load(NAMESPACE, SERVICE)
    driven(paper, store, minutes=1)
    stored, shares = store.load(NAMESPACE, SERVICE), paper.shares()
    with pytest.raises(ConflictError):
        reconcile(world(paper, store), old, 60)
    assert store.load(NAMESPACE, SERVICE) == stored
    assert paper.shares() == shares


def test_an_old_copy_of_a_rollout_that_was_rolled_back_gives_the_canary_nothing(
    paper: Paper, store: FileStore
):
    paper.error_rate = 0.05
    started(paper, store)
    driven(paper, store, minutes=1)
    old = store.load(NAMESPACE, SERVICE)
    assert old.rollout.state.desired_percent == 10
    driven(paper, store)
    with pytest.raises(ConflictError):
        reconcile(world(paper, store), old, 60)
    assert paper.shares() == {CANARY: 0, STABLE: 100}


def test_a_shadow_gets_copies_until_it_answers_itself(paper: Paper, store: FileStore):
    started(paper, store, SHADOW)
    driven(paper, store, minutes=1)
    assert (paper.shares(), paper.mirrored()) == ({CANARY: 0, STABLE: 100}, {CANARY: 100})
    driven(paper, store, minutes=6)
    assert (paper.shares(), paper.mirrored()) == ({CANARY: 50, STABLE: 50}, {})


def test_a_person_who_rolls_a_shadow_back_ends_the_copies(paper: Paper, store: FileStore):
    started(paper, store, SHADOW)
    driven(paper, store, minutes=1)
    order(store, CommandKind.ROLLBACK, paper.clock)
    assert driven(paper, store).settled
    assert (paper.shares(), paper.mirrored()) == ({CANARY: 0, STABLE: 100}, {})


def test_a_newer_revision_gets_no_copies_of_a_rollout_that_is_not_its_own(
    paper: Paper, store: FileStore
):
    started(paper, store, SHADOW)
    driven(paper, store, minutes=1)
    paper.push("v3")
    assert driven(paper, store).state.phase is Phase.SUPERSEDED
    assert paper.mirrored() == {}


def test_a_shadow_where_nothing_can_be_copied_is_refused(
    paper: Paper, store: FileStore, monkeypatch
):
    observed = paper.observe(NAMESPACE, SERVICE)
    cannot = replace(observed, mirrored_percent=None)
    monkeypatch.setattr(paper, "observe", lambda *_: cannot)
    with pytest.raises(ParameterError, match="replay the payload log"):
        started(paper, store, SHADOW)
    assert store.load(NAMESPACE, SERVICE) is None


@pytest.mark.parametrize("policy", [RAMP, SHADOW], ids=["canary", "shadow"])
@pytest.mark.parametrize("error_rate", [0.01, 0.05], ids=["good", "harmful"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_controller_may_die_at_any_write(
    tmp_path: Path, policy: Policy, error_rate: float, moment: str
):
    """It dies at its n-th write, for every n of the whole rollout, and another one goes on."""
    expected = died(tmp_path / "never", policy, error_rate, moment, 10**6)
    for number in itertools.count():
        survivor = died(tmp_path / str(number), policy, error_rate, moment, number)
        assert survivor[:2] == expected[:2], number
        if not survivor[2]:
            break
    assert number > 5


def died(folder: Path, policy: Policy, error_rate: float, moment: str, number: int):
    """Return the final phase and traffic, and whether the controller died at write `number`."""
    paper, store = Paper(error_rate=error_rate), FileStore(folder)
    paper.push("v1")
    paper.push("v2")
    started(paper, store, policy)
    writes = itertools.count()

    def kill(when: str) -> None:
        if when == moment and next(writes) == number:
            raise Killed

    paper.wrote = kill
    has_died = False
    try:
        driven(paper, DyingStore(store, paper))
    except Killed:
        has_died = True
    rollout = driven(paper, DyingStore(store, paper))
    entries = store.entries(NAMESPACE, SERVICE, 1)
    intervals = [entry.interval for entry in entries if isinstance(entry, Observation)]
    assert intervals == list(range(len(intervals)))
    assert replay(begin(rollout.started), entries, policy)[-1].state == rollout.state
    assert paper.mirrored() == {}
    assert all(ready for _, ready in paper.exposed)
    assert rollout.settled
    return rollout.state.phase, paper.shares(), has_died
