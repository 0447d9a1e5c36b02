"""A real PostgreSQL and a real SQLite answer the queries."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pgserver
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanaria.components.ingest.ingest import Ingested, ingest
from kanaria.components.shared.artifacts import fingerprint
from kanaria.components.shared.errors import DataError, NotReadyError, ParameterError

TABLE = """
create type size as enum ('small', 'large');
create role reader login password 'hunter2';
create table trips as select
  i as id, i::smallint as short, i::bigint as long, (i * 1.25)::numeric(10, 2) as fare,
  i / 4.0::real as miles, i / 8.0::double precision as tip, 'company ' || i % 5 as company,
  i % 2 = 0 as paid, date '2013-01-01' + i as day,
  timestamp '2013-01-01 08:00' + i * interval '1 minute' as local,
  timestamptz '2013-01-01 08:00+02' + i * interval '1 minute' as at,
  case when i % 3 > 0 then i end as gaps, null::int as nothing, '\\xff00'::bytea as raw,
  array[i, i + 1] as list, array[i * 0.5] as numerics, 1e15::numeric(38) + i as whole,
  array[i::numeric(38)] as wholes, 'small'::size as size,
  '10.0.0.1'::inet as address, '1 day'::interval as wait, '1.50'::money as price,
  '00000000-0000-0000-0000-000000000001'::uuid as key
