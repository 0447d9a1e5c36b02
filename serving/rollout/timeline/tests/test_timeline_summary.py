import json

from hypothesis import given, settings
from hypothesis import strategies as st
from random_records import policies, records

from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.rollout.timeline import history, summary

RAMP = parse("steps: [{percent: 10}, {percent: 50}]")


@settings(deadline=None)
@given(st.data())
def test_every_record_has_a_summary_in_plain_json_that_counts_everything_once(data):
    policy = data.draw(policies)
    entries = data.draw(records(policy))
    found = summary.plain(history.read({"service": "a"}, policy, 0.0, entries))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert sum(row["count"] for row in found["decisions"]) == len(entries)
    for which in ("canary", "stable"):
        for what in ("requests", "errors"):
            assert sum(step[which][what] for step in found["steps"]) == found[which][what]


def test_a_step_counts_the_intervals_that_met_it(facts, started, make_record):
    found = summary.plain(history.read(facts, RAMP, started, make_record(RAMP, 200)))
    assert [(step["step"], step["percent"]) for step in found["steps"]] == [
        ("staged", 0),
        ("10%", 10),
        ("50%", 50),
    ]
    staged, first, _ = found["steps"]
    assert staged["canary"]["requests"] == 0
    assert first["canary"]["requests"] >= 300
    assert 0.05 < first["canary"]["requests"] / first["stable"]["requests"] < 0.2


def test_the_verdict_and_the_numbers_behind_it_are_told(facts, started, make_record):
    entries = make_record(RAMP, 200, errors=lambda minute: 0.1)
    found = summary.plain(history.read(facts, RAMP, started, entries))
    assert (found["verdict"], found["light"], found["percent"]) == ("rolled_back", "red", 0)
    assert found["decisions"][-1]["rule"] == "harmed"
    errors = next(gate for gate in found["gates"] if gate["gate"] == "errors")
    assert errors["spent"] >= 1
    assert errors["numbers"]["canary_events"] == found["canary"]["errors"]


def test_an_interval_that_was_recorded_twice_counts_once(facts, started, make_record):
    entries = make_record(RAMP, 10)
    once, twice = (
        summary.plain(history.read(facts, RAMP, started, record))
        for record in (entries, [*entries, entries[-1]])
    )
    assert once["canary"] == twice["canary"]
    assert twice["decisions"][-1]["rule"] == "repeated"
