"""What a message becomes, and what is written of it."""

from dataclasses import replace

import pytest

from kanaria.serving.stream.messages import (
    DeadLetter,
    Message,
    Reason,
    Row,
    Scored,
    TopicRules,
    letter,
    read,
)

MOST = dict.fromkeys(("out", "dead"), TopicRules(most_bytes=10_000))


def message(value=b"1", headers=()):
    return Message(topic="in", partition=3, offset=7, key=b"k", value=value, headers=headers)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.NULL_VALUE),
        (b"", Reason.MALFORMED),
        (b"{", Reason.MALFORMED),
        (b"\xff", Reason.MALFORMED),
        (b"\xef\xbb\xbf1", Reason.MALFORMED),
        (b'{"a": 1, "a": 2}', Reason.MALFORMED),
        (b"1e999", Reason.MALFORMED),
        (b"9" * 5000, Reason.MALFORMED),
        (b"[" * 65 + b"]" * 65, Reason.TOO_LARGE),
        (b"[" + b"1," * 4_000_000 + b"1]", Reason.TOO_LARGE),
    ],
)
def test_what_is_no_row_has_its_reason(value, reason):
    dead = read(message(value))
    assert isinstance(dead, DeadLetter)
    assert dead.reason is reason
    assert "\n" not in dead.why


@pytest.mark.parametrize("value", [b"null", b"1.50", b' {"a": NaN} ', b"[[1, 2]]", b'"\xc3\xa9"'])
def test_any_json_is_a_row_as_it_stands(value):
    row = read(message(value))
    assert isinstance(row, Row)
    assert row.text == value


def test_an_answer_has_key_and_headers_and_ours_behind_them():
    headers = (("a", b"1"), ("kanaria-reason", b"old"), ("a", None), ("b", b"\xff"))
    facts = {"kanaria-request-id": "id", "kanaria-row": "0"}
    scored = Scored(message=message(headers=headers), value=b"0.5", facts=facts)
    written = letter(scored, "out", "dead", MOST)
    assert (written.topic, written.key, written.value) == ("out", b"k", b"0.5")
    assert written.headers == (
        ("a", b"1"),
        ("a", None),
        ("b", b"\xff"),
        ("kanaria-source", b"in/3/7"),
        ("kanaria-request-id", b"id"),
        ("kanaria-row", b"0"),
    )


def test_a_dead_letter_is_the_message_with_reason_and_status():
    dead = DeadLetter(message=message(), reason=Reason.REFUSED, why="\ud800 no", status=400)
    written = letter(dead, "out", "dead", MOST)
    assert (written.topic, written.key, written.value) == ("dead", b"k", b"1")
    assert dict(written.headers) == {
        "kanaria-source": b"in/3/7",
        "kanaria-reason": b"refused",
        "kanaria-error": b"\\ud800 no",
        "kanaria-status": b"400",
    }


def test_an_answer_that_does_not_fit_is_a_dead_letter():
    written = letter(Scored(message=message(), value=b"9" * 10_001), "out", "dead", MOST)
    assert (written.topic, written.value) == ("dead", b"1")
    assert dict(written.headers)["kanaria-reason"] == b"unwritable"


def test_a_value_that_does_not_fit_is_left_out_of_its_dead_letter():
    dead = DeadLetter(message=message(b"9" * 10_000), reason=Reason.REFUSED, why="no")
    written = letter(dead, "out", "dead", MOST)
    assert (written.topic, written.value) == ("dead", None)
    assert dict(written.headers)["kanaria-left-out"] == b"10000"


def test_an_answer_without_a_key_is_a_dead_letter_where_its_topic_is_compacted():
    rules = {**MOST, "out": TopicRules(most_bytes=10_000, needs_key=True)}
    keyed = Scored(message=message(), value=b"1")
    bare = Scored(message=replace(message(), key=None), value=b"1")
    assert [letter(one, "out", "dead", rules).topic for one in (keyed, bare)] == ["out", "dead"]
    assert letter(bare, "out", "dead", MOST).topic == "out"