from generate_series(1, 300) as i;
"""


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory) -> Iterator[pgserver.PostgresServer]:
    server = pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    server.psql(TABLE)
    yield server
    server.cleanup()


@pytest.fixture
def ask(postgresql, tmp_path: Path):
    """Ingest what PostgreSQL answers to a query."""

    def run(query: str, name: str = "examples", splits: str = "all=1", **others: str) -> Ingested:
        uri = postgresql.get_uri()
        return ingest(uri, tmp_path / name, query=query, splits=splits, **others)

    return run


def rows(folder: Path) -> pa.Table:
    return pq.read_table(folder / "part-00000-of-00001.parquet")


TYPES = {
    "id": (pa.int64(), 1),
    "short": (pa.int64(), 1),
    "long": (pa.int64(), 1),
    "fare": (pa.float64(), 1.25),
    "miles": (pa.float64(), 0.25),
    "tip": (pa.float64(), 0.125),
    "company": (pa.string(), "company 1"),
    "paid": (pa.int64(), 0),
    "day": (pa.string(), "2013-01-02"),
    "local": (pa.string(), "2013-01-01T08:01:00"),
    "at": (pa.string(), "2013-01-01T06:01:00Z"),
    "whole": (pa.int64(), 10**15 + 1),
    "wholes": (pa.list_(pa.int64()), [1]),
    "gaps": (pa.int64(), 1),
    "nothing": (pa.null(), None),
    "raw": (pa.binary(), b"\xff\x00"),
    "list": (pa.list_(pa.int64()), [1, 2]),
    "numerics": (pa.list_(pa.float64()), [0.5]),
    "size": (pa.string(), "small"),
}


def test_every_type_of_postgresql_becomes_that_of_the_examples(ask, tmp_path: Path):
    ask(f"select {', '.join(TYPES)} from trips")
    first = rows(tmp_path / "examples/split=all").sort_by("id").slice(0, 1)
    types = {name: (first[name].type, first[name][0].as_py()) for name in first.column_names}
    assert types == TYPES


def test_missing_values_stay_missing(ask, tmp_path: Path):
    ask("select id, gaps from trips")
    assert rows(tmp_path / "examples/split=all")["gaps"].null_count == 100


REFUSED = {
    "a numeric beyond 64 bits": ("1e19::numeric(38)", "10000000000000000000', beyond 64-bit int"),
    "a numeric beyond exact floats": ("9007199254740993.5", "9007199254740993.5', beyond what fl"),
    "a list of them": ("array[1e19::numeric(38)]", "'10000000000000000000'], beyond 64-bit int"),
    "infinity": ("'infinity'::timestamp", "outside the years 0000 to 9999"),
    "a date of infinity": ("'infinity'::date", "outside the years 0000 to 9999"),
    "a year before Christ": ("'0044-03-15 BC'::timestamptz", "outside the years 0000 to 9999"),
    "the end of a day": ("'24:00'::time", "no time of day before 24:00"),
    "an object identifier": ("4294967295::oid", "has type oid; cast it"),
}


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_would_be_changed_is_an_error(ask, value: str, message: str):
    with pytest.raises(DataError, match=re.escape(message)):
        ask(f"select {value} as a")


@pytest.mark.parametrize("column", ["address", "wait", "price", "key"])
def test_a_type_without_a_form_in_the_examples_is_named(ask, column: str):
    with pytest.raises(DataError, match=rf"column '{column}' has type \w+.*; (cast|use numbers)"):
        ask(f"select id, {column} from trips")


def test_the_order_of_the_answer_changes_nothing(ask, tmp_path: Path):
    one = ask("select id, fare from trips order by id", "one", "train=2,eval=1")
    other = ask("select fare, id from trips order by fare desc", "other", "train=2,eval=1")
    assert one.fingerprint == other.fingerprint
    assert one.rows == other.rows
    again = ask("select id, fare from trips order by id desc", "again", "train=2,eval=1")
    trees = [fingerprint.of_tree(tmp_path / name) for name in ("one", "again")]
    assert (one.fingerprint, trees[0]) == (again.fingerprint, trees[1])


def test_other_content_has_another_fingerprint(ask):
    fingerprints = [
        ask(query).fingerprint
        for query in (
            "select id from trips",
            "select id from trips where id > 1",
            "select id as id2 from trips",
            "select id from trips union all select 1",
            "select id::text as id from trips",
        )
    ]
    assert len(set(fingerprints)) == len(fingerprints)


def test_shares_of_time_can_follow_a_timestamp(ask, tmp_path: Path):
    result = ask("select id, at from trips", splits="train=2,eval=1", time_column="at")
    assert result.rows == {"train": 200, "eval": 100}
    assert min(rows(tmp_path / "examples/split=eval")["id"].to_pylist()) == 201


def test_a_query_changes_nothing_in_the_database(ask, postgresql):
    assert ask("delete from trips returning id").rows == {"all": 300}
    assert "300" in postgresql.psql("select count(*) from trips")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select absent from trips", 'column "absent" does not exist'),
        ("select 1 / 0", "division by zero"),
        ("selekt 1", "syntax error"),
        ("select 1; select 2", "cannot insert multiple commands"),
        ("select id from trips where id < 0", "no rows"),
        ("select 1 as a, 2 as a", "column 'a' stands twice"),
    ],
)
def test_a_faulty_query_is_one_line_with_the_servers_words(ask, query: str, message: str):
    with pytest.raises(DataError, match=message) as raised:
        ask(query)
    assert "\n" not in str(raised.value)


def test_a_password_comes_from_the_environment_alone(postgresql, tmp_path: Path, monkeypatch):
    """PostgreSQL trusts local users here, so the proof is that libpq reads what is set."""
    uri = postgresql.get_uri()
    missing = tmp_path / "absent.conf"
    monkeypatch.setenv("PGSERVICE", "shop")
    monkeypatch.setenv("PGSERVICEFILE", str(missing))
    with pytest.raises(NotReadyError, match=r"absent\.conf"):
        ingest(uri, tmp_path / "out", query="select 1 as a", splits="all=1")
    host = uri.rpartition("host=")[2]
    missing.write_text(f"[shop]\nhost={host}\nuser=reader\npassword=hunter2\ndbname=postgres\n")
    data = "postgresql:///"
    assert ingest(data, tmp_path / "out", query="select 1 as a", splits="all=1").rows == {"all": 1}


def test_a_password_in_the_uri_is_refused_before_any_connection(tmp_path: Path):
    with pytest.raises(ParameterError, match="holds a password") as raised:
        ingest("postgresql://reader:hunter2@127.0.0.1:1/x", tmp_path, query="s", splits="all=1")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("uri", ["postgresql://reader@127.0.0.1:1/shop", "sqlite:////absent.db"])
def test_a_database_that_does_not_answer_is_not_ready(tmp_path: Path, uri: str):
    with pytest.raises(NotReadyError, match=f"data='{uri}': .*see that the database") as raised:
        ingest(uri, tmp_path / "out", query="select 1", splits="all=1")
    assert "\n" not in str(raised.value)


def test_a_database_without_a_driver_is_an_error(tmp_path: Path):
    message = "no driver for 'oracle'; use postgresql or sqlite, or add adbc-driver-oracle"
    with pytest.raises(ParameterError, match=message):
        ingest("oracle://db/shop", tmp_path / "out", query="select 1", splits="all=1")


def test_a_query_has_no_separator(tmp_path: Path):
    with pytest.raises(ParameterError, match="separator=';': leave it out, an answer of a data"):
        ingest("sqlite:///a.db", tmp_path / "out", query="select 1", splits="a=1", separator=";")


@pytest.mark.parametrize(
    ("data", "query", "message"),
    [
        ("sqlite:///a.db", "", "query='': give the SQL query"),
        ("data/*.csv", "select 1", "query='select 1': data names no database; give"),
    ],
)
def test_a_query_belongs_to_a_database(tmp_path: Path, data: str, query: str, message: str):
    with pytest.raises(ParameterError, match=message):
        ingest(data, tmp_path / "out", query=query, splits="all=1")


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    connection = sqlite3.connect(tmp_path / "a b.db")
    connection.execute("create table trips (id, fare, company)")
    # SQLite's columns have no types, and here the first thousand values have none either.
    late = [(i, i / 4 if i > 2000 else None, "x" if i > 2000 else None) for i in range(3000)]
    connection.executemany("insert into trips values (?, ?, ?)", late)
    connection.commit()
    connection.close()
    return f"sqlite:///{tmp_path}/a b.db"


def test_sqlite_answers_too(sqlite: str, tmp_path: Path):
    result = ingest(sqlite, tmp_path / "out", query="select * from trips", splits="all=1")
    assert result.columns == {"id": "int64", "fare": "double", "company": "string"}
    assert rows(tmp_path / "out/split=all").sort_by("id")["fare"][2999].as_py() == 749.75


def values_of(folder: Path, values: str) -> list[object]:
    """Return the values of the only column that SQLite answers with, in some order."""
    sqlite3.connect(folder / "v.db").close()
    query = f"select * from (values {values})"
    ingest(f"sqlite:///{folder}/v.db", folder / "out", query=query, splits="all=1")
    return rows(folder / "out/split=all").column(0).to_pylist()


@pytest.mark.parametrize(
    ("values", "want"),
    [
        ("(1), (0.5), (9007199254740992.0)", {1.0, 0.5, 2.0**53}),
        ("(9223372036854775807), (null)", {2**63 - 1, None}),
        ("(0.123456789), ('x'), (1)", {"0.123456789", "x", "1"}),
        ("('01234'), ('1234')", {"01234", "1234"}),
        ("(x'ff00')", {b"\xff\x00"}),
    ],
)
def test_sqlite_values_keep_what_they_are(tmp_path: Path, values: str, want: set):
    assert set(values_of(tmp_path, values)) == want


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("(9007199254740993), (0.5)", "holds '9007199254740993', beyond what floats hold exactly"),
        ("(x'ff'), ('x')", "holds bytes beside other values; cast it"),
    ],
)
def test_sqlite_values_that_would_be_changed_are_an_error(tmp_path, values: str, message: str):
    with pytest.raises(DataError, match=message):
        values_of(tmp_path, values)


@pytest.mark.parametrize("query", ["select absent", "select 1; select 2", "selekt 1"])
def test_a_query_that_sqlite_refuses_is_an_error(sqlite: str, tmp_path: Path, query: str):
    with pytest.raises(DataError, match=r"query on sqlite:.*; mend the query"):
        ingest(sqlite, tmp_path / "out", query=query, splits="all=1")


def test_a_file_that_is_no_database_does_not_answer(tmp_path: Path):
    (tmp_path / "a.db").write_text("no database at all" * 100)
    with pytest.raises(NotReadyError, match="file is not a database"):
        ingest(
            f"sqlite:///{tmp_path}/a.db", tmp_path / "out", query="select a from b", splits="all=1"
        )


def test_the_date_of_a_reference_is_no_part_of_the_uri(sqlite: str, tmp_path: Path):
    data = f"{sqlite}#at=2013-01-31"
    assert ingest(data, tmp_path / "out", query="select 1 as a", splits="all=1").files == 0
