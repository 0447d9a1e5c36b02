"""Rows kept on disk: those of a source that cannot be read twice, or that are dear to read."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

ROWS_AT_ONCE = 20_000


class Spool:
    """Record batches in the order in which they were written; columns may come and change.

    Example:
        spool = Spool(folder / "rows")
        spool.write(batch)
        spool.close()
        for batch in spool.batches(): ...
    """

    def __init__(self, path: Path) -> None:
        """Begin an empty one, whose files begin with `path`."""
        self._path = path
        self._files: list[Path] = []
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None
        self._schema: pa.Schema | None = None
        self.size = 0
        """About how many bytes the rows take in memory."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        writer = self._writer
        if writer is None or batch.schema != self._schema:
            writer = self._begin(batch.schema)
        writer.write_batch(batch)
        self.size += batch.nbytes

    def _begin(self, schema: pa.Schema) -> pa.ipc.RecordBatchStreamWriter:
        self.close()
        file = self._path.with_name(f"{self._path.name}.{len(self._files)}")
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writer = pa.ipc.new_stream(str(file), schema, options=options)
        self._files, self._schema = [*self._files, file], schema
        return self._writer

    def close(self) -> None:
        """End what is being written."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, as often as it is called."""
        for file in self._files:
            with pa.OSFile(str(file)) as opened, pa.ipc.open_stream(opened) as stream:
                yield from stream

    def tables(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield some columns of the rows, few rows at a time; each batch must have them."""
        for batch in self.batches():
            table = pa.Table.from_batches([batch]).select(list(names))
            for start in range(0, table.num_rows, ROWS_AT_ONCE):
                yield table.slice(start, ROWS_AT_ONCE)

    def remove(self) -> None:
        """Free the disk."""
        for file in self._files:
            file.unlink()
        self._files = []
