from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.artifacts import fingerprint


def make(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_equal_trees_in_different_places_agree(tmp_path: Path):
    files = {"a.txt": "1", "deep/b.txt": "2"}
    one, two = make(tmp_path / "one", files), make(tmp_path / "two", files)
    assert fingerprint.of_tree(one) == fingerprint.of_tree(two)


def test_one_byte_or_one_name_changes_it(tmp_path: Path):
    original = fingerprint.of_tree(make(tmp_path / "one", {"a": "1"}))
    assert original != fingerprint.of_tree(make(tmp_path / "two", {"a": "2"}))
    assert original != fingerprint.of_tree(make(tmp_path / "three", {"b": "1"}))


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_parts_of_text_are_kept_apart(one: list[str], two: list[str]):
    assert (fingerprint.of_text(*one) == fingerprint.of_text(*two)) == (one == two)
