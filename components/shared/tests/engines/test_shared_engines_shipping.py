"""Files go to workers that do not see them, and come back."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kanaria.components.shared.engines import shipped_partitions


class Named(NamedTuple):
    path: Path
    rows: int


@dataclass(frozen=True)
class Part:
    sources: tuple[Path, ...]
    named: Named
    targets: dict[str, Path]
    text: str = "/not/a/path/but/text"


def part(folder: Path) -> Part:
    source = folder / "in/split=train"
    source.mkdir(parents=True)
    (source / "a.parquet").write_bytes(b"a")
    (source / "model/variables").mkdir(parents=True)
    (source / "model/variables/v").write_bytes(b"\0")
    return Part(
        sources=(source / "a.parquet", source / "model"),
        named=Named(source / "a.parquet", 3),
        targets={
            "file": folder / "out/b.parquet",
            "folder": folder / "out/c",
            "none": folder / "d",
        },
    )


def work(sent: Part) -> tuple[list[str], Path]:
    assert sent.sources[0] == sent.named.path
    assert sent.sources[0].parent.name == "split=train"
    assert sent.text == "/not/a/path/but/text"
    sent.targets["file"].write_bytes(sent.sources[0].read_bytes() * 2)
    sent.targets["folder"].mkdir()
    (sent.targets["folder"] / "x").write_text("x")
    return [str(path) for path in sent.sources], sent.targets["file"]


def test_files_and_folders_are_sent_and_what_is_written_comes_back(tmp_path: Path):
    sent = part(tmp_path)
    parcel = shipped_partitions.packed(sent)
    assert shipped_partitions.size(parcel) == 2
    (tmp_path / "in").rename(tmp_path / "gone")  # The worker sees nothing of this machine.
    returned = shipped_partitions.worked(work, parcel)
    paths, target = shipped_partitions.unpacked(returned)
    assert not any(Path(path).exists() or path.startswith(str(tmp_path)) for path in paths)
    assert target == tmp_path / "out/b.parquet"
    assert target.read_bytes() == b"aa"
    assert (tmp_path / "out/c/x").read_text() == "x"
    assert not (tmp_path / "d").exists()


def test_a_value_without_paths_stays_as_it_is():
    assert shipped_partitions.paths([1, "a", {"b": None}]) == []
    assert shipped_partitions.moved((1, ["a"], {"b": 2.0}), {Path("/a"): Path("/b")}) == (
        1,
        ["a"],
        {"b": 2.0},
    )


@dataclass(frozen=True)
class Half:
    """One half of a file."""

    file: Path
    start: int

    def alone(self, folder: Path) -> "Half":
        own = folder / self.file.name
        own.write_bytes(self.file.read_bytes()[self.start : self.start + 2])
        return Half(own, 0)


def test_a_part_of_a_file_goes_without_the_rest_of_it(tmp_path: Path):
    (tmp_path / "rows").write_bytes(b"abcd")
    halves = (Half(tmp_path / "rows", 0), Half(tmp_path / "rows", 2))
    parcel = shipped_partitions.packed(halves)
    assert shipped_partitions.size(parcel) == 4
    returned = shipped_partitions.worked(
        lambda parts: [part.file.read_bytes() for part in parts], parcel
    )
    assert shipped_partitions.unpacked(returned) == [b"ab", b"cd"]
