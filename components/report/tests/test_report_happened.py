"""How a run ended, from what KFP says and what the steps left."""

import pytest

from kanaria.components.report.run_outcome import Cause, Left, Outcome, State, Status, Step, causes
from kanaria.components.report.run_outcome import outcome as judged

PUSHED = Step(name="push-model", state=State.SUCCEEDED)
FAILED = Step(name="train-model", state=State.FAILED, cause="ValueError: too salty")
ABSENT = Step(name="push-model", state=State.ABSENT)
REFUSED = Step(
    name="evaluate-model", state=State.SUCCEEDED, passed=False, verdict="evaluate_model did not"
)


def judgement(state: str, *steps: Step, message: str = "") -> tuple[Outcome, list[Cause]]:
    status, left = Status(state=state, message=message), Left(steps=steps)
    outcome = judged(status, left, "push-model")
    return outcome, list(causes(outcome, status, left, "push-model"))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("SUCCEEDED", "succeeded"),
        ("COMPLETE", "succeeded"),
        ("CACHED", "succeeded"),
        ("FAILED", "failed"),
        ("CANCELLED", "cancelled"),
        ("CANCELED", "cancelled"),
    ],
)
def test_what_kfp_says_counts_by_the_names_of_its_sdk_and_of_its_back_end(
    state: str, expected: str
):
    assert judgement(state)[0] == expected


@pytest.mark.parametrize("state", ["RUNNING", "UNKNOWN", "NEW", "", "SOMETHING"])
def test_where_kfp_does_not_know_the_last_step_tells(state: str):
    assert judgement(state, PUSHED) == (Outcome.SUCCEEDED, [])
    assert judgement(state, FAILED, ABSENT)[0] is Outcome.FAILED
    assert judgement(state, ABSENT)[0] is Outcome.UNFINISHED


def test_a_failed_step_beside_the_path_fails_a_run_that_kfp_leaves_running():
    assert judgement("RUNNING", FAILED, PUSHED)[0] is Outcome.FAILED


def test_a_run_that_succeeded_has_no_causes():
    assert judgement("COMPLETE", REFUSED, PUSHED)[1] == []


def test_failures_and_verdicts_are_causes():
    assert judgement("FAILED", REFUSED, FAILED)[1] == [
        Cause(step="train-model", text="ValueError: too salty"),
        Cause(step="evaluate-model", text="evaluate_model did not"),
    ]


def test_a_verdict_that_a_later_step_raised_is_told_once():
    push = Step(name="push-model", state=State.FAILED, cause="DataError: evaluate_model did not")
    assert judgement("FAILED", REFUSED, push)[1] == [
        Cause(step="push-model", text="DataError: evaluate_model did not")
    ]


def test_what_one_turn_of_a_loop_raised_is_a_cause_where_the_run_failed():
    loop = Step(name="bake", state=State.SUCCEEDED, cause="KeyError: 'b'")
    assert judgement("FAILED", loop)[1] == [Cause(step="bake", text="KeyError: 'b'")]
    assert judgement("COMPLETE", loop)[1] == []


def test_a_step_that_was_killed_tells_what_it_last_wrote():
    killed = Step(name="train-model", state=State.ENDED, cause="step 90 of 100")
    outcome, (cause,) = judgement("RUNNING", killed, ABSENT)
    assert outcome is Outcome.UNFINISHED
    assert cause.step == "train-model"
    assert cause.text.endswith("it last wrote: step 90 of 100")


def test_an_ended_step_is_not_blamed_when_a_later_one_began():
    resolved = Step(name="resolve-span", state=State.ENDED, cause="chose span 7")
    ingested = Step(name="ingest-data", state=State.SUCCEEDED)
    (cause,) = judgement("RUNNING", resolved, ingested, ABSENT)[1]
    assert cause.step == "push-model"


def test_what_kfp_itself_says_counts_where_no_step_said_why():
    assert judgement("FAILED", ABSENT, message="no quota")[1] == [Cause(step="", text="no quota")]
    assert judgement("FAILED", FAILED, message="no quota")[1][0].step == "train-model"


@pytest.mark.parametrize("state", ["FAILED", "RUNNING", "CANCELLED"])
def test_every_run_that_did_not_succeed_has_a_cause(state: str):
    assert len(judgement(state)[1]) == 1
