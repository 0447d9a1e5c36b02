"""Writes each row into the files of its split, and finds what the user should be told of all."""

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from kanaria.components.ingest.float32 import Rounding
from kanaria.components.ingest.row_source import Source
from kanaria.components.ingest.split_assignment import Places
from kanaria.components.shared.data import examples
from kanaria.components.shared.data.examples import ExamplesFormat
from kanaria.components.shared.data.write_examples import SplitWriter
from kanaria.components.shared.errors import DataError, shown

logger = logging.getLogger(__name__)

ROWS_PER_PART = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What was written.

    Attributes:
        rows: split name -> number of rows.
        empty_columns: columns without any value.
        rounded_columns: columns of floats with whole numbers that 32-bit floats do not hold.
    """

    rows: dict[str, int]
    empty_columns: tuple[str, ...]
    rounded_columns: tuple[str, ...]


class _Parts:
    """The files of one split."""

    def __init__(self, writer: SplitWriter) -> None:
        self._writer = writer
        self._room = 0
        self.rows = 0

    def end_file(self) -> None:
        self._room = 0

    def write(self, table: pa.Table) -> None:
        while table.num_rows:
            if not self._room:
                self._writer.begin_file()
                self._room = ROWS_PER_PART
            some = table.slice(0, self._room)
            self._writer.write(some)
            table = table.slice(self._room)
            self._room -= some.num_rows
            self.rows += some.num_rows


def _check_rows(rows: Mapping[str, int]) -> None:
    """Raise DataError if a split gets no row."""
    empty = [name for name, count in rows.items() if count == 0]
    if empty:
        raise DataError(
            f"splits: {shown(empty)} would get none of the {sum(rows.values())} rows; give more "
            "data or other weights"
        )


def _write(table: pa.Table, places: Places, parts: Sequence[_Parts]) -> None:
    of_rows = places.of(table)
    for number, part in enumerate(parts):
        part.write(table.filter(pa.array(of_rows == number)))


def _filled(table: pa.Table) -> set[str]:
    pairs = zip(table.column_names, table.columns, strict=True)
    return {name for name, column in pairs if column.null_count < len(column)}


def write_splits(
    source: Source,
    places: Places,
    folder: Path,
    kind: ExamplesFormat,
    beginning: Collection[int] = (),
) -> Written:
    """Write `split=<name>/part-*` into a folder.

    Args:
        source: the rows.
        places: tells the split of each.
        folder: an empty folder.
        kind: format of the files.
        beginning: numbers of the source's files whose rows begin a file of each split.

    Raises:
        DataError: a row cannot be read, does not fit its type or has no key, or a split gets none.
    """
    names, rounding = source.schema.names, Rounding()
    filled: set[str] = set()
    with ExitStack() as stack:
        parts = {}
        for split in places.splits:
            writer = SplitWriter(examples.split_folder(folder, split.name), kind, source.schema)
            parts[split.name] = _Parts(stack.enter_context(writer))
        last = 0
        for number, table in source.numbered(names):
            if any(last < first <= number for first in beginning):
                for part in parts.values():
                    part.end_file()
            last = number
            rounding.add(table)
            filled |= _filled(table)
            _write(table, places, list(parts.values()))
    places.check()
    rows = {name: part.rows for name, part in parts.items()}
    _check_rows(rows)
    empty = tuple(name for name in names if name not in filled)
    if empty:
        logger.warning("columns without any value: %s", ", ".join(empty))
    return Written(rows=rows, empty_columns=empty, rounded_columns=rounding.columns(names))
