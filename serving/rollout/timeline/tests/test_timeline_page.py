from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_records import policies, records

from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind
from kanaria.serving.rollout.observations.interval_observation import (
    Counts,
    Observation,
    RevisionFacts,
)
from kanaria.serving.rollout.policy.rollout_policy import parse
from kanaria.serving.rollout.timeline import record_history, timeline_page
from kanaria.serving.rollout.timeline.decision_table import rows

RAMP = parse("steps: [{percent: 10}, {percent: 25}, {percent: 50}]")
ASKING = parse("automation: approve\napprove_before: [50%, promote]")
SHADE = '"mark": {"type": "rect"'
WORDS = ("nan", "-inf", "Infinity")
VOID = {"meta", "br", "img", "link", "input"}


class Document(HTMLParser):
    """Reads a page; fails on what is not well formed or loads something."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.words = [], [], []
        self.tags = set()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        names = {name for name, _ in attributes}
        assert not names & {"src", "srcset", "data", "onload", "onclick", "action"}
        assert len(names) == len(attributes)
        assert not any("url(" in (value or "") for _, value in attributes)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if any(tag in self.open for tag in ("td", "th")):
            self.rows[-1][-1] += data


def read(facts, started, policy, entries):
    return record_history.read(facts, policy, started, entries)


def decisions(document):
    """The rows of the audit table: those with a column for each of its headers."""
    return [row for row in document.rows if len(row) == len(timeline_page.COLUMNS)][1:]


def count(row):
    return int(row[2].partition("×")[2].replace(",", "") or 1)


@settings(deadline=None)
@given(st.data())
def test_every_record_becomes_a_well_formed_page_with_every_decision(data):
    policy = data.draw(policies)
    entries = data.draw(records(policy))
    text = timeline_page.render(record_history.read({"service": "a"}, policy, 0.0, entries))
    document = Document(text)
    assert not any(word in cell for row in document.rows for cell in row for word in WORDS)
    assert sum(count(row) for row in decisions(document)) == len(entries)


def test_a_promoted_canary_is_told_in_one_sentence(facts, started, make_record):
    text = timeline_page.render(read(facts, started, RAMP, make_record(RAMP, 200)))
    document = Document(text)
    sentence = next(word for word in document.words if word.startswith("Promoted after"))
    assert sentence.endswith("requests of the canary: every gate agrees.")
    assert 'aria-label="green"' in text


def test_a_harmful_canary_shows_the_gate_and_its_numbers(facts, started, make_record):
    entries = make_record(RAMP, 200, errors=lambda minute: 0.01 if minute < 12 else 0.08)
    text = timeline_page.render(read(facts, started, RAMP, entries))
    assert "harm, above all in errors; errors: canary" in text
    assert 'aria-label="red"' in text
    last = decisions(Document(text))[-1]
    assert last[2] == "rollback"
    assert last[4] == "rule harmed"


def test_the_page_names_who_approved_and_escapes_the_name(facts, started, make_record):
    orders = [(20, "approve", "<b>Kim</b> & co")]
    text = timeline_page.render(
        read(facts, started, ASKING, make_record(ASKING, 40, orders=orders))
    )
    approved = [row for row in decisions(Document(text)) if row[2] == "approve"]
    assert [row[4] for row in approved] == ["<b>Kim</b> & co"]
    assert "<b>Kim</b>" not in text


def test_silence_is_shaded(facts, started, make_record):
    entries = make_record(RAMP, 30, silent=range(12, 25))
    assert SHADE in timeline_page.render(read(facts, started, RAMP, entries))
    loud = read(facts, started, RAMP, make_record(RAMP, 30))
    assert SHADE not in timeline_page.render(loud)


def test_holds_for_one_cause_are_one_row_with_a_count(facts, started, make_record):
    table = rows(read(facts, started, RAMP, make_record(RAMP, 200)).moments)
    assert [(row.what, row.last.rule) for row in table] == [
        ("hold", "never_ready"),
        ("shift", "staged"),
        ("hold", "unfinished"),
        ("shift", "climbing"),
        ("hold", "unfinished"),
        ("shift", "climbing"),
        ("hold", "unfinished"),
        ("hold", "undecided"),
        ("promote", "accepted"),
    ]


def test_a_rollout_that_has_just_begun_has_a_page(facts, started):
    text = timeline_page.render(read(facts, started, RAMP, []))
    assert "Staged without traffic" in text
    Document(text)


def test_the_same_record_gives_the_same_page(facts, started, make_record):
    entries = make_record(RAMP, 30)
    first, again = (timeline_page.render(read(facts, started, RAMP, entries)) for _ in range(2))
    assert first == again


LONG = parse("steps: [{percent: 10, minimum_requests: 100000000}]")


def quiet_minute(number):
    counts = Counts(requests=50, errors=number % 2, slower=((0.1, 3),))
    return Observation(
        interval=number,
        now=60.0 * number,
        canary=counts,
        stable=counts,
        facts=RevisionFacts(ready=True),
        percent=10,
    )


@pytest.fixture(scope="module")
def five_thousand():
    return record_history.read({}, LONG, 0.0, [quiet_minute(number) for number in range(5000)])


def test_five_thousand_intervals_make_a_small_page(five_thousand):
    text = timeline_page.render(five_thousand)
    assert len(text.encode()) < 1_000_000
    assert sum(count(row) for row in decisions(Document(text))) == 5000


def test_five_thousand_commands_with_long_names_fit_in_2_mb_and_all_are_told():
    kinds = [CommandKind.PAUSE, CommandKind.RESUME]
    entries = [
        Command(kind=kinds[number % 2], who="'" * 500, when=60.0 * number) for number in range(5000)
    ]
    text = timeline_page.render(record_history.read({}, LONG, 0.0, entries))
    assert len(text.encode()) <= timeline_page.MOST_BYTES
    assert len(decisions(Document(text))) == 5000


def test_the_page_tells_what_each_step_counted_and_what_the_last_still_needs(
    facts, started, make_record
):
    policy = parse("steps: [{percent: 10}, {percent: 50, minimum_requests: 9000}]")
    read = record_history.read(facts, policy, started, make_record(policy, 12))
    text = timeline_page.render(read)
    steps = text.partition("<h2>Steps")[2].partition("<h2>")[0]
    assert "errors: canary" in steps
    assert " beside it" in steps
    assert "Still needed in this step: about " in steps
    entries = make_record(policy, 300)
    over = timeline_page.render(record_history.read(facts, policy, started, entries))
    assert "Still needed" not in over


def test_what_cannot_be_told_is_not_estimated(facts, started, make_record):
    policy = parse("strategy: blue_green\nsteps: [{percent: 100, minimum_requests: 0}]")
    read = record_history.read(facts, policy, started, make_record(policy, 4))
    assert read.state.step == 0
    text = timeline_page.render(read)
    assert "stable none beside it" in text
