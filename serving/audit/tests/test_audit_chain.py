"""A trail as a text: what breaks it, what does not, and what it holds."""

import hashlib
import json
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.serving.audit.chain import BEGINNING, extended, read
from kanaria.serving.audit.entry import Entry, Source, from_json, to_json

ENTRIES = tuple(
    Entry(
        when=1000.25 + number,
        who=who,
        what="approve",
        about="tips-00002",
        why="auc über 0,9 \u2028 und e\u0301",
        numbers={
            "auc": 0.1 + 0.2,
            "rows": 10**18 + 1,
            "tiny": 1e-05,
            "huge": 1e16,
            "\U0001f424": "\ufb01",
            "zero": -0.0,
            "b": {"z": 1, "a": [None]},
        },
        source=Source(rollout=1, started=999.5, entry=number),
    )
    for number, who in enumerate(("kim", "카나리아", "rule climbing"))
)
TRAIL = extended(BEGINNING, ENTRIES).encode("ascii")
SIZE = len(TRAIL)


def is_broken(data: bytes) -> bool:
    chain = read(data)
    return bool(chain.faults or chain.tail)


def test_a_trail_gives_its_entries_back_exactly():
    chain = read(TRAIL)
    assert chain.entries == ENTRIES
    assert not is_broken(TRAIL)
    assert chain.head == chain.links[-1].hash


def test_it_may_be_written_in_several_parts():
    first = extended(BEGINNING, ENTRIES[:1])
    assert (first + extended(read(first.encode()).head, ENTRIES[1:])).encode() == TRAIL


@given(place=st.integers(0, SIZE - 1), value=st.integers(0, 255))
def test_a_changed_byte_at_any_place_is_noticed(place: int, value: int):
    changed = TRAIL[:place] + bytes([value]) + TRAIL[place + 1 :]
    assert is_broken(changed) == (changed != TRAIL)
    assert all(entry in ENTRIES for entry in read(changed).entries)


def test_every_flipped_bit_is_noticed():
    for place in range(SIZE):
        for bit in range(8):
            flipped = TRAIL[:place] + bytes([TRAIL[place] ^ 1 << bit]) + TRAIL[place + 1 :]
            assert is_broken(flipped), (place, bit)


@given(place=st.integers(0, SIZE), text=st.binary(min_size=1, max_size=4))
def test_bytes_that_were_put_in_are_noticed(place: int, text: bytes):
    assert is_broken(TRAIL[:place] + text + TRAIL[place:])


@given(start=st.integers(0, SIZE - 1), size=st.integers(1, SIZE))
def test_bytes_that_were_taken_out_are_noticed_save_whole_lines_at_the_end(start: int, size: int):
    left = TRAIL[:start] + TRAIL[start + size :]
    is_cut_after_a_line = start + size >= SIZE and (start == 0 or TRAIL[start - 1 : start] == b"\n")
    assert is_broken(left) != is_cut_after_a_line


@pytest.mark.parametrize(
    ("order", "number"), [((1, 2), 1), ((0, 2), 2), ((1, 0, 2), 1), ((0, 0, 1, 2), 2)]
)
def test_lines_removed_moved_or_repeated_are_noticed_at_their_place(
    order: tuple[int, ...], number: int
):
    lines = TRAIL.splitlines(keepends=True)
    faults = read(b"".join(lines[place] for place in order)).faults
    assert faults[0].startswith(f"entry {number} is not what was written")


def test_what_was_changed_is_told_alone_and_not_believed():
    changed = TRAIL.replace(b'"who":"kim"', b'"who":"eve"')
    chain = read(changed)
    assert [fault.split(" is ")[0] for fault in chain.faults] == ["entry 1"]
    assert chain.entries == ENTRIES[1:]


def test_a_changed_entry_with_a_hash_made_anew_breaks_the_next():
    forged = replace(ENTRIES[0], who="eve")
    rest = TRAIL.splitlines(keepends=True)[1:]
    chain = read(extended(BEGINNING, [forged]).encode() + b"".join(rest))
    assert [fault.split(" is ")[0] for fault in chain.faults] == ["entry 2"]


