from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_records import policies, records

from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.rollout.timeline import record_history, status_lines

RAMP = parse("steps: [{percent: 10}, {percent: 50}]")
ASKING = parse("automation: approve\napprove_before: [50%, promote]")
OBSERVING = parse("automation: observe")


@pytest.fixture
def lines_of(facts, started, make_record):
    """The last line and the status after a record made with these arguments."""

    def tell(policy, minutes, **world):
        read = record_history.read(facts, policy, started, make_record(policy, minutes, **world))
        state, now = read.state, read.ended
        return status_lines.line(state, policy, now), status_lines.status(facts, state, policy, now)

    return tell


@settings(deadline=None)
@given(st.data())
def test_every_state_has_one_line_and_a_survey_without_control_characters(data):
    policy = data.draw(policies)
    read = record_history.read({}, policy, 0.0, data.draw(records(policy)))
    for moment in read.moments:
        assert status_lines.line(moment.state, policy, moment.when).isprintable()
        rows = status_lines.status({}, moment.state, policy, moment.when).splitlines()
        assert len(rows) <= 24
        assert all(row[:12].strip() and row[12] == " " for row in rows)
        assert all(row.isprintable() for row in rows)


def test_a_line_tells_time_traffic_rates_harm_and_why_it_is_held(lines_of):
    line, _ = lines_of(RAMP, 6)
    assert line.startswith("11:25:00   10%  184 requests  errors 0 % (stable 1.31 %)  slow")
    assert line.endswith("/1  held: step 10%: 184 of 320 requests, 3.0 of 6 minutes")


def test_a_shift_is_told_with_the_share_that_was_decided(lines_of):
    line, status = lines_of(RAMP, 9)
    assert line.startswith("11:28:00   50%  ")
    assert line.endswith("shifted to 50%")
    assert "traffic      canary 50%\n" in status


def test_a_share_that_is_not_there_a_look_later_is_told(facts, started, make_record):
    *before, last = make_record(RAMP, 10)
    read = record_history.read(facts, RAMP, started, [*before, replace(last, percent=10)])
    assert "  50% (has 10%)  " in status_lines.line(read.state, RAMP, read.ended)


def test_the_status_says_where_the_rollout_is_and_what_it_lacks(lines_of):
    _, status = lines_of(RAMP, 6)
    assert "step         1/3 (10%), for 3 min" in status
    assert "traffic      canary 10% desired, 10% seen" in status
    assert (
        "waiting      for 136 more requests of the canary and 3.0 more minutes in step 10%"
        in status
    )
    assert "answer" not in status


def test_the_status_of_a_question_names_the_commands_that_answer_it(lines_of):
    _, status = lines_of(ASKING, 20)
    assert "waiting      for a person: May the step 50% begin?" in status
    assert "answer       kanaria rollout approve flights --namespace models" in status
    assert "answer       kanaria rollout rollback flights --namespace models" in status


def test_the_status_without_data_asks_to_resume_or_roll_back(lines_of):
    _, status = lines_of(RAMP, 20, silent=range(5, 30))
    assert "answer       kanaria rollout resume flights --namespace models" in status


def test_a_paused_rollout_says_how_it_goes_on(lines_of):
    _, status = lines_of(RAMP, 10, orders=[(5, "pause", "kim")])
    assert "waiting      for a person to end the pause; harm still rolls back" in status
    assert "answer       kanaria rollout resume flights --namespace models" in status


def test_one_that_only_observes_says_what_it_would_do(lines_of):
    line, status = lines_of(OBSERVING, 4)
    assert "held: only observing; would shift at 10 %" in line
    assert "proposed     shift at 10%" in status


def test_the_end_is_told_with_its_cause(lines_of):
    line, status = lines_of(RAMP, 100, errors=lambda _minute: 0.2)
    assert "rolled back: harm, above all in errors; errors: canary" in line
    assert "phase        rolled_back" in status
    line, _ = lines_of(RAMP, 100)
    assert line.endswith("promoted: every gate agrees")


def test_refusals_are_told_with_the_stable_revisions_and_harm_in_few_digits(lines_of):
    line, status = lines_of(RAMP, 100, refused=(1.0, 0.02))
    assert "refused 100 % (stable 2.01 %)" in line
    assert "rolled back: harm, above all in refusals; refused: canary" in line
    assert len(line.partition("  harm ")[2].partition("/1  ")[0]) < 10
    assert "refusals     refused: canary" in status
    line, status = lines_of(RAMP, 6)
    assert "refused" not in line
    assert "refusals     refused: nothing is known" in status
