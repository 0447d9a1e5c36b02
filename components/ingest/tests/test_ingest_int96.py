"""Files with 96-bit timestamps, as Spark, Hive and Impala write them."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.ingest import input_file
from kanaria.components.shared.data.data_reference import DataFile

US = pa.timestamp("us")


def read(path: Path) -> pa.Table:
    file = input_file.opened(DataFile(uri="a.parquet", path=path))
    return pa.concat_tables(file.read(file.schema.names))


@pytest.fixture
def stored(tmp_path: Path):
    """Read what a file with 96-bit timestamps has for a column."""

    def run(column: pa.Array) -> pa.Array:
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table({"t": column}), path, use_deprecated_int96_timestamps=True)
        return read(path)["t"].combine_chunks()

    return run


MOMENTS = {
    "far ends": [datetime(1, 1, 1), None, datetime(9999, 12, 31, 23, 59, 59, 999999)],
    "today": [datetime(2024, 10, 27, 0, 30, 0, 123456)],
    "before 1970": [datetime(1969, 7, 20, 20, 17), datetime(1969, 7, 20, 20, 17, 40, 5)],
    "before 1677": [datetime(1600, 5, 5, 10, 0, 0, 5000), datetime(1500, 1, 1)],
    "after 2262": [datetime(2300, 1, 1, 10, 0, 0, 1), datetime(2554, 1, 1)],
    "as far as before 1970": [datetime(2184, 11, 23, 9, 34)],
}


@pytest.mark.parametrize("moments", MOMENTS.values(), ids=MOMENTS)
def test_every_year_is_kept_to_the_microsecond(stored, moments: list[datetime | None]):
    assert stored(pa.array(moments, US)).cast(US).to_pylist() == moments


def test_nanoseconds_are_kept(stored):
    numbers = [1, None, 1_704_067_200_000_000_123, -7, -(2**62) - 1]
    column = stored(pa.array(numbers, pa.int64()).cast(pa.timestamp("ns")))
    assert (column.type, column.cast(pa.int64()).to_pylist()) == (pa.timestamp("ns"), numbers)


def test_lists_keep_their_times(stored):
    lists = [[datetime(9999, 12, 31)], None, [], [datetime(1969, 7, 20, 20, 17), None]]
    assert stored(pa.array(lists, pa.list_(US))).to_pylist() == lists


@given(st.lists(st.none() | st.datetimes(datetime(1677, 10, 1)), min_size=1))
def test_arrow_reads_what_it_wrote(tmp_path_factory, moments: list[datetime | None]):
    path = tmp_path_factory.mktemp("int96") / "a.parquet"
    table = pa.table({"t": pa.array(moments, US)})
    pq.write_table(table, path, use_deprecated_int96_timestamps=True)
    column = read(path)["t"]
    assert column.cast(US).to_pylist() == moments


def test_a_file_may_have_other_columns_and_other_times(tmp_path: Path):
    table = pa.table({"n": [1], "t": pa.array([5], pa.int64()).cast(pa.timestamp("ns"))})
    pq.write_table(table, tmp_path / "a.parquet", version="2.6")
    columns = read(tmp_path / "a.parquet")
    assert columns == table
