"""Which feature row was the last one, and how entity rows are read: without Feast."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.join import entity_rows, times
from kanaria.components.join.point_in_time import NONE, Rows, last_rows
from kanaria.components.shared.errors import DataError

KEYS = st.one_of(st.none(), st.integers(0, 3))
MOMENTS = st.one_of(st.integers(0, 9), st.sampled_from([-(2**63) + 1, 2**63 - 1]))


def rows(records, created=False):
    columns = list(zip(*records, strict=True)) or [(), (), (), ()]
    keys = [pa.chunked_array([pa.array(columns[i], pa.int64())]) for i in (0, 1)]
    written = np.array(columns[3], np.int64) if created else None
    return Rows(keys=keys, times=np.array(columns[2], np.int64), created=written)


def one_by_one(entity, features, ttl, only_before):
    """Return the position of the last row for one entity, by looking at each."""
    first, second, moment, _ = entity
    fitting = [
        (time, written, number)
        for number, (one, two, time, written) in enumerate(features)
        if None not in (first, second)
        and (one, two) == (first, second)
        and time <= moment
        and (not ttl or moment - time <= ttl)
        and not (only_before and written > moment)
    ]
    return max(fitting)[2] if fitting else NONE


@given(
    st.lists(st.tuples(KEYS, KEYS, MOMENTS, MOMENTS), max_size=12),
    st.lists(st.tuples(KEYS, KEYS, MOMENTS, MOMENTS), max_size=30),
    st.sampled_from([0, 1, 3, 2**63 - 1]),
    st.booleans(),
)
def test_the_last_row_is_that_of_looking_at_each(entities, features, ttl, only_before):
    last = last_rows(rows(entities), rows(features, True), ttl, only_written_before=only_before)
    # The last before any age is looked at: an older row that fits the age does not exist.
    expected = [one_by_one(entity, features, ttl, only_before) for entity in entities]
    assert last.rows.tolist() == expected


def test_values_that_have_twins_or_came_later_are_counted():
    features = [(1, 1, 5, 5), (1, 1, 5, 5), (1, 1, 6, 9), (2, 1, 5, 5)]
    facts = last_rows(rows([(1, 1, 5, 0), (1, 1, 7, 0), (2, 1, 9, 0)]), rows(features, True))
    assert facts.rows.tolist() == [1, 2, 3]
    assert (facts.ambiguous, facts.written_later) == (1, 1)


@pytest.mark.parametrize("only_before", [True, False])
def test_a_view_without_rows_has_nothing_for_anybody(only_before):
    last = last_rows(rows([(1, 1, 5, 0)]), rows([], True), 3, only_written_before=only_before)
    assert last.rows.tolist() == [NONE]


def test_a_view_without_keys_has_one_history_for_all():
    entities = Rows(keys=[], times=np.array([4, 1]))
    features = Rows(keys=[], times=np.array([5, 2, 3]))
    assert last_rows(entities, features).rows.tolist() == [2, NONE]


def column(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


MORNING = int(datetime(2026, 1, 2, 3, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    "values",
    [
        column(["2026-01-02T03:00:00"]),
        column(["2026-01-02 12:00:00+09:00"]),
        column([MORNING // 10**9], pa.timestamp("s")),
        column([MORNING], pa.timestamp("ns", "Asia/Seoul")),
        column([MORNING // 10**6], pa.timestamp("ms", "UTC")),
        column(["2026-01-02T03Z"]).dictionary_encode(),
    ],
)
def test_times_of_every_form_are_instants(values):
    assert times.nanoseconds(values, "x").tolist() == [MORNING]


def test_a_day_is_its_midnight_and_a_missing_time_is_never():
    assert times.nanoseconds(column([datetime(1970, 1, 2).date(), None]), "x").tolist() == [
        86_400 * 10**9,
        times.NEVER,
    ]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        (column([20260102]), "has type int64; write times"),
        (column(["tomorrow"]), "'tomorrow' is no time"),
        (column(["2026-01-02", "2026-01-02T00:00Z"]), "times with a zone .* and without one"),
        (column(["2400-01-01"]), "before 1677 or after 2262"),
    ],
)
def test_what_is_no_time_is_told(values, fault):
    with pytest.raises(DataError, match=fault):
        times.nanoseconds(values, "x")


def read(folder, text, keys=("k",)):
    (folder / "rows.csv").write_text(text)
    return entity_rows.read(str(folder / "rows.csv"), "event_timestamp", keys)


def test_numbers_of_csv_are_numbers_where_no_digit_is_lost(tmp_path):
    header = "k,event_timestamp,whole,part,zip,huge,word"
    text = f"{header}\n01,2026-01-02,1,0.5,007,12345678901234567890,a\n2,2026-01-03,,1e3,10,1,NA\n"
    table = read(tmp_path, text).table
    assert {name: str(table[name].type) for name in table.column_names} == {
        "k": "string",
        "event_timestamp": "string",
        "whole": "int64",
        "part": "double",
        "zip": "string",
        "huge": "string",
        "word": "string",
    }
    assert table["whole"].to_pylist() == [1, None]
    assert table["word"].to_pylist() == ["a", "NA"]


def test_keys_have_the_types_of_the_store(tmp_path):
    rows = read(tmp_path, "k,event_timestamp\n7,2026-01-02\n,2026-01-02\n")
    assert rows.keys({"k": pa.int64()})[0].to_pylist() == [7, None]
    assert rows.keys({"k": pa.string()})[0].to_pylist() == ["7", None]
    with pytest.raises(DataError, match="no column 'driver', a join key"):
        rows.keys({"driver": pa.int64()})
    rows = read(tmp_path, "k,event_timestamp\n1.5,2026-01-02\n")
    with pytest.raises(DataError, match="column 'k': has type string, and a value is no int64"):
        rows.keys({"k": pa.int64()})


def test_integers_that_pandas_made_floats_of_are_integers_again(tmp_path):
    table = pa.table({"k": [1.0, None], "event_timestamp": ["2026-01-02"] * 2})
    pq.write_table(table, tmp_path / "rows.parquet")
    rows = entity_rows.read(str(tmp_path / "rows.parquet"), "event_timestamp", ["k"])
    assert rows.keys({"k": pa.int64()})[0].to_pylist() == [1, None]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("k,event_timestamp\n", "no rows"),
        ("k,time\n1,2026-01-02\n", "no column 'event_timestamp' of times"),
        ("k,event_timestamp\n1,\n", "row 1 has no time, 1 in all"),
        ("k,k,event_timestamp\n1,1,2026-01-02\n", "column 'k' stands twice"),
        ("k,event_timestamp\n1,2026-01-02,3\n", "not readable as CSV"),
    ],
)
def test_faulty_rows_are_told(tmp_path, text, fault):
    with pytest.raises(DataError, match=fault):
        read(tmp_path, text)
