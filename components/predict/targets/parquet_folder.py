"""A folder of Parquet files, one a chunk, of this machine or of an object store.

    _kanaria.json        of which job the files are
    part-00000.parquet   a chunk each; it appears under its name when it is whole
    _SUCCESS             all chunks are there (Hadoop's and Spark's mark)

The files themselves are the ledger: a chunk is finished if and only if its file has its name.
Readers leave out names that begin with `_` or `.`, as temporary files do.
"""

import fcntl
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kanaria.components.predict.targets.target import Job
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data import arrow_files
from kanaria.components.shared.errors import ConflictError, DataError, ParameterError, shown
from kanaria.components.shared.storage import atomic, uri_files

LEDGER, SUCCESS = "_kanaria.json", "_SUCCESS"
PART = re.compile(r"part-(\d{5,})\.parquet")
PARTIAL = ".*.partial"
"""What a process that was killed leaves of a file under its temporary name (`atomic`)."""


@dataclass(frozen=True, slots=True)
class ParquetFolder:
    """A folder by its path or URI."""

    uri: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.uri

    def check(self, schema: pa.Schema, faults: Faults) -> None:  # noqa: ARG002  Any has a file.
        """Add what stands against a folder of ours there."""
        try:
            uri_files.check(self.uri)
        except ParameterError as error:
            faults.add(f"output: {error}")
            return
        if uri_files.is_remote(self.uri):
            holds = uri_files.exists(self.uri)
        else:
            path = uri_files.local_path(self.uri)
            holds = path.is_dir() and any(not each.match(PARTIAL) for each in path.iterdir())
            is_file = any(each.is_file() for each in (path, *path.parents))
            faults.check(not is_file, "output", self.uri, "there is a file; name a folder")
            nearest = next(each for each in (path, *path.parents) if each.exists())
            writable = is_file or os.access(nearest, os.W_OK)
            faults.check(writable, "output", self.uri, f"you may not write into {nearest}")
        if holds and not uri_files.exists(uri_files.join(self.uri, LEDGER)):
            remedy = "holds files that no run of this step wrote; name a new folder"
            faults.check(False, "output", self.uri, remedy)

    @contextmanager
    def opened(self, job: Job, schema: pa.Schema) -> Iterator["_Parts"]:
        """Yield what writes the files of a job.

        Raises:
            ConflictError: the folder holds another job, or another process writes there.
            DataError: its ledger cannot be read.
            NotReadyError: the store does not answer.
        """
        with _held(self.uri):
            ledger = uri_files.join(self.uri, LEDGER)
            if uri_files.exists(ledger):
                job.check_same(_document(ledger), ledger)
            else:
                uri_files.write_text(ledger, json.dumps(job.as_document(), indent=1))
            yield _Parts(self.uri, schema)


def _document(ledger: str) -> object:
    try:
        return json.loads(uri_files.read_text(ledger))
    except ValueError as error:
        raise DataError(f"{ledger}: no JSON: {error}; remove the folder and run again") from error


@contextmanager
def _held(uri: str) -> Iterator[None]:
    """Keep other processes of this machine from the folder, and clear what a killed one left."""
    if uri_files.is_remote(uri):
        yield
        return
    folder = uri_files.local_path(uri)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, uri)
        for left in folder.glob(PARTIAL):
            atomic.remove(left)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, uri: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConflictError(f"{uri}: another process writes there; wait until it ends") from error


class _Parts:
    """The files of one job."""

    def __init__(self, uri: str, schema: pa.Schema) -> None:
        self._uri, self._schema = uri, schema

    def finished(self) -> Mapping[int, int]:
        """Return the chunks whose files are there.

        Raises:
            DataError: a file is damaged.
        """
        files = uri_files.matches(uri_files.join(self._uri, "part-*.parquet"))
        return {
            int(match[1]): _rows(file)
            for file in files
            if (match := PART.fullmatch(file.rpartition("/")[2]))
        }

    def write(self, chunk: int, rows: pa.Table) -> None:
        """Add the file of a chunk."""
        uri = uri_files.join(self._uri, f"part-{chunk:05d}.parquet")
        if not uri_files.is_remote(uri):
            with atomic.published(uri_files.local_path(uri)) as temporary:
                self._write(temporary, rows)
            return
        with tempfile.TemporaryDirectory(prefix="kanaria-") as folder:
            file = Path(folder) / "part.parquet"
            self._write(file, rows)
            uri_files.publish(file, uri)

    def _write(self, path: Path, rows: pa.Table) -> None:
        with pq.ParquetWriter(path, self._schema) as writer:
            writer.write_table(rows)

    def finish(self, chunks: int, rows: int) -> None:  # noqa: ARG002  The files hold them.
        """Write the mark."""
        uri_files.write_text(uri_files.join(self._uri, SUCCESS), "")


def _rows(file: str) -> int:
    with uri_files.opened(file) as path, arrow_files.parquet(path, shown(file)) as parquet:
        return int(parquet.metadata.num_rows)
