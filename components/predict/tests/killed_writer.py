"""Writes chunks to a target and dies at one moment: `killed_writer.py OUTPUT MOMENT CHUNK`.

Before the first chunk, at -1, it writes the ledger. For the moment "" it lives on.
"""

import os
import signal
import sys
from pathlib import Path

import pyarrow as pa
from adbc_driver_postgresql import dbapi

from kanaria.components.predict.targets import postgresql_table
from kanaria.components.predict.targets.parquet_folder import ParquetFolder
from kanaria.components.predict.targets.target import KEYS, Job
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data.database_reference import is_database
from kanaria.components.shared.storage import atomic

SCHEMA = pa.schema([*KEYS, ("score", pa.float64())])
JOB = Job(model="m", data="d", signature="s", chunk_rows=3, columns={"score": "double"})
CHUNKS = 4
chunk = -1


def die(moment: str) -> None:
    if moment == sys.argv[2] and chunk == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)


def around(owner, name: str) -> None:
    """Let a function be a moment, before and after."""
    function = getattr(owner, name)

    def wrapped(*args, **kwargs):
        die(f"before {name}")
        result = function(*args, **kwargs)
        die(f"after {name}")
        return result

    setattr(owner, name, wrapped)


def rows(number: int) -> pa.Table:
    count = 3 if number < CHUNKS - 1 else 1
    ids = [f"data.csv:{3 * number + n}" for n in range(count)]
    keys = {"run_id": JOB.run_id, "chunk": number, "model_fingerprint": "m", "scored_at": None}
    columns = {name: [value] * count for name, value in keys.items()}
    columns |= {"row_id": ids, "score": [number + n / 10 for n in range(count)]}
    return pa.table({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA)


def main() -> None:
    global chunk
    output = sys.argv[1]
    target = postgresql_table.parse(output) if is_database(output) else ParquetFolder(output)
    for owner, name in (
        (Path, "rename"),
        (atomic, "_sync"),
        (dbapi.Connection, "commit"),
        (dbapi.Cursor, "adbc_ingest"),
    ):
        around(owner, name)
    faults = Faults("killed_writer")
    target.check(SCHEMA, faults)
    faults.raise_if_any()
    with target.opened(JOB, SCHEMA) as writer:
        finished = writer.finished()
        for number in range(CHUNKS):
            chunk = number
            if number not in finished:
                writer.write(number, rows(number))
            die("between chunks")
        writer.finish(CHUNKS, 10)


main()
