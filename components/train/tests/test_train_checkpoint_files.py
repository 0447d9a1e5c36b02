import logging
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.train import checkpoint_files
from kanaria.components.train.checkpoint_files import Position


def state(path: Path) -> None:
    path.with_suffix(".index").write_bytes(b"index")
    path.with_suffix(".data").write_bytes(bytes(range(50)))


def two(folder: Path, key: str = "key") -> list[Path]:
    """Write the checkpoints of epochs 1 and 2."""
    positions = [Position(key=key, epoch=epoch, batches=5 * epoch) for epoch in (1, 2)]
    return [checkpoint_files.write(folder, position, state) for position in positions]


def test_whole_checkpoints_are_found_oldest_first(tmp_path: Path):
    first, second = two(tmp_path)
    positions = checkpoint_files.usable(tmp_path, "key")
    assert list(positions) == [first, second]
    assert positions[second] == Position(key="key", epoch=2, batches=10)


@given(st.data())
def test_a_byte_changed_anywhere_leaves_the_one_before(data):
    with tempfile.TemporaryDirectory() as name:
        first, second = two(Path(name))
        file = data.draw(st.sampled_from(sorted(second.iterdir())))
        held = bytearray(file.read_bytes())
        held[data.draw(st.integers(0, len(held) - 1))] ^= data.draw(st.integers(1, 255))
        file.write_bytes(bytes(held))
        positions = checkpoint_files.usable(Path(name), "key")
        # A changed blank of the manifest changes nothing that counts.
        assert positions[first].epoch == 1
        assert positions.get(second) in (None, Position(key="key", epoch=2, batches=10))


@given(st.data())
def test_a_file_cut_short_or_missing_leaves_the_one_before(data):
    with tempfile.TemporaryDirectory() as name:
        first, second = two(Path(name))
        file = data.draw(st.sampled_from(sorted(second.iterdir())))
        held = file.read_bytes()
        file.unlink()
        if data.draw(st.booleans()):
            file.write_bytes(held[: data.draw(st.integers(0, len(held) - 1))])
        assert list(checkpoint_files.usable(Path(name), "key")) == [first]


def test_a_damaged_checkpoint_is_named_in_the_log(tmp_path: Path, caplog):
    _, second = two(tmp_path)
    (second / "state.data").write_bytes(b"other")
    with caplog.at_level(logging.WARNING):
        checkpoint_files.usable(tmp_path, "key")
    assert "epoch-000002: damaged, its checksums differ; the one before it is used" in caplog.text


def test_the_checkpoints_of_another_training_are_not_used_and_named(tmp_path: Path, caplog):
    two(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert checkpoint_files.usable(tmp_path, "other key") == {}
    assert "made with other data, another module or other parameters" in caplog.text


def test_a_state_that_cannot_be_written_leaves_no_checkpoint(tmp_path: Path):
    def failing(path: Path) -> None:
        state(path)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        checkpoint_files.write(tmp_path, Position(key="k", epoch=1, batches=5), failing)
    assert list(tmp_path.iterdir()) == []
