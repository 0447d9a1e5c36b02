"""A type that the user says goes before the type that is found, in every source."""

import sqlite3
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.ingest.ingest import ingest
from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import DataError, ParameterError


@pytest.fixture
def ingested(tmp_path: Path):
    """Ingest files or a query with a declared type of column `a`; return the column."""

    def run(data: object, kind: str, query: str = "", name: str = "a") -> pa.ChunkedArray:
        target = tmp_path / "examples"
        ingest(str(data), target, splits="all=1", query=query, column_types={name: kind})
        return pq.read_table(target / "split=all")["a"]

    return run


@pytest.fixture
def csv(tmp_path: Path):
    def write(*values: str, name: str = "1.csv") -> Path:
        rows = "".join(f'"{value}",x\n' for value in values)
        (tmp_path / name).write_text(f"a,b\n{rows}")
        return tmp_path / name

    return write


@pytest.fixture
def parquet(tmp_path: Path):
    def write(column: pa.Array) -> Path:
        pq.write_table(pa.table({"a": column}), tmp_path / "1.parquet")
        return tmp_path / "1.parquet"

    return write


OF_TEXT = {
    "numbers as they are written": ("string", ["7", "0.50", " 1", ""], ["7", "0.50", " 1", None]),
    "integers with zeros and signs": ("int64", ["007", "+5", "3.0", ""], [7, 5, 3, None]),
    "large integers rounded": ("float64", ["9007199254740993", "+0.5"], [2.0**53, 0.5]),
    "exponents": ("double", ["1E5", "12e3"], [1e5, 12e3]),
    "times": ("timestamp", ["2024-01-02 10:00+02", ""], ["2024-01-02T08:00:00Z", None]),
    "no value": ("string", ["", ""], [None, None]),
}


@pytest.mark.parametrize(("kind", "values", "want"), OF_TEXT.values(), ids=OF_TEXT)
def test_a_csv_column_gets_the_declared_type(ingested, csv, kind, values, want):
    assert ingested(csv(*values), kind).to_pylist() == want


FROM_TYPED = {
    "integers as text": ("string", pa.array([7, None]), ["7", None]),
    "ids that a gap made floats": ("string", pa.array([16777217.0, 0.5]), ["16777217", "0.5"]),
    "whole floats": ("int64", pa.array([2.0**53, None]), [2**53, None]),
    "large integers rounded": ("float64", pa.array([2**53 + 1]), [2.0**53]),
    "decimals as text": ("string", pa.array([Decimal("1.50")]), ["1.50"]),
    "decimals rounded": ("float64", pa.array([Decimal("0.3")]), [0.3]),
    "text as numbers": ("int64", pa.array(["007"]), [7]),
    "dates as times": ("timestamp", pa.array([date(2024, 1, 2)]), ["2024-01-02T00:00:00"]),
    "times as text": ("string", pa.array([datetime(2024, 1, 2)]), ["2024-01-02T00:00:00"]),
    "text as times": ("timestamp", pa.array(["2024-01-02 00:00Z"]), ["2024-01-02T00:00:00Z"]),
    "lists": ("string", pa.array([[7], None, []]), [["7"], None, []]),
    "no value": ("int64", pa.nulls(2), [None, None]),
}


@pytest.mark.parametrize(("kind", "column", "want"), FROM_TYPED.values(), ids=FROM_TYPED)
def test_a_parquet_column_gets_the_declared_type(ingested, parquet, kind, column, want):
    assert ingested(parquet(column), kind).to_pylist() == want


def test_a_query_gets_the_declared_type(ingested, tmp_path: Path):
    sqlite3.connect(tmp_path / "a.db").close()
    query = "select 9007199254740993 as a union all select 0.5"
    assert set(ingested(f"sqlite:///{tmp_path}/a.db", "string", query).to_pylist()) == {
        "9007199254740993",
        "0.5",
    }


def test_a_tfrecord_gets_the_declared_type(ingested, tmp_path: Path, csv):
    ingest(str(csv("1", "2")), tmp_path / "one", splits="all=1", examples_format="tfrecord")
    assert ingested(f"{tmp_path}/one/split=all/*.gz", "string").to_pylist() == ["1", "2"]


