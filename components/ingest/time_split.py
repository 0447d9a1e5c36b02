"""Which split a row belongs to by shares of time; the first split is the oldest.

Between which times splits are cut is known once all are sorted: they are 8 bytes a row on disk and
then in memory, or 16 where text has fractions of seconds.
"""

import math
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanaria.components.ingest import timestamps
from kanaria.components.ingest.hash_split import Split
from kanaria.components.ingest.misfit_value import MisfitError, first_row, shown_value
from kanaria.components.shared.errors import DataError, shown

Numbers = NDArray[np.int64 | np.float32 | np.float64]
Keys = NDArray[np.int64 | np.float32 | np.float64 | np.complex128]
"""What orders rows by time, shape (rows,). NumPy orders complex numbers by their real part, which
is seconds, then by the other, which is nanoseconds; both are exact."""


def cuts(keys: Keys, splits: Sequence[Split]) -> Keys:
    """Return the first time of each split but the first; fewer if the last ones get no row.

    Rows of one time stay together, so a split can be off its share by the rows of one time.

    Args:
        keys: of all rows; they are sorted in place.
        splits: names and weights.
    """
    keys.sort()
    total = sum(split.weight for split in splits)
    ends = list(accumulate(split.weight for split in splits))[:-1]
    starts = [_start(keys, math.ceil(end * len(keys) / total)) for end in ends]
    return keys[[start for start in starts if start < len(keys)]]


def _start(ordered: Keys, place: int) -> int:
    """Return the first place from `place` on whose time is later than the one before it."""
    if place >= len(ordered):
        return len(ordered)
    time = ordered[place]
    is_first = place == 0 or ordered[place - 1] < time
    return place if is_first else int(np.searchsorted(ordered, time, side="right"))


class Shares:
    """Collects the times of all rows, and then tells the split of each.

    Example:
        shares = Shares(folder / "times", "sold")
        shares.add(column)
        shares.cut(splits)
        places = shares.places(column)
    """

    def __init__(self, path: Path, column: str) -> None:
        """Begin with no rows.

        Args:
            path: how the names of the files begin in which the times are kept.
            column: name of their column, for messages.
        """
        self._column = column
        self._paths = (path.with_suffix(".times"), path.with_suffix(".fractions"))
        self._zones: dict[bool, str] = {}
        self._kind: np.dtype[np.int64 | np.float32 | np.float64] = np.dtype(np.int64)
        self._has_fractions = False
        self._cuts: Keys = np.zeros(0, np.int64)

    def add(self, values: pa.ChunkedArray) -> None:
        """Add rows.

        Args:
            values: numbers, or text in ISO 8601, compared as instants; no value is missing.

        Raises:
            DataError: the times are text of another form.
        """
        times, fractions = self._times(values)
        self._kind = times.dtype
        for path, numbers in zip(self._paths, (times, fractions), strict=True):
            with path.open("ab") as file:
                file.write(numbers.tobytes())
        self._has_fractions = self._has_fractions or bool(np.any(fractions))

    def cut(self, splits: Sequence[Split]) -> None:
        """Say that all rows are there, and what they are split into.

        Raises:
            DataError: only some of the times have a zone, so nobody knows which is earlier.
        """
        if len(self._zones) > 1:
            raise DataError(
                f"time_column={shown(self._column)}: {self._zones[True]} has a zone, "
                f"{self._zones[False]} has none; give every time a zone, or none"
            )
        keys: Keys = np.fromfile(self._paths[0], self._kind)
        if self._has_fractions:
            keys = keys + 1j * np.fromfile(self._paths[1], np.int32)
        self._cuts = cuts(keys, splits)

    def places(self, values: pa.ChunkedArray) -> NDArray[np.int64]:
        """Return the index of each row's split, shape (rows,), for rows that were added."""
        times, fractions = self._times(values)
        keys = times + 1j * fractions if self._has_fractions else times
        return np.searchsorted(self._cuts, keys, side="right")

    def _times(self, values: pa.ChunkedArray) -> tuple[Numbers, NDArray[np.int32]]:
        """Return numbers, or seconds since 1970, and nanoseconds; each of shape (rows,)."""
        if values.type != pa.string():
            return values.to_numpy(), np.zeros(0, np.int32)
        times = self._instants(values)
        for flag in (True, False):
            row = pc.index(times.have_zone, flag).as_py()
            if row >= 0:
                self._zones.setdefault(flag, shown_value(values, row))
        return times.seconds.to_numpy(), times.nanoseconds.to_numpy().astype(np.int32)

    def _instants(self, texts: pa.ChunkedArray) -> timestamps.Times:
        try:
            return timestamps.parsed(texts)
        except MisfitError as error:
            row = first_row(texts, lambda some: timestamps.parsed(some).seconds)
            raise DataError(
                f"time_column={shown(self._column)}: {shown_value(texts, row)}: {error}; write "
                "ISO 8601, or numbers"
            ) from error
