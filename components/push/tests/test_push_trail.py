"""What pushes say in the audit trail, killed before and after each of their writes."""

from pathlib import Path

import pytest

from kanaria.components.push.deliver_release import Endpoint
from kanaria.components.push.push_trail import PushTrail, blessed_by, pusher
from kanaria.components.shared.artifacts.model_evaluation import Measured, ModelEvaluation
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.audit.trail_files import FileTrails
from kanaria.serving.checks.check_result import judged

NAMES = ("default", "tips")
EVALUATION = ModelEvaluation(split="eval", rows=10, metrics={"auc": Measured(value=0.8, low=0.7)})


@pytest.fixture
def trails(tmp_path: Path) -> FileTrails:
    return FileTrails(tmp_path)


def trail(trails: FileTrails, version: str = "a", run: str = "run-1") -> PushTrail:
    blessing = Outcome(step="bless_model", passed=True, evaluation=EVALUATION)
    numbers = blessed_by(blessing, 10, {"release": version, "pipeline": "", "data_span": "1..2"})
    return PushTrail(
        trails=trails,
        namespace="default",
        service="tips",
        uri=f"s3://b/tips/{version}/model",
        who=pusher(run),
        numbers=numbers,
    )


def endpoint(pushed: bool = True) -> Endpoint:
    check = judged("load", [] if pushed else ["too slow"], numbers={"p99_ms": 12.5})
    return Endpoint(
        pushed=pushed,
        reason="tips-00002 is ready and gets 10 %",
        name="tips",
        namespace="default",
        revision="tips-00002",
        percent=10,
        checks=(check,),
    )


def trail_of(trails: FileTrails) -> list[tuple[str, str]]:
    entries = trails.read(*NAMES).entries
    return [(entry.what, entry.about.split("/")[-2]) for entry in entries]


def test_a_push_says_on_which_numbers_it_begins_and_what_came_of_it(trails: FileTrails):
    push = trail(trails)
    push.begin("bless_model passed")
    push.end(endpoint())
    begun, ended = trails.read(*NAMES).entries
    assert (begun.what, begun.who) == ("push", "push_model of run run-1")
    assert begun.numbers["evaluation"]["metrics"]["auc"] == {"value": 0.8, "low": 0.7, "high": None}
    assert (begun.numbers["canary_percent"], begun.numbers["data_span"]) == (10, "1..2")
    assert "pipeline" not in begun.numbers
    assert (ended.what, ended.numbers["revision"]) == ("pushed", "tips-00002")
    assert ended.numbers["checks"][0]["numbers"] == {"p99_ms": 12.5}


def test_the_same_push_after_a_death_goes_on_without_saying_so_twice(trails: FileTrails):
    trail(trails).begin("")
    trail(trails).begin("")  # Killed before it ended, run again.
    trail(trails).end(endpoint())
    trail(trails).end(endpoint())  # Killed after it had said so.
    assert trail_of(trails) == [("push", "a"), ("pushed", "a")]


def test_a_push_that_changed_nothing_says_nothing(trails: FileTrails):
    trail(trails).end(endpoint())
    assert trail_of(trails) == []


def test_pushes_that_overlap_are_told_apart(trails: FileTrails):
    first, second = trail(trails), trail(trails, "b", "run-2")
    first.begin("")
    second.begin("")
    first.end(endpoint())
    second.fail(NotReadyError("not ready\nin time"))
    assert trail_of(trails) == [("push", "a"), ("push", "b"), ("pushed", "a"), ("push failed", "b")]
    assert trails.read(*NAMES).entries[-1].why == "not ready in time"


def test_a_push_that_failed_and_is_tried_again_is_another_attempt(trails: FileTrails):
    for _ in range(2):
        trail(trails).begin("")
        trail(trails).fail(NotReadyError("not ready"))
    assert trail_of(trails) == [("push", "a"), ("push failed", "a")] * 2


def test_what_a_check_refused_before_anything_was_changed_is_told(trails: FileTrails):
    trail(trails).end(endpoint(pushed=False))
    assert trail_of(trails) == [("push refused", "a")]
    assert trails.read(*NAMES).entries[0].numbers["checks"][0]["reasons"] == ["too slow"]


def test_an_error_before_the_beginning_is_no_push(trails: FileTrails):
    trail(trails).fail(NotReadyError("a rollout is active"))
    assert trail_of(trails) == []
