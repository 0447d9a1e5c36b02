import re
from pathlib import Path

import pytest

from kanaria.components.shared.data import data_reference
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError, ParameterError


def write(path: Path, text: str = "a\n1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(data: str) -> list[str]:
    return [uri.rpartition("/")[2] for uri in data_reference.parse(data).uris]


def content(*files: Path) -> str:
    return data_reference.content([DataFile(uri=str(file), path=file) for file in files])


def test_paths_and_patterns_become_sorted_files_each_once(tmp_path: Path):
    for name in ("b.csv", "a.csv", "c.txt"):
        write(tmp_path / name)
    assert names(f"{tmp_path}/b.csv, {tmp_path}/*.csv") == ["a.csv", "b.csv"]


def test_a_pattern_descends_into_folders(tmp_path: Path):
    write(tmp_path / "2013/01/a.csv")
    assert names(f"{tmp_path}/**/*.csv") == ["a.csv"]


def test_a_pattern_leaves_hidden_files_out(tmp_path: Path):
    write(tmp_path / "a.csv")
    write(tmp_path / "._a.csv")
    assert names(f"{tmp_path}/*.csv") == ["a.csv"]


def test_a_file_uri_is_a_path(tmp_path: Path):
    assert names(write(tmp_path / "a b.csv").as_uri()) == ["a b.csv"]


def test_a_file_name_with_brackets_is_no_pattern(tmp_path: Path):
    assert names(str(write(tmp_path / "a[1].csv"))) == ["a[1].csv"]


def test_every_absent_path_and_fruitless_pattern_is_named(tmp_path: Path):
    write(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"no such file: '.*b\.csv', '.*\*\.tsv'; give a file"):
        data_reference.parse(f"{tmp_path}/a.csv,{tmp_path}/b.csv,{tmp_path}/*.tsv")


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(DataError, match="a pattern such as"):
        data_reference.parse(str(tmp_path))


@pytest.mark.parametrize("data", ["", " , ", "#sha256=" + "0" * 64])
def test_a_reference_to_nothing_is_refused(data: str):
    with pytest.raises(ParameterError, match="names no file"):
        data_reference.parse(data)


def test_a_scheme_that_is_not_read_is_refused():
    with pytest.raises(ParameterError, match="scheme 'hdfs' is not supported"):
        data_reference.parse("hdfs://host/a.csv")


def test_a_malformed_pin_is_refused(tmp_path: Path):
    with pytest.raises(ParameterError, match="64 hexadecimal digits"):
        data_reference.parse(f"{write(tmp_path / 'a.csv')}#sha256=12")


def test_a_pin_names_the_files_and_reads_back(tmp_path: Path):
    write(tmp_path / "a.csv")
    write(tmp_path / "b.csv")
    pinned = data_reference.pin(f"{tmp_path}/*.csv")
    assert re.fullmatch(rf"{tmp_path}/a.csv,{tmp_path}/b.csv#sha256=[0-9a-f]{{64}}", pinned)
    reference = data_reference.parse(pinned)
    with data_reference.opened(pinned) as opened:
        assert opened.fingerprint == reference.sha256


def test_one_changed_byte_breaks_the_pin(tmp_path: Path):
    file = write(tmp_path / "a.csv", "a\n1\n")
    pinned = data_reference.pin(str(file))
    write(file, "a\n2\n")
    changed = pytest.raises(DataError, match="the content changed since it was pinned")
    with changed, data_reference.opened(pinned):
        pass


def test_the_fingerprint_depends_on_content_not_on_the_folder(tmp_path: Path):
    here, there = write(tmp_path / "x/a.csv"), write(tmp_path / "y/a.csv")
    other = write(tmp_path / "z/a.csv", "a\n2\n")
    assert content(here) == content(there)
    assert content(here) != content(other)


def test_the_fingerprint_depends_on_the_folders_that_are_columns(tmp_path: Path):
    one, two = write(tmp_path / "k=1/a.csv"), write(tmp_path / "k=2/a.csv")
    assert content(one) != content(two)


@pytest.mark.parametrize(
    "path", ["a.csv,a.csv", "a.csv,./a.csv", "a.csv,{}/a.csv", "a.csv,link.csv"]
)
def test_a_file_named_in_two_ways_is_one_file(tmp_path: Path, monkeypatch, path: str):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.csv")
    (tmp_path / "link.csv").symlink_to("a.csv")
    for data in (path.format(tmp_path), data_reference.pin(path.format(tmp_path))):
        assert names(data) == ["a.csv"]


def test_a_pin_keeps_the_name_of_a_link(tmp_path: Path):
    write(tmp_path / "..data/blob")
    (tmp_path / "k=1").mkdir()
    (tmp_path / "k=1/a.csv").symlink_to("../..data/blob")
    assert data_reference.pin(f"{tmp_path}/k=1/a.csv").startswith(f"{tmp_path}/k=1/a.csv#")


def _grow(file: Path) -> None:
    file.write_text("a\n1\n2\n")


def _replace(file: Path) -> None:
    write(file.parent / "new", "a\n2\n").replace(file)


@pytest.mark.parametrize("change", [_grow, _replace, Path.unlink])
def test_a_file_that_changes_while_it_is_open_is_the_error(tmp_path: Path, change):
    write(tmp_path / "a.csv")
    file = write(tmp_path / "b.csv")
    changed = pytest.raises(DataError, match=r"^\S+b\.csv: changed while it was read; let whatever")
    with changed, data_reference.opened(f"{tmp_path}/*.csv"):
        change(file)
        raise ValueError("what the reader makes of it")


def test_a_path_with_a_comma_cannot_be_pinned(tmp_path: Path):
    write(tmp_path / "a,b/c.csv")
    with pytest.raises(ParameterError, match="a path holds a comma"):
        data_reference.pin(f"{tmp_path}/*/c.csv")


def test_opened_files_are_here_with_the_uri_they_came_from(tmp_path: Path):
    write(tmp_path / "a.csv")
    pinned = data_reference.pin(f"{tmp_path}/*.csv")
    with data_reference.opened(pinned) as opened:
        assert [file.uri for file in opened.files] == [str(tmp_path / "a.csv")]
        assert opened.files[0].path.read_text() == "a\n1\n"
        assert pinned.endswith(opened.fingerprint)


def test_data_that_changed_since_it_was_pinned_is_not_opened(tmp_path: Path):
    pinned = data_reference.pin(str(write(tmp_path / "a.csv")))
    write(tmp_path / "a.csv", "a\n2\n")
    with pytest.raises(DataError, match="the content changed"), data_reference.opened(pinned):
        pass
