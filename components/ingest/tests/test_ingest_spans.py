"""The rows of a span begin files of their own, so they are the same bytes in another window."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from kanaria.components.ingest.ingest import ingest
from kanaria.components.shared.errors import ParameterError


@pytest.fixture
def days(tmp_path: Path) -> list[str]:
    """Return the paths of five days' files, the second day's in two."""
    paths = []
    for number, count in enumerate([300, 100, 200, 1, 250]):
        path = tmp_path / f"{number}.csv"
        rows = [f"{number * 1000 + row},{row / 7}" for row in range(count)]
        path.write_text("\n".join(["id,x", *rows]) + "\n")
        paths.append(str(path))
    return paths


def written(data: list[str], target: Path, **options: object) -> list[Path]:
    usual = {"splits": "train=2,eval=1"}
    ingest(",".join(data), target, **(usual | options))
    return sorted((target / "split=train").glob("part-*"))


@pytest.mark.parametrize("examples_format", ["parquet", "tfrecord"])
def test_a_spans_files_are_equal_in_another_window(days, tmp_path, examples_format):
    kind = {"examples_format": examples_format}
    first = written(days[:4], tmp_path / "a", span_files=[1, 2, 1], **kind)
    moved = written(days[1:], tmp_path / "b", span_files=[2, 1, 1], **kind)
    assert first[1].read_bytes() == moved[0].read_bytes()
    assert first[0].read_bytes() not in [path.read_bytes() for path in moved]


def test_all_rows_are_there_in_their_order(days, tmp_path):
    files = written(days, tmp_path / "a", span_files=[1, 2, 1, 1], splits="train=1")
    parts = [pq.read_table(path)["id"].to_pylist() for path in files]
    assert list(map(len, parts)) == [300, 300, 1, 250]
    (whole,) = written(days, tmp_path / "b", splits="train=1")
    assert [row for part in parts for row in part] == pq.read_table(whole)["id"].to_pylist()


def test_numbers_of_other_files_are_refused(days, tmp_path):
    with pytest.raises(ParameterError, match=r"span_files=\[1, 2\]: the data has 5 files"):
        written(days, tmp_path / "a", span_files=[1, 2])
