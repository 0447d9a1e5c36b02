import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.data import tf_record
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.errors import DataError


def read(path: Path) -> list[bytes]:
    return list(tf_record.records(DataFile(uri="s3://bucket/a", path=path)))


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    tf_record.write_gzip(tmp_path / "a.gz", [b"one", b"two", b"three"])
    return tmp_path / "a.gz"


@pytest.fixture
def plain(packed: Path, tmp_path: Path) -> Path:
    (tmp_path / "a").write_bytes(gzip.decompress(packed.read_bytes()))
    return tmp_path / "a"


@given(records=st.lists(st.binary(max_size=300)))
def test_what_was_written_is_read(tmp_path_factory, records: list[bytes]):
    path = tmp_path_factory.mktemp("records") / "a"
    tf_record.write_gzip(path, records)
    assert read(path) == records


def test_gzip_is_told_by_content_whatever_the_name(tmp_path: Path, packed: Path, plain: Path):
    packed.rename(tmp_path / "b.tfrecord")
    plain.rename(tmp_path / "c.tfrecord.gz")
    assert read(tmp_path / "b.tfrecord") == read(tmp_path / "c.tfrecord.gz")


def test_a_plain_file_whose_first_length_looks_like_gzip_is_plain(tmp_path: Path):
    looks = bytes(int.from_bytes(b"\x1f\x8b", "little"))
    tf_record.write_gzip(tmp_path / "a.gz", [looks])
    (tmp_path / "a").write_bytes(gzip.decompress((tmp_path / "a.gz").read_bytes()))
    assert (tmp_path / "a").read_bytes().startswith(b"\x1f\x8b")
    assert read(tmp_path / "a") == [looks]


def test_an_empty_file_holds_no_records(tmp_path: Path):
    (tmp_path / "a").touch()
    assert read(tmp_path / "a") == []


def test_the_same_records_give_the_same_bytes_under_another_name(tmp_path: Path, packed: Path):
    tf_record.write_gzip(tmp_path / "other.gz", [b"one", b"two", b"three"])
    assert (tmp_path / "other.gz").read_bytes() == packed.read_bytes()


SECOND = 16 + len(b"one")
"""Where the second record begins."""
FLIPS = {
    "length": (SECOND, "has a length that does not fit its checksum"),
    "checksum of the length": (SECOND + 9, "has a length that does not fit its checksum"),
    "data": (SECOND + 12, "does not fit its checksum"),
    "checksum of the data": (SECOND + 16, "does not fit its checksum"),
}


@pytest.mark.parametrize(("place", "message"), FLIPS.values(), ids=FLIPS)
def test_a_changed_byte_is_an_error_naming_the_record(plain: Path, place: int, message: str):
    data = bytearray(plain.read_bytes())
    data[place] ^= 1
    plain.write_bytes(data)
    with pytest.raises(DataError, match=f"^s3://bucket/a: record 2 {message}; write"):
        read(plain)


@pytest.mark.parametrize("left", [1, 8, 12, 14, 18])
def test_a_cut_record_is_an_error(plain: Path, left: int):
    plain.write_bytes(plain.read_bytes()[: SECOND + left])
    with pytest.raises(DataError, match="record 2 is cut off"):
        read(plain)


def test_a_cut_gzip_file_is_an_error(packed: Path):
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"record \d is cut off"):
        read(packed)


def test_a_damaged_gzip_file_is_an_error(packed: Path):
    packed.write_bytes(packed.read_bytes()[:10] + b"\xff" * 20)
    with pytest.raises(DataError, match=r"record 1 is no readable gzip \(.*\); write"):
        read(packed)


def test_a_file_of_another_kind_is_an_error(tmp_path: Path):
    (tmp_path / "a").write_text("area,fare\n1,2.5\n3,4.5\n")
    with pytest.raises(DataError, match="record 1 has a length that does not fit its checksum"):
        read(tmp_path / "a")
