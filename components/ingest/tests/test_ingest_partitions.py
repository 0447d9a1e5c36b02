"""A split that is cut into parts and read part by part is the split."""

import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.shared.data import partitions
from kanaria.components.shared.data.examples import ExamplesFormat
from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.data.write_examples import write_split


def rows_of(numbers: range) -> pa.Table:
    texts = [None if number % 3 == 0 else f"é{number}" for number in numbers]
    lists = [[float(number)] * (number % 3) for number in numbers]
    columns = {"n": list(numbers), "text": texts, "list": lists, "no": pa.nulls(len(numbers))}
    return pa.table(columns)


@pytest.fixture(params=list(ExamplesFormat))
def files(request, tmp_path: Path) -> list[Path]:
    """Return the files of a split of two parts."""
    parts = [[rows_of(range(25))], [rows_of(range(25, 32))]]
    write_split(tmp_path / "split=all", request.param, parts[0][0].schema, parts)
    return sorted((tmp_path / "split=all").glob("part-*"))


@pytest.mark.parametrize("most_rows", [1, 10, 1000])
def test_the_parts_together_are_the_split(files: list[Path], most_rows: int):
    parts = partitions.partitions(files, most_rows)
    batches = [batch for part in parts for batch in partitions.batches(part, 4)]
    want = pa.Table.from_batches(record_batches(files, 4))
    assert pa.Table.from_batches(batches).equals(want)
    assert {batch.schema for batch in batches} == {part.schema for part in parts}


@pytest.mark.parametrize("most_rows", [1, 10, 1000])
def test_a_part_goes_alone_to_who_does_not_see_the_file(tmp_path: Path, most_rows: int):
    path = tmp_path / "part-00000.parquet"
    pq.write_table(rows_of(range(25)), path, row_group_size=7)
    parts = partitions.partitions([path], most_rows)
    (tmp_path / "sent").mkdir()
    for part in parts:
        sent = part.alone(tmp_path / "sent")
        assert sent.file == tmp_path / "sent" / path.name
        assert list(partitions.batches(sent, 4)) == list(partitions.batches(part, 4))
        assert pq.ParquetFile(sent.file).metadata.num_row_groups == len(part.groups)


def test_a_part_goes_to_another_process_as_bytes(files: list[Path]):
    parts = partitions.partitions(files, 10)
    assert pickle.loads(pickle.dumps(parts)) == parts


def cuts(path: Path, rows: int, group: int, most_rows: int) -> list[tuple[int, ...]]:
    pq.write_table(pa.table({"a": range(rows)}), path / "part-0.parquet", row_group_size=group)
    return [part.groups for part in partitions.partitions([path / "part-0.parquet"], most_rows)]


@pytest.mark.parametrize(
    ("most_rows", "want"),
    [(1, [(0,), (1,), (2,)]), (20, [(0, 1), (2,)]), (29, [(0, 1), (2,)]), (30, [(0, 1, 2)])],
)
def test_a_parquet_file_is_cut_between_row_groups(tmp_path: Path, most_rows: int, want):
    assert cuts(tmp_path, 30, 10, most_rows) == want


def test_a_file_without_rows_has_no_part(tmp_path: Path):
    assert cuts(tmp_path, 0, 10, 10) == []


def test_a_batch_never_crosses_parts_and_equals_those_of_whole_files(tmp_path: Path):
    table = pa.table({"a": range(2500)})
    path = tmp_path / "part-0.parquet"
    pq.write_table(table, path, row_group_size=1000)
    parts = partitions.partitions([path], 1000)
    sizes = [batch.num_rows for part in parts for batch in partitions.batches(part, 500)]
    assert sizes == [batch.num_rows for batch in record_batches([path], 500)] == [500] * 5
