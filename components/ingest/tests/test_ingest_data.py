import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.ingest import write_splits as work
from kanaria.components.ingest.ingest import Ingested, ingest
from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.data import data_reference, examples, write_examples
from kanaria.components.shared.data.data_reference import DataFile
from kanaria.components.shared.data.record_batches import record_batches
from kanaria.components.shared.errors import DataError, ParameterError


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out" / "examples"


def trips(path: Path, rows: range, company: str = "") -> Path:
    """Write trips shaped like taxi data: an integer with gaps, floats, text, time, key."""
    lines = [
        f"{i % 77 if i % 3 else ''},{i / 4},{company or f'company {i % 5}'},{1_360_000_000 + i},"
        f"cab {i % 40}"
        for i in rows
    ]
    path.write_text("area,fare,company,time,cab\n" + "\n".join(lines) + "\n")
    return path


def run(data: object, target: Path, splits: str = "train=2,eval=1", **columns: str) -> Ingested:
    return ingest(str(data), target, splits=splits, **columns)


def table_of(target: Path, split: str) -> pa.Table:
    return pa.concat_tables([pq.read_table(file) for file in examples.split_files(target, split)])


def test_every_row_lands_in_exactly_one_split(tmp_path: Path, target: Path):
    trips(tmp_path / "1.csv", range(200))
    trips(tmp_path / "2.csv", range(200, 300))
    result = run(f"{tmp_path}/*.csv", target)
    times = [
        row for split in ("train", "eval") for row in table_of(target, split)["time"].to_pylist()
    ]
    assert sorted(times) == list(range(1_360_000_000, 1_360_000_300))
    assert {s: table_of(target, s).num_rows for s in ("train", "eval")} == result.rows


def test_the_result_says_types_rows_and_content(tmp_path: Path, target: Path):
    file = trips(tmp_path / "1.csv", range(300))
    result = run(file, target)
    assert result.columns == {
        "area": "int64",
        "fare": "double",
        "company": "string",
        "time": "int64",
        "cab": "string",
    }
    assert sum(result.rows.values()) == 300
    assert result.fingerprint == data_reference.content([DataFile(uri=str(file), path=file)])
    assert (result.files, result.empty_columns) == (1, ())


def test_the_same_input_gives_the_same_bytes(tmp_path: Path):
    data = trips(tmp_path / "1.csv", range(300))
    run(data, tmp_path / "a")
    run(data, tmp_path / "b")
    assert fingerprint.of_tree(tmp_path / "a") == fingerprint.of_tree(tmp_path / "b")


def test_a_row_keeps_its_split_when_a_file_is_added(tmp_path: Path):
    trips(tmp_path / "2.csv", range(100))
    run(f"{tmp_path}/*.csv", tmp_path / "before")
    trips(tmp_path / "1.csv", range(100, 200))
    run(f"{tmp_path}/*.csv", tmp_path / "after")
    before = set(table_of(tmp_path / "before", "eval")["time"].to_pylist())
    after = set(table_of(tmp_path / "after", "eval")["time"].to_pylist())
    assert before == {time for time in after if time < 1_360_000_100}


def test_parquet_gives_the_splits_that_its_csv_gives(tmp_path: Path):
    csv = trips(tmp_path / "1.csv", range(300))
    run(csv, tmp_path / "from_csv")
    table = pa.concat_tables([table_of(tmp_path / "from_csv", s) for s in ("train", "eval")])
    pq.write_table(table, tmp_path / "1.parquet")
    run(tmp_path / "1.parquet", tmp_path / "from_parquet")
    trees = [fingerprint.of_tree(tmp_path / name) for name in ("from_csv", "from_parquet")]
    assert trees[0] == trees[1]


def test_a_key_keeps_its_rows_in_one_split(tmp_path: Path, target: Path):
    run(trips(tmp_path / "1.csv", range(300)), target, key_column="cab")
    cabs = [set(table_of(target, split)["cab"].to_pylist()) for split in ("train", "eval")]
    assert cabs[0].isdisjoint(cabs[1])


def test_shares_of_time_put_the_oldest_rows_first(tmp_path: Path, target: Path):
    data = trips(tmp_path / "1.csv", range(300))
    result = run(data, target, splits="train=8,eval=1,test=1", time_column="time")
    assert result.rows == {"train": 240, "eval": 30, "test": 30}
    newest = [max(table_of(target, split)["time"].to_pylist()) for split in result.rows]
    assert newest == sorted(newest)


