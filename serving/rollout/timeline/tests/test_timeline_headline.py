import pytest

from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.rollout.timeline.headline import headline
from kanaria.serving.rollout.timeline.record_history import read

RAMP = parse("steps: [{percent: 10}, {percent: 50}]")
ASKING = parse("automation: approve\napprove_before: [50%, promote]")
OBSERVING = parse("automation: observe\nsteps: [{percent: 10}]")


@pytest.fixture
def headline_of(facts, started, make_record):
    """The headline after a record made with these arguments."""

    def tell(policy, minutes, **world):
        return headline(read(facts, policy, started, make_record(policy, minutes, **world)))

    return tell


def test_a_promotion_names_who_approved_it(headline_of):
    orders = [(20, "approve", "kim"), (60, "approve", "alex")]
    verdict = headline_of(ASKING, 80, orders=orders)
    assert verdict.light == "green"
    assert verdict.sentence.startswith("Promoted after 1 h and ")
    assert verdict.sentence.endswith(": every gate agrees; approved by alex.")


def test_a_promotion_that_a_person_ordered_says_so(headline_of):
    verdict = headline_of(RAMP, 10, orders=[(5, "promote", "kim")])
    assert verdict.sentence.endswith("requests of the canary: kim ordered it.")


def test_a_rollback_by_a_person_says_so(headline_of):
    verdict = headline_of(RAMP, 10, orders=[(6, "rollback", "kim")])
    assert verdict.light == "red"
    assert verdict.sentence.startswith("Rolled back after 5 min 30 s and ")
    assert verdict.sentence.endswith(": ordered by kim.")


def test_a_rollback_for_harm_names_the_gate_with_its_numbers(headline_of):
    verdict = headline_of(RAMP, 100, errors=lambda _minute: 0.05)
    assert ": harm, above all in errors; errors: canary " in verdict.sentence


def test_another_revision_is_named(headline_of):
    verdict = headline_of(RAMP, 10, orders=[(6, "supersede", "revision flights-predictor-00003")])
    assert verdict.light == "yellow"
    assert verdict.sentence == "Superseded after 5 min 30 s by revision flights-predictor-00003."


def test_a_question_is_put(headline_of):
    verdict = headline_of(ASKING, 20)
    assert verdict.light == "yellow"
    assert verdict.sentence == (
        "Waiting for a person since 2026-11-21 11:28:00 UTC. May the step 50% begin?"
    )


def test_a_pause_names_who_made_it(headline_of):
    verdict = headline_of(RAMP, 10, orders=[(5, "pause", "kim")])
    assert verdict.sentence == "Paused at 10 % of the traffic: ordered by kim."


def test_traffic_that_others_set_is_not_claimed(facts, started, make_record):
    # The same record, read as one that only observes: it follows, and decides nothing.
    verdict = headline(read(facts, OBSERVING, started, make_record(RAMP, 100)))
    assert verdict.sentence.startswith("Under way at 50 % of the traffic: only observing; would")


def test_nothing_but_a_beginning_is_told_as_such(facts, started):
    verdict = headline(read(facts, RAMP, started, []))
    assert verdict.sentence == "Staged without traffic for 0 s: nothing is recorded yet."
