"""One time has one text, whatever wrote it, and times are compared as instants."""

from datetime import UTC, date, datetime, time, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.ingest import input_file, timestamps, typed_rows
from kanaria.components.shared.errors import DataError

MOMENT = datetime(2024, 10, 27, 0, 30)
ZONES = ["UTC", "Europe/Berlin", "+05:30"]


def texts_of(*columns: pa.Array) -> list[str | None]:
    """Return the texts of a column whose files, one for each array, have these types."""
    files = [
        input_file.of_table(f"{number}.parquet", pa.table({"t": column}))
        for number, column in enumerate(columns, start=1)
    ]
    return typed_rows.joined(files).table()["t"].to_pylist()


def parsed(*texts: str) -> timestamps.Times:
    return timestamps.parsed(pa.chunked_array([texts]))


@pytest.mark.parametrize("zone", [None, *ZONES])
def test_a_time_has_one_text_in_every_unit_and_zone(zone: str | None):
    columns = [pa.array([MOMENT], pa.timestamp(unit, zone)) for unit in ("s", "ms", "us", "ns")]
    assert set(texts_of(*columns)) == {"2024-10-27T00:30:00" + ("Z" if zone else "")}


def test_zones_of_one_column_may_differ():
    columns = [pa.array([MOMENT], pa.timestamp("us", zone)) for zone in ZONES]
    assert set(texts_of(*columns)) == {"2024-10-27T00:30:00Z"}


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, ""), (500_000_000, ".5"), (123_000, ".000123"), (10, ".00000001"), (1, ".000000001")],
)
def test_a_fraction_has_the_digits_that_it_needs(nanoseconds: int, text: str):
    column = pa.array([1_000_000_000 + nanoseconds], pa.int64()).cast(pa.timestamp("ns"))
    assert texts_of(column) == [f"1970-01-01T00:00:01{text}"]


def test_times_before_1970_and_at_both_ends_keep_their_day():
    moments = [datetime(1, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 5), datetime(9999, 12, 31)]
    assert texts_of(pa.array(moments, pa.timestamp("us"))) == [
        "0001-01-01T00:00:00",
        "1969-12-31T23:59:59.000005",
        "9999-12-31T00:00:00",
    ]


def test_dates_and_times_of_day_have_one_text():
    assert texts_of(pa.array([MOMENT.date()]), pa.array([MOMENT.date()], pa.date64())) == [
        "2024-10-27",
        "2024-10-27",
    ]
    clock = [pa.array([time(8)], kind) for kind in (pa.time32("s"), pa.time64("us"))]
    assert texts_of(*clock) == ["08:00:00", "08:00:00"]


def test_a_date_beside_times_is_midnight():
    assert texts_of(pa.array([date(2024, 1, 2)]), pa.array([MOMENT])) == [
        "2024-01-02T00:00:00",
        "2024-10-27T00:30:00",
    ]


def test_lists_and_categories_of_times_have_the_same_texts():
    assert texts_of(pa.array([[MOMENT], None, []])) == [["2024-10-27T00:30:00"], None, []]
    assert texts_of(pa.array([MOMENT, None]).dictionary_encode()) == ["2024-10-27T00:30:00", None]


@pytest.mark.parametrize("other", [MOMENT, MOMENT.date(), "2024-10-27", time(8)])
def test_an_instant_beside_something_else_is_an_error(other):
    instant = pa.array([MOMENT], pa.timestamp("us", "UTC"))
    message = r"column 't' changes type: timestamp\S* tz=UTC\] in 1\.parquet, \S+ in 2\.parquet"
    with pytest.raises(DataError, match=message):
        texts_of(instant, pa.array([other]))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([0, -(2**62)], pa.int64()).cast(pa.timestamp("us")),
        pa.array([0, 253_402_300_800], pa.int64()).cast(pa.timestamp("s", "UTC")),
        pa.array([0, -2_147_472_692], pa.int32()).cast(pa.date32()),
        pa.array([0, 86_400_000_000], pa.int64()).cast(pa.time64("us")),
    ],
)
def test_a_time_without_a_text_is_an_error_with_its_row(column):
    message = r"1\.parquet: row 2: column 't' holds \S+.*, (outside the years|no time of day)"
    with pytest.raises(DataError, match=message):
        texts_of(column)


WRITTEN = [
    "2024-10-27T00:30:00Z",
    "2024-10-27t00:30z",
    "2024-10-27 00:30:00 UTC",
    "2024-10-27 02:30:00+02",
    "2024-10-27T02:30:00.000+02:00",
    "2024-10-27 01:30:00,0 +0100",
    "2024-10-26T21:00:00-03:30",
]


def test_every_way_to_write_an_instant_gives_one_text():
    texts = timestamps.canonical(pa.chunked_array([[*WRITTEN, None]])).to_pylist()
    assert texts == ["2024-10-27T00:30:00Z"] * len(WRITTEN) + [None]


def test_months_and_dates_begin_at_midnight():
    texts = timestamps.canonical(pa.chunked_array([["2024-10", "2024-10-27", "2024-10-27 08:00"]]))
    assert texts.to_pylist() == [
        "2024-10-01T00:00:00",
        "2024-10-27T00:00:00",
        "2024-10-27T08:00:00",
    ]


@pytest.mark.parametrize(
    "text",
    ["31.01.2013", "2013-1-5", "2013", "2024-02-30", "2024-13-01", "2024-01-01T24:00:00",
     "2016-12-31T23:59:60Z", "2024-01-01T08", "2024-01-01T08:00:00+25:00", "2024-01-01Z",
     "2024-01-01T00:00:00.1234567891", "+12024-01-01", "20240101T000000Z", "08:00:00", ""],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str):
    with pytest.raises(timestamps.MisfitError, match=r"no (time in ISO 8601|day or time of day)"):
        parsed(text)


moments = st.datetimes(
    datetime(2, 1, 1),
    datetime(9998, 1, 1),
    timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m))),
)


@given(st.lists(moments, min_size=1))
def test_instants_are_those_of_python(values: list[datetime]):
    times = parsed(*(value.isoformat() for value in values))
    start = datetime(1970, 1, 1, tzinfo=UTC)
    want = [divmod((value - start) // timedelta(microseconds=1), 10**6) for value in values]
    pairs = zip(times.seconds.to_pylist(), times.nanoseconds.to_pylist(), strict=True)
    assert list(pairs) == [(seconds, micros * 1000) for seconds, micros in want]


@given(st.lists(st.none() | moments, min_size=1))
def test_text_and_typed_columns_give_one_text(values: list[datetime | None]):
    texts = pa.array([value and value.isoformat(" ") for value in values], pa.string())
    from_text = timestamps.canonical(pa.chunked_array([texts]))
    typed = pa.array(
        [value and value.astimezone(UTC) for value in values], pa.timestamp("us", "UTC")
    )
    assert from_text.to_pylist() == timestamps.texts(pa.chunked_array([typed])).to_pylist()
