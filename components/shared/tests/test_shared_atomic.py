from pathlib import Path

import pytest

from kanaria.components.shared.storage import atomic


def test_a_folder_appears_whole(tmp_path: Path):
    with atomic.published(tmp_path / "out") as temporary:
        temporary.mkdir()
        (temporary / "a").write_text("1")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "a").read_text() == "1"


def test_a_failure_leaves_the_old_content_and_no_rest(tmp_path: Path):
    atomic.write_text(tmp_path / "out", "old")
    with pytest.raises(ValueError, match="boom"), atomic.published(tmp_path / "out") as temporary:
        temporary.write_text("half")
        raise ValueError("boom")
    assert (tmp_path / "out").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_replaces_an_old_folder(tmp_path: Path):
    for content in ("old", "new"):
        with atomic.published(tmp_path / "out") as temporary:
            temporary.mkdir()
            (temporary / content).touch()
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["new"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError), atomic.published(tmp_path / "out"):
        pass
