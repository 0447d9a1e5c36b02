"""Whenever a process is killed, the next one leaves every row once, in files and in a table."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from adbc_driver_postgresql import dbapi

from kanaria.components.predict.targets import postgresql_table
from kanaria.components.predict.targets.parquet_folder import ParquetFolder
from kanaria.components.predict.targets.target import KEYS, Job
from kanaria.components.shared.errors import ConflictError

WRITER = Path(__file__).with_name("killed_writer.py")
ROWS = [(f"data.csv:{n}", n // 3 + n % 3 / 10) for n in range(10)]
IN_A_FOLDER = [
    ("before _sync", -1),
    ("before rename", -1),
    ("after rename", -1),
    ("before _sync", 1),
    ("after _sync", 1),
    ("before rename", 1),
    ("after rename", 1),
    ("between chunks", 1),
]
IN_A_TABLE = ["before adbc_ingest", "after adbc_ingest", "before commit", "after commit"]


def write(output: str, moment: str = "", chunk: int = 1) -> int:
    command = [sys.executable, "-I", str(WRITER), output, moment, str(chunk)]
    return subprocess.run(command, check=False).returncode


def in_table(database: str, statement: str) -> list[tuple]:
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


@pytest.mark.parametrize(("moment", "chunk"), IN_A_FOLDER)
def test_a_folder_has_every_row_once_after_a_kill(tmp_path, moment, chunk):
    output = tmp_path / "out"
    assert write(str(output), moment, chunk) == -9
    assert not (output / "_SUCCESS").exists()
    for _ in range(2):  # A third one changes nothing.
        assert write(str(output)) == 0
        files = sorted(output.glob("part-*"))
        rows = [row for file in files for row in pq.read_table(file).to_pylist()]
        assert [(row["row_id"], row["score"]) for row in rows] == ROWS
    left = sorted(path.name for path in output.iterdir() if not path.name.startswith("part-"))
    assert left == ["_SUCCESS", "_kanaria.json"]


@pytest.mark.parametrize("moment", IN_A_TABLE)
def test_a_table_has_every_row_once_after_a_kill(database, moment):
    table = moment.replace(" ", "_")
    assert write(f"{database}#{table}", moment) == -9
    for _ in range(2):
        assert write(f"{database}#{table}") == 0
        assert sorted(in_table(database, f"SELECT row_id, score FROM {table}")) == sorted(ROWS)
    ledger = f"SELECT chunk, rows FROM kanaria_scored WHERE target = '{table}' ORDER BY chunk"
    assert in_table(database, ledger) == [(-1, 10), (0, 3), (1, 3), (2, 3), (3, 1)]


def test_rows_that_no_ledger_knows_are_written_anew(database):
    assert write(f"{database}#cut") == 0
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM kanaria_scored WHERE target = 'cut' AND chunk IN (2, -1)")
        connection.commit()
    assert write(f"{database}#cut") == 0
    assert sorted(in_table(database, "SELECT row_id, score FROM cut")) == sorted(ROWS)


def test_a_process_is_kept_from_what_another_one_writes(tmp_path, database):
    job = Job(model="m", data="d", signature="s", chunk_rows=3, columns={})
    schema = pa.schema([*KEYS, ("score", pa.float64())])
    rows = schema.empty_table()
    folder = ParquetFolder(str(tmp_path / "out"))
    with (
        pytest.raises(ConflictError, match="another process writes there"),
        folder.opened(job, schema),
        folder.opened(job, schema),
    ):
        pass
    table = postgresql_table.parse(f"{database}#both")
    with (
        pytest.raises(ConflictError, match="another process writes this run"),
        table.opened(job, schema) as first,
        table.opened(job, schema) as second,
    ):
        first.write(0, rows)
        second.write(0, rows)
    assert in_table(database, "SELECT chunk FROM kanaria_scored WHERE target = 'both'") == [(0,)]