def test_shares_of_time_follow_instants_of_a_zone(tmp_path: Path, target: Path):
    # Clocks in Berlin show 02:00 to 03:00 twice on this day.
    first = datetime(2024, 10, 26, 23, 30, tzinfo=UTC)
    times = [first + timedelta(minutes=minutes) for minutes in range(180)]
    column = pa.array(times, pa.timestamp("us", "Europe/Berlin"))
    table = pa.table({"t": column, "n": range(180)}).take(list(reversed(range(180))))
    pq.write_table(table, tmp_path / "1.parquet")
    run(tmp_path / "1.parquet", target, splits="train=1,eval=1", time_column="t")
    assert sorted(table_of(target, "train")["n"].to_pylist()) == list(range(90))


def test_a_column_without_values_is_kept_and_named(tmp_path: Path, target: Path, caplog):
    (tmp_path / "1.csv").write_text("a,empty\n" + "".join(f"{i},\n" for i in range(30)))
    result = run(tmp_path / "1.csv", target)
    assert result.empty_columns == ("empty",)
    assert "columns without any value: empty" in caplog.text
    batch = next(record_batches(examples.split_files(target, "train"), rows=100))
    assert batch.column("empty").null_count == result.rows["train"]


def test_missing_integers_reach_the_next_step_as_integers(tmp_path: Path, target: Path):
    run(trips(tmp_path / "1.csv", range(300)), target)
    batch = next(record_batches(examples.split_files(target, "train"), rows=100))
    assert batch.schema.field("area").type == pa.large_list(pa.int64())
    assert batch.column("area").null_count > 0


def test_many_rows_become_several_parts(tmp_path: Path, target: Path, monkeypatch):
    monkeypatch.setattr(work, "ROWS_PER_PART", 100)
    run(trips(tmp_path / "1.csv", range(250)), target, splits="all=1")
    names = [file.name for file in examples.split_files(target, "all")]
    assert names == [f"part-0000{i}-of-00003.parquet" for i in range(3)]
    assert table_of(target, "all").num_rows == 250


def test_row_groups_stay_small(tmp_path: Path, target: Path, monkeypatch):
    monkeypatch.setattr(write_examples, "ROWS_PER_GROUP", 100)
    run(trips(tmp_path / "1.csv", range(250)), target, splits="all=1")
    (file,) = examples.split_files(target, "all")
    assert pq.read_metadata(file).num_row_groups == 3


def test_a_suffix_may_be_in_capitals(tmp_path: Path, target: Path):
    assert sum(run(trips(tmp_path / "1.CSV", range(100)), target).rows.values()) == 100


def test_a_header_alone_among_files_with_rows_is_fine(tmp_path: Path, target: Path):
    trips(tmp_path / "1.csv", range(0))
    trips(tmp_path / "2.csv", range(100))
    assert sum(run(f"{tmp_path}/*.csv", target).rows.values()) == 100


def test_the_index_of_a_pandas_frame_is_no_column(tmp_path: Path, target: Path):
    table = pa.table({"a": range(30), "__index_level_0__": range(30)})
    pq.write_table(table, tmp_path / "1.parquet")
    assert set(run(tmp_path / "1.parquet", target).columns) == {"a"}


def test_a_separator_is_for_csv_files(tmp_path: Path, target: Path):
    (tmp_path / "a.csv").write_text("a|b\n1|2\n3|x\n")
    assert run(tmp_path / "a.csv", target, "all=1", separator="|").columns["b"] == "string"
    pq.write_table(pa.table({"a": [1]}), tmp_path / "1.parquet")
    with pytest.raises(ParameterError, match="separator=';': the data is parquet; give it for CSV"):
        run(tmp_path / "1.parquet", target, separator=";")


@pytest.mark.parametrize("separator", ["tab", r"\t", "\t"])
def test_a_tab_has_a_name(tmp_path: Path, target: Path, separator: str):
    (tmp_path / "a.csv").write_text("a\tb\n1\t2\n")
    assert set(run(tmp_path / "a.csv", target, "all=1", separator=separator).columns) == {"a", "b"}


@pytest.mark.parametrize("separator", ["", "||", '"', "é", "\n", " "])
def test_what_cannot_separate_is_refused(target: Path, separator: str):
    with pytest.raises(ParameterError, match=r"separator=.*: give one character, such as ; or"):
        run("/absent.csv", target, separator=separator)


def test_all_faults_of_the_parameters_come_at_once_and_before_the_data(target: Path):
    message = "splits='train': write .*; time_column='t': give key_column or time_column, not both"
    with pytest.raises(ParameterError, match=message):
        run("/absent.csv", target, splits="train", key_column="k", time_column="t")


def refuse(message: str, data: object, target: Path, **parameters: str) -> None:
    """Expect one line of error, and nothing left for a later step."""
    with pytest.raises(DataError, match=message) as raised:
        run(data, target, **parameters)
    assert "\n" not in str(raised.value)
    assert list(target.parent.glob("*")) == []


