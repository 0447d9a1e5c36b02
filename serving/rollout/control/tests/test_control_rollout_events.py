"""What is told of whole rollouts on paper: each thing once, by whoever works on it."""

from pathlib import Path

import pytest
from paper_world import CANARY, NAMESPACE, SERVICE, STABLE, Paper

from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.reconcile_rollout import World, reconcile
from kanaria.serving.rollout.control.rollout_events import LONGEST, RolloutEvent, events_between
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind
from kanaria.serving.rollout.policy.rollout_policy import parse

STEPS = """
steps:
  - {percent: 10, minimum_requests: 100, minimum_minutes: 2}
  - {percent: 50, minimum_requests: 100, minimum_minutes: 2}
"""
ASKS = f"{STEPS}automation: approve\napprove_before: [promote]\n"


class Story:
    """A rollout on paper, and all that two controllers in turn tell of it."""

    def __init__(self, folder: Path, policy: str, error_rate: float = 0.01) -> None:
        self.paper, self.store = Paper(error_rate=error_rate), FileStore(folder)
        self.paper.push("v1")
        self.paper.push("v2")
        operations.start(
            self.store,
            self.paper,
            NAMESPACE,
            SERVICE,
            operations.Beginning(policy=parse(policy), who="kim", now=0.0),
        )
        self.before, self.events = None, []

    def hear(self, rollout) -> None:
        self.events += events_between(self.before, rollout)
        self.before = rollout

    def minutes(self, count: int) -> "Story":
        world = World(
            traffic=self.paper, store=self.store, source=self.paper, now=lambda: self.paper.clock
        )
        for _ in range(2 * count):
            self.paper.pass_time(30)
            self.hear(reconcile(world, self.store.load(NAMESPACE, SERVICE), 60).rollout)
        return self

    def order(self, kind: CommandKind) -> "Story":
        command = Command(kind=kind, who="kim", when=self.paper.clock)
        self.hear(operations.order(self.store, NAMESPACE, SERVICE, command).rollout)
        return self

    @property
    def reasons(self) -> list[str]:
        """What is new: repetitions are counted, and that nothing changes is no news."""
        names = dict.fromkeys(one.name for one in self.events if one.reason != "Held")
        return [next(one.reason for one in self.events if one.name == name) for name in names]

    def first(self, reason: str) -> RolloutEvent:
        return next(one for one in self.events if one.reason == reason)


def test_a_good_canary_is_told_from_its_beginning_to_its_promotion(tmp_path: Path):
    story = Story(tmp_path, STEPS).minutes(30)
    assert story.reasons == ["Started", "Raised", "Raised", "Promoted"]
    started = story.first("Started")
    ten, fifty = (one for one in story.events if one.reason == "Raised")
    assert started.message == (f"rollout 1: {CANARY} against {STABLE}, canary, begun by kim")
    assert f"{CANARY} gets 10 % of the requests" in ten.message
    assert f"{CANARY} gets 50 % of the requests: " in fifty.message
    assert "errors: canary" in fifty.message
    assert not any(one.is_warning for one in story.events)


def test_a_bad_canary_ends_with_a_warning_that_says_why(tmp_path: Path):
    story = Story(tmp_path, STEPS, error_rate=0.3).minutes(30)
    assert story.reasons == ["Started", "Raised", "RolledBack"]
    assert story.events[-1].is_warning
    assert f"{STABLE} gets all requests, {CANARY} none: " in story.events[-1].message


def test_a_question_and_its_answer_are_told(tmp_path: Path):
    story = Story(tmp_path, ASKS).minutes(30)
    assert story.reasons == ["Started", "Raised", "Raised", "Asked"]
    assert story.first("Asked").is_warning
    story.order(CommandKind.APPROVE).minutes(3)
    assert story.reasons[4:] == ["Resumed", "Promoted"]


def test_pauses_and_a_persons_rollback_are_told_with_the_person(tmp_path: Path):
    story = Story(tmp_path, STEPS).minutes(2)
    for kind in (CommandKind.PAUSE, CommandKind.RESUME, CommandKind.ROLLBACK):
        story.order(kind)
    assert story.reasons[-3:] == ["Paused", "Resumed", "RolledBack"]
    assert story.events[-1].message.endswith("kim: rollback")


def test_a_newer_revision_is_told(tmp_path: Path):
    story = Story(tmp_path, STEPS).minutes(2)
    story.paper.push("v3")
    assert story.minutes(1).reasons[-1] == "Superseded"


def test_names_are_the_same_whoever_tells(tmp_path: Path):
    story = Story(tmp_path, STEPS).minutes(1)
    again = events_between(None, story.store.load(NAMESPACE, SERVICE).rollout)
    assert {one.name for one in again} <= {one.name for one in story.events}
    assert all(one.name.startswith(f"{SERVICE}-rollout-1.") for one in story.events)


def test_looks_that_change_nothing_are_one_thing_that_happens_again(tmp_path: Path):
    story = Story(tmp_path, STEPS, error_rate=0.0125)
    story.paper.requests_a_minute = 10
    story.minutes(60)
    held = [one for one in story.events if one.reason == "Held" and one.name.endswith("-10")]
    entries = story.store.load(NAMESPACE, SERVICE).rollout.entries
    assert len(held) > 50
    assert len({(one.name, one.message) for one in held}) == 1
    assert [one.entry for one in held] == list(range(held[0].entry, held[0].entry + len(held)))
    assert len({one.name for one in story.events}) < 6 < entries


def test_two_steps_and_two_questions_are_different_things(tmp_path: Path):
    story = Story(tmp_path, ASKS).minutes(30)
    story.order(CommandKind.APPROVE).minutes(3)
    raised = {one.name for one in story.events if one.reason == "Raised"}
    assert raised == {f"{SERVICE}-rollout-1.raised-10", f"{SERVICE}-rollout-1.raised-50"}
    assert story.first("Asked").name == f"{SERVICE}-rollout-1.asked-step-50"


def test_a_controller_that_starts_anew_tells_nothing_old(tmp_path: Path):
    story = Story(tmp_path, STEPS).minutes(10)
    assert events_between(None, story.store.load(NAMESPACE, SERVICE).rollout) == ()


@pytest.mark.parametrize("who", ["k" * 5000, "ü€😀" * 700, "kim\nType: forged", "kim\x1b[31m"])
def test_a_message_is_one_short_line(tmp_path: Path, who: str):
    paper, store = Paper(), FileStore(tmp_path)
    paper.push("v1")
    paper.push("v2")
    rollout = operations.start(
        store,
        paper,
        NAMESPACE,
        SERVICE,
        operations.Beginning(policy=parse(STEPS), who=who, now=0.0),
    )
    (one,) = events_between(None, rollout)
    assert len(one.message.encode()) <= LONGEST
    assert one.message.isprintable()