def test_a_folders_column_gets_the_declared_type(ingested, tmp_path: Path):
    (tmp_path / "a=01").mkdir()
    pq.write_table(pa.table({"b": [1]}), tmp_path / "a=01/1.parquet")
    assert ingested(tmp_path / "a=01/1.parquet", "string").to_pylist() == ["01"]
    assert ingested(tmp_path / "a=01/1.parquet", "int64").to_pylist() == [1]


MISFITS = {
    "int64": ["1", "0.5"],
    "float64": ["1", "1,234"],
    "timestamp": ["2024-01-02", "02.01.2024"],
}


@pytest.mark.parametrize(("kind", "values"), MISFITS.items())
def test_a_value_that_does_not_fit_is_an_error_with_its_line(ingested, csv, kind, values):
    message = rf"1\.csv:3: column 'a' holds '{values[1]}', no .*; it is declared {kind}: mend it"
    with pytest.raises(DataError, match=message):
        ingested(csv(*values), kind)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("int64", date(2024, 1, 2)), ("float64", datetime(2024, 1, 2)), ("timestamp", 1_700_000_000)],
)
def test_numbers_are_no_times_and_times_no_numbers(ingested, parquet, kind: str, value):
    with pytest.raises(DataError, match=rf"row 1: column 'a' holds .*; it is declared {kind}"):
        ingested(parquet(pa.array([value])), kind)


def test_times_with_a_zone_beside_times_without_one_are_an_error(ingested, csv, tmp_path: Path):
    csv("2024-01-02T08:00:00Z", name="1.csv")
    csv("2024-01-02T08:00:00", name="2.csv")
    with pytest.raises(DataError, match=r"a zone in \S*1\.csv and times without one in \S*2\.csv"):
        ingested(f"{tmp_path}/*.csv", "timestamp")


def test_a_file_without_values_has_lists_where_others_have(ingested, tmp_path: Path):
    pq.write_table(pa.table({"a": [[7]]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": pa.nulls(1)}), tmp_path / "2.parquet")
    assert ingested(f"{tmp_path}/*.parquet", "string").to_pylist() == [["7"], None]
    pq.write_table(pa.table({"a": [7]}), tmp_path / "2.parquet")
    with pytest.raises(DataError, match=r"lists in \S*1\.parquet and single values in \S*2\.parq"):
        ingested(f"{tmp_path}/*.parquet", "string")


def test_equal_values_get_equal_examples_whatever_wrote_them(tmp_path: Path):
    """Times, ids and prices of CSV and of Parquet in two units give the same bytes."""
    moments = [datetime(2024, 1, 1, 0, 0, n % 60, 500_000 * (n % 2)) for n in range(60)]
    rows = [(moment, n + 2**53, Decimal(n) / 10) for n, moment in enumerate(moments)]
    text = "".join(f"{moment}Z,{number},{price}\n" for moment, number, price in rows)
    (tmp_path / "1.csv").write_text(f"t,id,price\n{text}")
    times, ids, prices = (list(values) for values in zip(*rows, strict=True))
    for unit in ("ms", "ns"):
        table = {
            "t": pa.array(times, pa.timestamp(unit, "Europe/Berlin")),
            "id": pa.array(ids, pa.int64()).cast(pa.decimal128(38, 0)),
            "price": pa.array(prices, pa.decimal128(9, 1)),
        }
        pq.write_table(pa.table(table), tmp_path / f"{unit}.parquet", version="2.6")
    types = {"t": "timestamp"}
    for name in ("1.csv", "ms.parquet", "ns.parquet"):
        target = tmp_path / "out" / name
        ingest(str(tmp_path / name), target, splits="train=2,eval=1", column_types=types)
    trees = {fingerprint.of_tree(folder) for folder in (tmp_path / "out").iterdir()}
    assert len(trees) == 1


def test_an_unknown_type_is_an_error_before_the_data(ingested):
    message = r"column_types\['a'\]='text': use string, int64, float64, double, timestamp"
    with pytest.raises(ParameterError, match=message):
        ingested("/absent.csv", "text")


def test_a_declared_column_must_be_there(ingested, csv):
    with pytest.raises(
        DataError, match=r"column_types: no column 'zip'; the data has \['a', 'b'\]"
    ):
        ingested(csv("1"), "string", name="zip")
