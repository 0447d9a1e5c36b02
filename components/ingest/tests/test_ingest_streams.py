"""Rows pass through in pieces; where these are cut changes nothing, and few are in memory."""

import json
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.ingest import csv_text, ordered_rows, parquet_file, row_spool
from kanaria.components.ingest.ingest import ingest
from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.data import row_groups, tf_examples
from kanaria.components.shared.data.row_groups import RowGroups
from kanaria.components.shared.errors import DataError

VALUES = ["", "7", "x", '"a\r\nb"', '"say ""é"""', '"1,5"', "0.5", "-0", " 3 "]


@pytest.fixture
def cut(monkeypatch):
    """Make every piece that is read at once as small as told."""

    def run(size: int) -> None:
        monkeypatch.setattr(csv_text, "PIECE_BYTES", size)
        monkeypatch.setattr(parquet_file, "BATCH_ROWS", size)
        monkeypatch.setattr(row_spool, "ROWS_AT_ONCE", size)
        monkeypatch.setattr(tf_examples, "ROWS_PER_BATCH", size)
        monkeypatch.setattr(ordered_rows, "BUCKET_BYTES", 100 * size)

    return run


def tree(data: object, folder: Path, name: str, **parameters: object) -> tuple[str, object]:
    """Return the fingerprint of what is written, and the result."""
    result = ingest(str(data), folder / name, splits="train=2,eval=1", **parameters)
    return fingerprint.of_tree(folder / name), result


def lines(end: str) -> bytes:
    draw = random.Random(7)
    rows = [f"{n},{n / 8},{draw.choice(VALUES)},{draw.choice(VALUES)}{end}" for n in range(60)]
    return f"n,f,a,b{end}{''.join(rows)}".encode()


@pytest.mark.parametrize("size", [1, 7, 64, 500])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_where_csv_is_cut_changes_nothing(tmp_path: Path, cut, end: str, size: int):
    (tmp_path / "1.csv").write_bytes(lines(end))
    (tmp_path / "2.csv").write_bytes(f"n,f,b,a{end}".encode())
    (tmp_path / "3.csv").write_bytes(b"\xef\xbb\xbf" + lines(end).rstrip(end.encode()))
    whole = tree(f"{tmp_path}/*.csv", tmp_path, "whole")
    cut(size)
    assert tree(f"{tmp_path}/*.csv", tmp_path, "cut") == whole


@pytest.mark.parametrize("size", [1, 16])
@pytest.mark.parametrize("kind", ["parquet", "tfrecord"])
def test_where_examples_are_cut_changes_nothing(tmp_path: Path, cut, kind: str, size: int):
    (tmp_path / "1.csv").write_bytes(lines("\n"))
    ingest(str(tmp_path / "1.csv"), tmp_path / "in", splits="a=1,b=1", examples_format=kind)
    whole = tree(f"{tmp_path}/in/*/part-*", tmp_path, "whole", time_column="n")
    cut(size)
    assert tree(f"{tmp_path}/in/*/part-*", tmp_path, "cut", time_column="n") == whole


def test_where_an_answer_is_cut_changes_nothing(tmp_path: Path, cut):
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("create table t (n, mixed, late)")
    rows = [(n % 50, n if n % 2 else n / 4, "x" if n > 180 else None) for n in range(200)]
    connection.executemany("insert into t values (?, ?, ?)", rows)
    connection.commit()
    data, query = f"sqlite:///{tmp_path}/a.db", "select * from t"
    whole = tree(data, tmp_path, "whole", query=query)
    cut(3)
    assert tree(data, tmp_path, "cut", query=query) == whole


def test_a_type_that_the_last_row_changes_is_that_of_all(tmp_path: Path, cut):
    cut(8)
    (tmp_path / "1.csv").write_text("a,b\n" + "1,2\n" * 50 + "x,0.5\n")
    columns = tree(tmp_path / "1.csv", tmp_path, "out")[1].columns
    assert columns == {"a": "string", "b": "double"}


