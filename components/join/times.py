"""Times of columns as nanoseconds since 1970 in UTC. Pure.

A time without a zone is UTC, as Feast has it.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.shared.errors import DataError, shown

NEVER = np.iinfo(np.int64).min
"""What a missing time becomes, where one may be missing."""


def nanoseconds(column: pa.ChunkedArray, where: str) -> npt.NDArray[np.int64]:
    """Return the times of a column; `NEVER` for a missing one.

    Args:
        column: timestamps of any unit, with a zone or without, dates, or ISO 8601 text.
        where: what messages name.

    Raises:
        DataError: it holds no times, times with and without a zone, or some beyond 1677 to 2262.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _parsed(column, where)
    kind = column.type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise DataError(f"{where}: has type {kind}; write times as timestamps or ISO 8601 text")
    try:
        instants = column.cast(pa.timestamp("ns", getattr(kind, "tz", None)))
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{where}: holds a time before 1677 or after 2262: {shown(str(error))}"
        ) from error
    # A zone says how a time is shown; what is stored is UTC already.
    numbers = pc.cast(instants, pa.int64())
    return np.asarray(pc.fill_null(numbers, pa.scalar(int(NEVER), pa.int64())))


def _parsed(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    texts = column.to_pylist()
    parsed = {text: moment(text, where) for text in set(texts) - {None, ""}}
    zones = {value.tzinfo is not None: text for text, value in parsed.items()}
    if len(zones) > 1:
        raise DataError(
            f"{where}: has times with a zone ({shown(zones[True])}) and without one "
            f"({shown(zones[False])}); write all in one way"
        )
    instants = [as_utc(parsed[text]) if text else None for text in texts]
    return pa.chunked_array([pa.array(instants, pa.timestamp("us", "UTC"))])


def as_utc(value: datetime) -> datetime:
    """Return a time in UTC; one without a zone is."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def of(value: datetime) -> int:
    """Return a time as nanoseconds since 1970."""
    return (as_utc(value) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def moment(text: str, where: str) -> datetime:
    """Return a time of ISO 8601 text, with a zone if the text has one.

    Raises:
        DataError: it is none.
    """
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise DataError(
            f"{where}: {shown(text)} is no time; write ISO 8601 as 2026-01-31T08:00:00Z"
        ) from error
