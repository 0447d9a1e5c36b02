from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.errors import ParameterError

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGED_LAUGHS = "a: &a {x: 1}\n" + "".join(
    f"{b}: &{b} {{<<: [{', '.join([f'*{a}'] * 9)}]}}\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
REFUSED = {
    "an open bracket": ("a: [", "line 1, column 5: not YAML"),
    "an open quote, where it opens": ("a: 1\nb: 'x\nc: 2\n", "line 2, column 4: not YAML"),
    "a tab": ("a:\n\t- b", "line 2, column 1: not YAML: .* indent with spaces"),
    "a colon in a value": ("a: b: c", "column 5: .* put a value that holds ': ' in quotes"),
    "a character that begins no value": ("a: @x", "column 4: .* put the value in quotes"),
    "a control character": ("a: 1\nb: \x07", r"line 2: not YAML: the character '\\x07'"),
    "lists in lists without end": ("[" * 3000, "nested too deeply"),
    "a key that stands twice": ("a: 1\nb: 2\na: 3", "line 3, column 1: 'a': .* first in line 1"),
    "a key twice in an inner mapping": ("a: {b: 1, 'b': 2}", "column 11: 'b': .* twice"),
    "a key that is a number": ("1: x", "'1': a key must be text"),
    "a key that YAML takes for true": ("on: x", "'on': a key must be text"),
    "a key that is a list": ("? [a]\n: x", "line 1, column 3: a key must be text"),
    "a key of a merged mapping": ("<<: {1: x}", "'1': a key must be text"),
    "an escape beyond all characters": (r'a: "\U00119999"', "line 1, column .*: not YAML"),
    "half a character": (r'a: "\ud83d"', "half a character"),
    "a key that is a text": (f"? {'x' * 5000}\n: 1", "a key may have 1000 characters"),
    "a set": ("a: !!set {x, y}", "column 4: !!set is not taken"),
    "bytes": ("a: !!binary aGk=", "!!binary is not taken"),
    "an object": ("a: !!python/object:os.system 1", "!!python/object:os.system is not taken"),
    "a number without digits": ("a: 0x_", "'0x_': this is no int"),
    "text called a number": ("a: !!int abc", "'abc': this is no int"),
    "text called a boolean": ("a: !!bool maybe", "'maybe': this is no bool"),
    "a leading zero": ("a: 010", "'010': leave out the leading zero"),
    "a number beyond all numbers": ("a: 1e999", "'1e999': this number is too large"),
    "an integer of thousands of digits": (f"a: {'9' * 5000}", "this is no int"),
    "aliases that explode": (LAUGHS, "line 1, column 1: its aliases make more than"),
    "merged aliases that explode": (MERGED_LAUGHS, "its aliases make more than"),
    "an alias that holds itself": ("a: &a [*a]", "line 1, column 4: .* holds itself"),
    "an alias of nothing": ("a: *b", "undefined alias"),
    "two documents": ("a: 1\n---\na: 2", "2 documents"),
}
UNDERSTOOD = {
    "a day": ("2013-01-05", "2013-01-05"),
    "a time": ("2013-01-05T06:00:00Z", "2013-01-05T06:00:00Z"),
    "a time of the day": ("12:30", "12:30"),
    "an exponent without a point": ("1e-3", 0.001),
    "an exponent without a sign": ("1.5E5", 150000.0),
    "an integer": ("-17", -17),
    "zero": ("0", 0),
    "a version": ("1.2.3", "1.2.3"),
    "a yes": ("yes", True),
    "quoted digits": ("'010'", "010"),
    "an equals sign": ("=", "="),
}


@pytest.mark.parametrize(("text", "fault"), REFUSED.values(), ids=REFUSED.keys())
def test_a_fault_is_one_short_line_with_its_place(text: str, fault: str):
    with pytest.raises(ParameterError, match=fault) as caught:
        yaml_text.parse(text, "c.yaml")
    message = str(caught.value)
    assert message.startswith("c.yaml: ")
    assert "\n" not in message
    assert len(message) < 700


@pytest.mark.parametrize(("text", "value"), UNDERSTOOD.values(), ids=UNDERSTOOD.keys())
def test_a_value_is_what_json_can_hold(text: str, value: object):
    (parsed,) = yaml_text.parse(f"- {text}", "c.yaml")
    assert (type(parsed), parsed) == (type(value), value)


def test_aliases_and_merges_are_followed():
    text = "base: &base {a: 1, b: 2}\nmore: &more {<<: *base, b: 3}\nmost: {<<: *more, c: 4}"
    document = yaml_text.parse(text, "c.yaml")
    assert document["more"] == {"a": 1, "b": 3}
    assert document["most"] == {"a": 1, "b": 3, "c": 4}


def test_a_large_document_without_aliases_is_read():
    rows = [f"row {number}, which says little" for number in range(50_000)]
    document = yaml_text.parse("\n".join(f"- {row}" for row in rows), "c.yaml")
    assert document == rows


def test_an_empty_text_is_no_document():
    assert yaml_text.parse("# only a comment\n", "c.yaml") is None


def test_a_file_of_another_encoding_is_told_with_its_line(tmp_path: Path):
    path = tmp_path / "c.yaml"
    path.write_bytes("a: 1\nb: München\n".encode("latin-1"))
    with pytest.raises(ParameterError, match=r"c\.yaml: line 2: byte 0xfc is no UTF-8"):
        yaml_text.read(path)


def test_the_mark_of_utf_8_is_no_part_of_the_first_key(tmp_path: Path):
    path = tmp_path / "c.yaml"
    path.write_bytes("a: 1\n".encode("utf-8-sig"))
    assert yaml_text.read(path) == {"a": 1}


@pytest.mark.parametrize("make", [Path.mkdir, lambda _path: None])
def test_what_is_no_file_is_told(tmp_path: Path, make):
    make(tmp_path / "c.yaml")
    with pytest.raises(ParameterError, match=r"c\.yaml: cannot be read: (Is a dir|No such file)"):
        yaml_text.read(tmp_path / "c.yaml")


def test_a_huge_file_is_not_read(tmp_path: Path):
    path = tmp_path / "c.yaml"
    path.write_bytes(b"a: " + b"x" * yaml_text.MOST_BYTES)
    with pytest.raises(ParameterError, match="keep data out of it"):
        yaml_text.read(path)


LOOKS_LIKE = [
    "1e3",
    "12345678e9012345",
    "010",
    "no",
    "2013-01-05",
    "12:30",
    "0x1f",
    "null",
    "=",
    "",
]
TEXT = st.sampled_from(LOOKS_LIKE) | st.from_regex(r"[-+.0-9eExob_:]{1,12}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: object):
    document = yaml_text.parse(yaml_text.dump({"value": value}), "c.yaml")
    assert repr(document["value"]) == repr(value)
