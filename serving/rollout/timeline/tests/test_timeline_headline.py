import pytest

from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.rollout.timeline.headline import headline
from kanaria.serving.rollout.timeline.history import read

RAMP = parse("steps: [{percent: 10}, {percent: 50}]")
ASKING = parse("automation: approve\napprove_before: [50%, promote]")
OBSERVING = parse("automation: observe\nsteps: [{percent: 10}]")


@pytest.fixture
def told(facts, started, make_record):
    """The headline after a record made with these arguments."""

    def tell(policy, minutes, **world):
        return headline(read(facts, policy, started, make_record(policy, minutes, **world)))

    return tell


def test_a_promotion_names_who_approved_it(told):
    orders = [(20, "approve", "kim"), (60, "approve", "alex")]
    found = told(ASKING, 80, orders=orders)
    assert found.light == "green"
    assert found.sentence.startswith("Promoted after 1 h and ")
    assert found.sentence.endswith(": every gate agrees; approved by alex.")


def test_a_promotion_that_a_person_ordered_says_so(told):
    found = told(RAMP, 10, orders=[(5, "promote", "kim")])
    assert found.sentence.endswith("requests of the canary: kim ordered it.")


def test_a_rollback_by_a_person_says_so(told):
    found = told(RAMP, 10, orders=[(6, "rollback", "kim")])
    assert found.light == "red"
    assert found.sentence.startswith("Rolled back after 5 min 30 s and ")
    assert found.sentence.endswith(": ordered by kim.")


def test_a_rollback_for_harm_names_the_gate_with_its_numbers(told):
    found = told(RAMP, 100, errors=lambda minute: 0.05)
    assert ": harm, above all in errors; errors: canary " in found.sentence


def test_another_revision_is_named(told):
    found = told(RAMP, 10, orders=[(6, "supersede", "revision flights-predictor-00003")])
    assert found.light == "yellow"
    assert found.sentence == "Superseded after 5 min 30 s by revision flights-predictor-00003."


def test_a_question_is_put(told):
    found = told(ASKING, 20)
    assert found.light == "yellow"
    assert found.sentence == (
        "Waiting for a person since 2026-11-21 11:28:00 UTC. May the step 50% begin?"
    )


def test_a_pause_names_who_made_it(told):
    found = told(RAMP, 10, orders=[(5, "pause", "kim")])
    assert found.sentence == "Paused at 10 % of the traffic: ordered by kim."


def test_traffic_that_others_set_is_not_claimed(facts, started, make_record):
    # The same record, read as one that only observes: it follows, and decides nothing.
    found = headline(read(facts, OBSERVING, started, make_record(RAMP, 100)))
    assert found.sentence.startswith("Under way at 50 % of the traffic: only observing; would")


def test_nothing_but_a_beginning_is_told_as_such(facts, started):
    found = headline(read(facts, RAMP, started, []))
    assert found.sentence == "Staged without traffic for 0 s: nothing is recorded yet."