def test_a_missing_file_is_an_error(tmp_path: Path, target: Path):
    refuse(r"no such file: '\S*absent\.csv'", tmp_path / "absent.csv", target)


def test_a_header_alone_is_an_error(tmp_path: Path, target: Path):
    data = trips(tmp_path / "1.csv", range(0))
    refuse(r"1\.csv: no rows, only column names; give data", data, target)


def test_csv_mixed_with_parquet_is_an_error(tmp_path: Path, target: Path):
    trips(tmp_path / "1.csv", range(9))
    pq.write_table(pa.table({"a": [1]}), tmp_path / "1.parquet")
    refuse(r"files end in \['\.csv', '\.parquet'\]; give", f"{tmp_path}/1.*", target)


def test_an_unknown_format_is_an_error(tmp_path: Path, target: Path):
    (tmp_path / "1.json").write_text("{}")
    refuse(r"files end in \['\.json'\]; give \.csv files, \.parquet", tmp_path / "1.json", target)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PAR1 and then nothing PAR1"])
def test_an_unreadable_parquet_file_is_an_error(tmp_path: Path, target: Path, content: bytes):
    (tmp_path / "1.parquet").write_bytes(content)
    refuse(r"1\.parquet: not a readable Parquet file", tmp_path / "1.parquet", target)


def test_a_parquet_file_with_a_name_twice_is_an_error(tmp_path: Path, target: Path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "1.parquet")
    refuse(r"1\.parquet: column 'a' stands twice", tmp_path / "1.parquet", target)


@pytest.mark.parametrize("parameter", ["key_column", "time_column"])
def test_an_unknown_column_is_an_error_naming_the_known(tmp_path, target, parameter: str):
    data = trips(tmp_path / "1.csv", range(9))
    refuse(
        f"{parameter}='taxi': no such column; the data has .*'fare'",
        data,
        target,
        **{parameter: "taxi"},
    )


@pytest.mark.parametrize("parameter", ["key_column", "time_column"])
def test_a_gap_in_a_key_or_time_is_an_error(tmp_path: Path, target: Path, parameter: str):
    data = trips(tmp_path / "1.csv", range(9))
    refuse(f"{parameter}='area': 3 of 9 rows have no value", data, target, **{parameter: "area"})


def test_nan_in_a_time_column_is_a_gap(tmp_path: Path, target: Path):
    pq.write_table(pa.table({"t": np.array([1.0, np.nan])}), tmp_path / "1.parquet")
    refuse("1 of 2 rows have no value", tmp_path / "1.parquet", target, time_column="t")


def test_a_list_is_no_key(tmp_path: Path, target: Path):
    pq.write_table(pa.table({"k": [[1], [2]]}), tmp_path / "1.parquet")
    refuse("key_column='k': has type list", tmp_path / "1.parquet", target, key_column="k")


def test_a_split_without_rows_is_an_error(tmp_path: Path, target: Path):
    data = trips(tmp_path / "1.csv", range(1))
    refuse("would get none of the 1 rows; give more data", data, target)


def test_content_that_changed_since_it_was_pinned_is_an_error(tmp_path: Path, target: Path):
    pinned = data_reference.pin(str(trips(tmp_path / "1.csv", range(9))))
    trips(tmp_path / "1.csv", range(9), company="other")
    refuse("the content changed since it was pinned", pinned, target)


def test_a_failure_leaves_the_earlier_output_as_it_was(tmp_path: Path, target: Path):
    run(trips(tmp_path / "1.csv", range(100)), target)
    before = fingerprint.of_tree(target)
    (tmp_path / "1.csv").write_text("a,b\n1\n")
    with pytest.raises(DataError):
        run(tmp_path / "1.csv", target)
    assert fingerprint.of_tree(target) == before


FULL_DISK = """
import pathlib, resource, sys
from kanaria.components.ingest.ingest import ingest
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
ingest(sys.argv[1], pathlib.Path(sys.argv[2]), splits="all=1")
"""


def test_a_disk_that_refuses_the_output_leaves_nothing(tmp_path: Path, target: Path):
    data = trips(tmp_path / "1.csv", range(3000))
    command = [sys.executable, "-I", "-c", FULL_DISK, str(data), str(target)]
    failed = subprocess.run(command, capture_output=True, text=True)
    assert failed.returncode == 1
    assert "OSError" in failed.stderr.splitlines()[-1]
    assert list(target.parent.glob("*")) == []


def test_the_step_starts_without_the_heavy_libraries():
    code = (
        "import sys, kanaria.components.ingest.ingest; "
        "sys.exit(bool({'tensorflow', 'pandas', 'apache_beam', 'kfp'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-I", "-c", code]).returncode == 0