LATE = {
    "a byte that is no UTF-8": (b"\xe9,2\n", r"1\.csv:52: byte 1 of the line, 0xe9, is not UTF-8"),
    "a byte cut off": (b"1,\xc3", r"1\.csv:52: byte 3 of the line, 0xc3"),
    "a zero byte": (b"\0,2\n", r"1\.csv:52: holds a zero byte"),
    "a row too long": (b"1,2,3\n", r"1\.csv:52: 3 columns, the header has 2: '1,2,3'"),
    "a quote left open": (b'1,"2\n1,2\n', r"1\.csv:52: a quote opens before '2' and is never"),
    "a quote closed within": (
        b'1,"2"3\n',
        r"1\.csv:52: a quote opens before .* on line 52 before '3'",
    ),
    "an integer beyond 64 bits": (b"9223372036854775808,2\n", r"1\.csv:52: .*beyond 64-bit integ"),
}


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize(("row", "message"), LATE.values(), ids=LATE)
def test_a_fault_in_a_late_piece_has_its_line(tmp_path, cut, row: bytes, message: str, size: int):
    cut(size)
    (tmp_path / "1.csv").write_bytes(b"a,b\n" + b"1,2\n" * 50 + row)
    with pytest.raises(DataError, match=message):
        tree(tmp_path / "1.csv", tmp_path, "out")


def test_a_mark_of_byte_order_within_the_text_is_a_character(tmp_path: Path, cut):
    cut(4)
    (tmp_path / "1.csv").write_text("a,b\n" + "\ufeffx,1\n" * 9)
    ingest(str(tmp_path / "1.csv"), tmp_path / "out", splits="all=1")
    assert set(pq.read_table(tmp_path / "out/split=all")["a"].to_pylist()) == {"\ufeffx"}


@pytest.mark.parametrize("at_once", [1, 3, 10])
def test_groups_of_rows_end_by_rows_and_by_bytes_wherever_rows_come_from(monkeypatch, at_once):
    monkeypatch.setattr(row_groups, "MOST_BYTES", 1000)
    table = pa.table({"a": ["x" * 400 if n < 4 else "y" for n in range(10)], "b": [[1]] * 10})
    groups, sizes = RowGroups(4), []
    for start in range(0, 10, at_once):
        sizes += [group.num_rows for group in groups.add(table.slice(start, at_once))]
    assert sizes == [3, 4]
    assert groups.rest().num_rows == 3


HEAVY = ["tensorflow", "apache_beam", "pandas", "IPython", "matplotlib", "scipy", "kfp"]
LOADED = """
import json, pathlib, re, sys
from kanaria.components.ingest.ingest import ingest
ingest(sys.argv[1], pathlib.Path(sys.argv[2]), splits="all=1")
status = pathlib.Path("/proc/self/status").read_text()
print(json.dumps([sorted(sys.modules), int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) // 1024]))
"""


def in_process(data: Path, target: Path) -> tuple[set[str], int]:
    """Return the modules of a fresh process that ingests, and the most MB that it had."""
    command = [sys.executable, "-I", "-c", LOADED, str(data), str(target)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    modules, peak = json.loads(printed)
    return set(modules), peak


def test_the_step_loads_no_heavy_library(tmp_path: Path):
    (tmp_path / "1.csv").write_bytes(lines("\n"))
    modules, _ = in_process(tmp_path / "1.csv", tmp_path / "out")
    assert [name for name in HEAVY if name in modules] == []


def test_memory_does_not_grow_with_the_rows(tmp_path: Path):
    row = "12345,0.5," + "x" * 100 + "\n"
    (tmp_path / "1.csv").write_text("a,b,c\n" + row * 1_000_000)  # 111 MB of text.
    _, peak = in_process(tmp_path / "1.csv", tmp_path / "out")
    assert peak < 250
