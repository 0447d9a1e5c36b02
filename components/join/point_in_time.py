"""Which row of a table of features was the last one at a moment. Pure.

For an entity row with key k at time t it is, of the rows with key k, a time of at most t and, with
a time to live, of at least t minus that, the one of the latest time; of several, the one created
last; of several of these, the one that stands last. Feast's store of files takes any of those of
one time, since it sorts unstably, so the rows are found here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.join.times import NEVER

Integers = npt.NDArray[np.int64]
NONE = -1
"""Stands where no row is the last one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Keys and times of rows.

    Attributes:
        keys: one column a join key, of equal types in both tables; without any, all are one key.
        times: nanoseconds since 1970 in UTC.
        created: when each row was written, nanoseconds since 1970; None where nobody knows.
    """

    keys: Sequence[pa.ChunkedArray]
    times: Integers
    created: Integers | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Last:
    """What was found for each entity row.

    Attributes:
        rows: position of the feature row, `NONE` where there is none.
        ambiguous: entity rows whose feature row has a twin of the same key, time and creation.
        written_later: entity rows whose feature row was created after the entity row's time.
    """

    rows: Integers
    ambiguous: int
    written_later: int


def _codes(entities: Rows, features: Rows) -> tuple[Integers, Integers]:
    """Return one number a row, equal where all keys are; `NONE` where a key is missing."""
    count = len(entities.times)
    codes = np.zeros(count + len(features.times), np.int64)
    missing = np.zeros(len(codes), bool)
    for left, right in zip(entities.keys, features.keys, strict=True):
        both = pa.chunked_array([*left.chunks, *right.chunks], left.type).combine_chunks()
        numbers = both.dictionary_encode().indices
        missing |= np.asarray(pc.is_null(numbers))
        column = np.asarray(numbers.fill_null(0)).astype(np.int64)
        _, codes = np.unique(codes * (column.max(initial=0) + 1) + column, return_inverse=True)
    codes[missing] = NONE
    return codes[:count], codes[count:]


def last_rows(
    entities: Rows, features: Rows, ttl: int = 0, *, only_written_before: bool = False
) -> Last:
    """Find the feature row of every entity row.

    Args:
        entities: rows to find features for; `created` is not looked at.
        features: rows of features.
        ttl: nanoseconds that a feature row counts for, 0 for ever.
        only_written_before: whether rows that were created after the entity row's time are
            passed over, as what nobody could know then.
    """
    if not len(features.times):
        nothing = np.full(len(entities.times), NONE, np.int64)
        return Last(rows=nothing, ambiguous=0, written_later=0)
    wanted, offered = _codes(entities, features)
    created = features.created
    if created is None:
        created = np.full(len(features.times), NEVER)
    order = np.lexsort((created, features.times, offered))
    codes, times, written = offered[order], features.times[order], created[order]
    place = _positions(wanted, entities.times, codes, times)
    if only_written_before:
        place = _passed_over(place, codes, written, entities.times)
    at = np.maximum(place, 0)
    fits = (place >= 0) & (wanted != NONE)
    fits &= codes[at] == wanted
    # Of times in order the difference is right in 64 bits without a sign, whatever the times.
    age = (entities.times - times[at]).view(np.uint64)
    fits &= (age <= np.uint64(ttl)) if ttl else True
    at = at[fits]
    rows = np.full(len(wanted), NONE, np.int64)
    rows[fits] = order[at]
    twin = (at > 0) & (codes[at - 1] == codes[at]) & (times[at - 1] == times[at])
    return Last(
        rows=rows,
        ambiguous=int(np.sum(twin & (written[at - 1] == written[at]))),
        written_later=int(np.sum(written[at] > entities.times[fits])),
    )


def _positions(wanted: Integers, moments: Integers, codes: Integers, times: Integers) -> Integers:
    """Return the position of the last row of at most each code and moment, -1 for none."""
    ranks = np.unique(np.concatenate([times, moments]))
    scale = len(ranks) + 1
    placed = codes * scale + np.searchsorted(ranks, times)
    sought = wanted * scale + np.searchsorted(ranks, moments)
    return np.searchsorted(placed, sought, side="right") - 1


def _passed_over(
    place: Integers, codes: Integers, written: Integers, moments: Integers
) -> Integers:
    """Return the positions moved back over rows that were written after the moments."""
    place = place.copy()
    while len(late := np.flatnonzero((place >= 0) & (written[place] > moments))):
        before = place[late] - 1
        same = (before >= 0) & (codes[before] == codes[place[late]])
        place[late] = np.where(same, before, NONE)
    return place
