"""Files below `key=value` folders, as Hive, Spark and Arrow write partitioned tables."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.ingest.ingest import ingest
from kanaria.components.shared.data import data_reference, examples
from kanaria.components.shared.errors import DataError


def parquet(path: Path, **columns: list[object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


@pytest.fixture
def rows_of(tmp_path: Path):
    def read(pattern: str, pinned: bool = False) -> list[dict]:
        data = f"{tmp_path}/{pattern}"
        ingest(data_reference.pin(data) if pinned else data, tmp_path / "examples", splits="all=1")
        file = examples.split_files(tmp_path / "examples", "all")[0]
        return sorted(pq.read_table(file).to_pylist(), key=str)

    return read


@pytest.mark.parametrize("pinned", [False, True])
def test_what_arrow_partitions_is_read_back(rows_of, tmp_path: Path, pinned: bool):
    table = pa.table({"x": [1, 2, 3], "year": [2023, 2024, 2024], "city": ["a b", "é=1", None]})
    pq.write_to_dataset(table, tmp_path, partition_cols=["year", "city"])
    assert rows_of("**/*.parquet", pinned) == sorted(table.to_pylist(), key=str)


def test_a_value_of_one_folder_that_is_no_number_makes_all_text(rows_of, tmp_path: Path):
    parquet(tmp_path / "k=7/a.parquet", x=[1])
    parquet(tmp_path / "k=eu/a.parquet", x=[2])
    assert [row["k"] for row in rows_of("*/*.parquet")] == ["7", "eu"]


def test_what_a_path_cannot_hold_is_written_in_percent(rows_of, tmp_path: Path):
    parquet(tmp_path / "a%2Fb=c%3Dd/a.parquet", x=[1])
    assert rows_of("*/*.parquet") == [{"x": 1, "a/b": "c=d"}]


def test_csv_files_have_folders_too(rows_of, tmp_path: Path):
    (tmp_path / "k=0.5").mkdir()
    (tmp_path / "k=0.5/a.csv").write_text("x\n1\n2\n")
    assert rows_of("k=0.5/a.csv") == [{"x": 1, "k": 0.5}, {"x": 2, "k": 0.5}]


def test_folders_above_one_that_is_no_pair_are_no_columns(rows_of, tmp_path: Path):
    parquet(tmp_path / "lr=0.1/data/a.parquet", x=[1])
    assert rows_of("lr=0.1/data/a.parquet") == [{"x": 1}]


def test_a_column_that_says_what_its_folder_says_stays(rows_of, tmp_path: Path):
    parquet(tmp_path / "month=01/a.parquet", x=[1], month=[1])
    assert rows_of("*/*.parquet") == [{"x": 1, "month": 1}]


def test_the_same_bytes_in_other_folders_are_other_data(tmp_path: Path):
    parquet(tmp_path / "one/k=1/a.parquet", x=[1])
    parquet(tmp_path / "two/k=2/a.parquet", x=[1])
    one, two = (
        ingest(f"{tmp_path}/{name}/*/a.parquet", tmp_path / f"{name}.out", splits="all=1")
        for name in ("one", "two")
    )
    assert one.fingerprint != two.fingerprint


FAULTS = {
    "some without": (
        ("k=1/a", "b"),
        r"k=1/a\.parquet: its folders name the columns \['k'\], those",
    ),
    "other keys": (("j=1/a", "k=1/a"), r"k=1/a\.parquet: its folders name the columns \['k'\]"),
    "a key twice": (("k=1/k=2/a",), r"a folder's key stands twice"),
    "no UTF-8": (("k=%E9/a",), r"k=%E9/a\.parquet: b'\\xe9' in a folder's name is not UTF-8"),
    "another value in the file": (("x=3/a",), r"column 'x' holds 1, the folder says '3'; leave"),
}


@pytest.mark.parametrize(("names", "message"), FAULTS.values(), ids=FAULTS)
def test_folders_that_do_not_fit_are_named(rows_of, tmp_path: Path, names, message: str):
    for name in names:
        parquet(tmp_path / f"{name}.parquet", x=[1])
    with pytest.raises(DataError, match=message):
        rows_of("**/*.parquet")
