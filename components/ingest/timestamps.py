"""Times as text: one text for each time, whatever wrote it, and the instant that a text names.

The text is ISO 8601: `2013-01-31T08:00:00`, with as many digits of a second's fraction as it
needs; an instant, from a column with a zone, is in UTC and ends in Z. A column without a zone
says of no instant, so its text has no Z. Dates are `2013-01-31`, times of day `08:00:00`.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from kanaria.components.ingest.misfit_value import MisfitError

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DAYS = {
    pa.time32("s"): 86_400,
    pa.time32("ms"): 86_400 * 10**3,
    pa.time64("us"): 86_400 * 10**6,
    pa.time64("ns"): 86_400 * 10**9,
}
"""Types of times of day -> how many of their units a day has."""
FIRST, LAST = -62_167_219_200, 253_402_300_799
"""Seconds since 1970 of the first and the last second with a year of four digits."""
LONGEST = 2**63 - 1
NOT_ISO = "no time in ISO 8601 (2013-01-31, 2013-01-31T08:00:00, 2013-01-31T08:00:00.5+02:00)"
ISO_8601 = (
    r"^(?P<date>\d{4}-\d{2}(?:-\d{2})?)"
    r"(?:[Tt ](?P<time>\d{2}:\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r" ?(?P<zone>[Zz]|UTC|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?$"
)


def has_zone(kind: pa.DataType) -> bool:
    """Tell whether values of a type are instants."""
    return pa.types.is_timestamp(kind) and kind.tz is not None


def _without_end(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return times without the zeros that end a fraction, and without one of nothing."""
    return pc.utf8_rtrim(pc.utf8_rtrim(texts, characters="0"), characters=".")


def _check_year(values: pa.ChunkedArray, unit: int) -> None:
    """Raise MisfitError unless every time, in so many units a second, has a year of four digits.

    A database's `infinity` is among what is refused.
    """
    first, last = max(FIRST * unit, -LONGEST), min((LAST + 1) * unit - 1, LONGEST)
    outside = pc.or_(pc.less(values, first), pc.greater(values, last))
    if pc.any(outside).as_py():
        raise MisfitError("outside the years 0000 to 9999")


def _of_timestamps(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind, numbers = values.type, values.cast(pa.int64())
    _check_year(numbers, UNITS[kind.unit])
    # Without its zone, a timestamp is written in UTC.
    texts = numbers.cast(pa.timestamp(kind.unit)).cast(pa.string())
    texts = pc.replace_substring(texts, " ", "T", max_replacements=1)
    texts = texts if kind.unit == "s" else _without_end(texts)
    return pc.binary_join_element_wise(texts, "Z", "") if has_zone(kind) else texts


def _of_dates(values: pa.ChunkedArray) -> pa.ChunkedArray:
    days = values.cast(pa.date32())
    _check_year(pc.multiply(days.cast(pa.int32()).cast(pa.int64()), 86_400), 1)
    return days.cast(pa.string())


def _of_times(values: pa.ChunkedArray) -> pa.ChunkedArray:
    number = pa.int32() if pa.types.is_time32(values.type) else pa.int64()
    if pc.any(pc.greater_equal(values.cast(number), DAYS[values.type])).as_py():
        raise MisfitError("no time of day before 24:00")
    written = values.cast(pa.string())
    return written if values.type == pa.time32("s") else _without_end(written)


def texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return dates, times of day or timestamps of any unit as their one text.

    Raises:
        MisfitError: a year has not four digits, or a time of day is 24:00.
    """
    kind = values.type
    if pa.types.is_timestamp(kind):
        return _of_timestamps(values)
    if pa.types.is_date(kind):
        return _of_dates(values)
    return _of_times(values)


def at_midnight(dates: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return dates as the text of timestamps, for a column that elsewhere has times.

    Raises:
        MisfitError: a year has not four digits.
    """
    return pc.binary_join_element_wise(_of_dates(dates), "T00:00:00", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """Times that texts name, each of shape (rows,); missing where a text is.

    Attributes:
        seconds: since 1970-01-01 00:00:00, in UTC where the text has a zone.
        nanoseconds: the fraction of the second, 0 to 999,999,999.
        have_zone: whether the text has a zone.
    """

    seconds: pa.ChunkedArray
    nanoseconds: pa.ChunkedArray
    have_zone: pa.ChunkedArray


def _offsets(zones: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the seconds by which zones such as Z, +02, +0530 or -03:30 are ahead of UTC."""
    plain = pc.replace_substring(pc.replace_substring_regex(zones, "^[A-Za-z]*$", "+"), ":", "")
    digits = pc.utf8_rpad(plain, 5, padding="0")
    hours = pc.utf8_slice_codeunits(digits, 1, 3).cast(pa.int64())
    minutes = pc.utf8_slice_codeunits(digits, 3, 5).cast(pa.int64())
    ahead = pc.add(pc.multiply(hours, 3600), pc.multiply(minutes, 60))
    return pc.if_else(pc.starts_with(digits, "-"), pc.negate(ahead), ahead)


def parsed(column: pa.ChunkedArray) -> Times:
    """Read ISO 8601 text: a month, a date, or a date and a time with or without a zone.

    Raises:
        MisfitError: a text is none, or names no day or time that exists.
    """
    pieces = pc.extract_regex(column, ISO_8601)
    if pieces.null_count > column.null_count:
        raise MisfitError(NOT_ISO)
    dates, times, seconds, fractions, zones = pieces.flatten()
    is_month = pc.equal(pc.utf8_length(dates), 7)
    days = pc.if_else(is_month, pc.binary_join_element_wise(dates, "01", "-"), dates)
    clock = pc.if_else(pc.equal(times, ""), "00:00", times)
    second = pc.if_else(pc.equal(seconds, ""), "00", seconds)
    time = pc.binary_join_element_wise(clock, second, ":")
    written = pc.binary_join_element_wise(days, time, " ")
    try:
        local = written.cast(pa.timestamp("s")).cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise MisfitError("no day or time of day that exists") from error
    return Times(
        seconds=pc.subtract(local, _offsets(zones)),
        nanoseconds=pc.utf8_rpad(fractions, 9, padding="0").cast(pa.int64()),
        have_zone=pc.not_equal(zones, ""),
    )


def canonical(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ISO 8601 text as the one text of the same times.

    Raises:
        MisfitError: a text is no time.
    """
    times = parsed(column)
    _check_year(times.seconds, 1)
    whole = times.seconds.cast(pa.timestamp("s")).cast(pa.string())
    whole = pc.replace_substring(whole, " ", "T", max_replacements=1)
    fraction = pc.utf8_lpad(times.nanoseconds.cast(pa.string()), 9, padding="0")
    texts = _without_end(pc.binary_join_element_wise(whole, fraction, "."))
    return pc.binary_join_element_wise(texts, pc.if_else(times.have_zone, "Z", ""), "")
