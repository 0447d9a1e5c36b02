"""Which split each row belongs to: by a hash of its values or of a key, or by shares of time."""

import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.ingest import hash_split
from kanaria.components.ingest.hash_split import Split
from kanaria.components.ingest.row_source import Source
from kanaria.components.ingest.time_split import Shares
from kanaria.components.shared.errors import DataError, shown

NUMBERS_OR_TEXT = (pa.int64(), pa.float32(), pa.float64(), pa.string())


class _Named:
    """A column that the user names to split by, which may have no gaps."""

    def __init__(self, parameter: str, name: str, schema: pa.Schema) -> None:
        """Raise DataError unless `name` is a column of numbers or text, or one without values."""
        if name not in schema.names:
            raise DataError(
                f"{parameter}={shown(name)}: no such column; the data has "
                f"{shown(sorted(schema.names))}"
            )
        kind = schema.field(name).type
        if kind not in (*NUMBERS_OR_TEXT, pa.null()):
            raise DataError(
                f"{parameter}={shown(name)}: has type {kind}; name a column of numbers or text"
            )
        self.name, self._parameter = name, parameter
        self._missing = self._rows = 0

    def add(self, column: pa.ChunkedArray) -> bool:
        """Look at rows; return whether no row so far has a gap."""
        self._missing += pc.sum(column.is_null(nan_is_null=True)).as_py() or 0
        self._rows += len(column)
        return not self._missing

    def check(self) -> None:
        """Raise DataError if a row had no value."""
        if self._missing:
            raise DataError(
                f"{self._parameter}={shown(self.name)}: {self._missing} of {self._rows} rows have "
                "no value; fill it or drop the rows"
            )


class Places(AbstractContextManager["Places"]):
    """Tells the split of each row.

    Example:
        with Places(source, splits, key="", time="sold") as places:
            for table in source.tables(source.schema.names):
                places.of(table)
        places.check()
    """

    def __init__(self, source: Source, splits: Sequence[Split], *, key: str, time: str) -> None:
        """Read the times of all rows, where time splits them.

        Args:
            source: the rows.
            splits: names and weights.
            key: name of the column whose equal values stay together, or "".
            time: name of the column whose shares the splits are, or "".

        Raises:
            DataError: a column is not there, is of no use for this, or has no value in some row.
        """
        self.splits = tuple(splits)
        self._key = _Named("key_column", key, source.schema) if key else None
        self._hashed = [key] if key else source.schema.names
        self._time = time
        self._folder = tempfile.TemporaryDirectory(prefix="kanaria-times-")
        self._shares = self._cut(source) if time else None

    def __exit__(self, *error: object) -> None:
        """Remove what was kept on disk."""
        self._folder.cleanup()

    def _cut(self, source: Source) -> Shares:
        named = _Named("time_column", self._time, source.schema)
        shares = Shares(Path(self._folder.name) / "all", self._time)
        for table in source.tables([self._time]):
            if named.add(table[self._time]):
                shares.add(table[self._time])
        named.check()
        shares.cut(self.splits)
        return shares

    def of(self, table: pa.Table) -> NDArray[np.int64]:
        """Return the index of each row's split, shape (rows,)."""
        if self._shares is not None:
            return self._shares.places(table[self._time])
        if self._key is not None:
            self._key.add(table[self._key.name])
        return hash_split.by_hash(table, self._hashed, self.splits)

    def check(self) -> None:
        """Raise DataError if a row had no key; call it behind the last row."""
        if self._key is not None:
            self._key.check()
