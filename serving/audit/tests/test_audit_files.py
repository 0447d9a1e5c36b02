"""Trails in files: what several writers, a death in a line and a hand on the file leave."""

import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kanaria.components.shared.errors import DataError, NotReadyError
from kanaria.serving.audit.chain import Chain, extended, read
from kanaria.serving.audit.entry import Entry
from kanaria.serving.audit.trail_files import FILE, FileTrails

NAMES = ("default", "tips")
ENTRY = Entry(when=1.0, who="kim", what="push", about="s3://b/tips/1/model")


@pytest.fixture
def trails(tmp_path: Path) -> FileTrails:
    return FileTrails(tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path.joinpath(*NAMES, FILE)


def added(trails: FileTrails, *who: str) -> Chain:
    return trails.append(*NAMES, lambda _: [replace(ENTRY, who=each) for each in who])


def names(chain: Chain) -> list[str]:
    return [entry.who for entry in chain.entries]


def test_a_trail_grows_and_only_its_owner_reads_it(trails: FileTrails, path: Path):
    assert trails.read(*NAMES) == Chain()
    added(trails, "kim")
    before = path.read_bytes()
    assert names(added(trails, "lee", "ann")) == ["kim", "lee", "ann"]
    assert path.read_bytes().startswith(before)
    assert trails.read(*NAMES) == read(path.read_bytes())
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_due_writes_nothing(trails: FileTrails, path: Path):
    added(trails, "kim")
    before = path.read_bytes()
    trails.append(*NAMES, lambda _: ())
    assert path.read_bytes() == before


def test_a_line_in_which_a_writer_died_at_any_byte_is_written_once(trails: FileTrails, path: Path):
    added(trails, "kim")
    whole = path.read_bytes()
    line = extended(read(whole).head, [replace(ENTRY, who="lee")]).encode()

    def due(chain: Chain) -> Iterator[Entry]:
        if "lee" not in names(chain):
            yield replace(ENTRY, who="lee")

    for size in range(len(line) + 1):
        path.write_bytes(whole + line[:size])
        assert names(trails.append(*NAMES, due)) == ["kim", "lee"], size
        assert path.read_bytes() == whole + line


@pytest.mark.parametrize("rest", [b"\0" * 4096, b"a" * 64 + b' {"about":"s3' + b"\0" * 99, b" "])
def test_what_a_power_cut_leaves_for_a_line_is_taken_away(
    trails: FileTrails, path: Path, rest: bytes
):
    added(trails, "kim")
    path.write_bytes(path.read_bytes() + rest)
    assert names(added(trails, "lee")) == ["kim", "lee"]
    assert not trails.read(*NAMES).faults


def test_a_last_line_whose_end_was_changed_is_evidence_and_stays(trails: FileTrails, path: Path):
    added(trails, "kim", "lee")
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    before = path.read_bytes()
    with pytest.raises(DataError, match="its last line has a changed end"):
        added(trails, "ann")
    assert path.read_bytes() == before


def test_nothing_is_added_to_a_damaged_trail(trails: FileTrails, path: Path):
    added(trails, "kim", "lee")
    path.write_bytes(path.read_bytes().replace(b"kim", b"eve"))
    before = path.read_bytes()
    with pytest.raises(DataError, match=rf"{FILE}: .* entry 1 is not what .* move it aside"):
        added(trails, "ann")
    assert path.read_bytes() == before


def write(state: Path, who: str, times: int) -> None:
    trails = FileTrails(state)
    for number in range(times):
        name = f"{who} {number}"

        def due(chain: Chain, name: str = name) -> list[Entry]:
            return [] if name in names(chain) else [replace(ENTRY, who=name)]

        trails.append(*NAMES, due)
        trails.append(*NAMES, due)


def test_several_processes_write_at_once_and_nothing_is_lost_or_twice(
    trails: FileTrails, tmp_path: Path
):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write, args=(tmp_path, who, 20)) for who in "ab"]
    writers += [context.Process(target=write, args=(tmp_path, "a", 20))]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    chain = trails.read(*NAMES)
    assert not chain.faults
    assert sorted(names(chain)) == sorted(f"{who} {n}" for who in "ab" for n in range(20))


def test_a_trail_that_may_not_be_read_is_named(trails: FileTrails, path: Path):
    path.mkdir(parents=True)
    with pytest.raises(NotReadyError, match=f"{FILE}: Is a directory"):
        trails.read(*NAMES)