def test_a_cut_end_and_a_chain_written_anew_are_whole_and_lack_the_hash_that_was_noted():
    noted = read(TRAIL).head
    cut = b"".join(TRAIL.splitlines(keepends=True)[:2])
    anew = extended(BEGINNING, [replace(entry, who="eve") for entry in ENTRIES]).encode()
    for other in (cut, anew):
        assert not is_broken(other)
        assert read(other).place_of(noted) is None
    assert read(TRAIL).place_of(noted) == 3


def test_a_shell_verifies_a_trail_without_kanaria(tmp_path):
    script = """
    before=$(printf '0%.0s' $(seq 64))
    while read -r hash entry; do
      [ "$(printf '%s%s' "$before" "$entry" | sha256sum | cut -c-64)" = "$hash" ] || exit 1
      before=$hash
    done < "$1"
    echo "$before"
    """
    path = tmp_path / "audit.chain"
    for data, is_sound in ((TRAIL, True), (TRAIL.replace(b"kim", b"eve"), False)):
        path.write_bytes(data)
        ran = subprocess.run(["sh", "-c", script, "sh", path], capture_output=True, text=True)
        assert (ran.returncode == 0) is is_sound
        assert not is_sound or ran.stdout.strip() == read(data).head


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Lone surrogates too: a name on a command line that is no UTF-8 has them.
    | st.text(st.characters(exclude_categories=())).filter(lambda text: "://" not in text),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3)
    ),
    max_leaves=8,
)


@given(numbers=st.dictionaries(st.text(max_size=5), PLAIN, max_size=4), who=st.text())
def test_any_plain_numbers_come_back_and_stand_on_one_ascii_line(numbers, who):
    entry = replace(ENTRIES[0], numbers=numbers, who=who.replace("://", ""))
    text = to_json(entry)
    assert text.isascii()
    assert len(text.splitlines()) == 1
    assert to_json(from_json(text, "entry 1")) == text
    assert from_json(text, "entry 1") == entry


def test_the_order_in_which_numbers_were_put_does_not_matter():
    one, other = ({"b": 1.5, "a": 2}, {"a": 2, "b": 1.5})
    assert to_json(replace(ENTRIES[0], numbers=one)) == to_json(replace(ENTRIES[0], numbers=other))


def test_numbers_that_json_lacks_are_named():
    text = to_json(replace(ENTRIES[0], numbers={"a": float("nan"), "b": (float("-inf"),)}))
    assert json.loads(text)["numbers"] == {"a": "nan", "b": ["-inf"]}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://kim:s3cret@db/rows", "postgresql://db/rows"),
        ("s3://b/x?X-Amz-Signature=s3cret&b=1 and more", "s3://b/x and more"),
        ("kim@example.org wrote s3://b/x", "kim@example.org wrote s3://b/x"),
        ("https://s3cret@host/p, https://u:s3cret@h2", "https://host/p, https://h2"),
        ("postgresql://kim:p@s3cret@db/rows", "postgresql://db/rows"),
        ("refused: 'gs://b/x?token=s3cret&sig=s3cret'", "refused: 'gs://b/x"),
        ("is this right? yes", "is this right? yes"),
    ],
)
def test_what_opens_a_door_is_not_written(text: str, clean: str):
    entry = replace(ENTRIES[0], about=text, why=text, numbers={"deep": [{"x": text}]})
    values = json.loads(to_json(entry))
    assert (values["about"], values["why"], values["numbers"]["deep"][0]["x"]) == (clean,) * 3
    assert "s3cret" not in to_json(entry)


def test_an_entry_of_a_newer_program_is_named():
    newer = to_json(ENTRIES[0]).replace('"format":1', '"format":9')
    digest = hashlib.sha256((BEGINNING + newer).encode()).hexdigest()
    (fault,) = read(f"{digest} {newer}\n".encode()).faults
    assert "entry 1: written by a newer Kanaria" in fault
