"""A folder, a bucket and a table get the same rows, of the same types."""

import math
from collections.abc import Iterator

import object_stores
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from adbc_driver_postgresql import dbapi
from object_stores import Bucket

from kanaria.components.shared.storage import uri_files

SPEC = {"amount": tf.TensorSpec([None], tf.float32, name="amount")}
PASSED_ON = {
    "text": ["a'\"\\\n", "", None, "ü€", "N\\N", "{}"],
    "words": [["a"], ["b", ""], [], None, ["c,d", "{}"], ["e"]],
    "numbers": [[1, 2], [], None, [3], [2**62], [4, 5, 6]],
    "exact": [0.1, 1e300, None, math.nan, -math.inf, 5e-324],
    "nothing": pa.nulls(6),
    "raw": [b"\x00\xff", b"", None, b"x", b"y", b"z"],
    "Sp ace": [2**53 + 1, None, 3, 4, 5, 6],
}


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with object_stores.s3() as bucket:
        yield bucket


def kinds(amount):
    """Return an output of each kind."""
    return {
        "score": amount,
        "half": tf.cast(amount, tf.float16),
        "double": tf.cast(amount, tf.float64),
        "small": tf.cast(amount, tf.uint8),
        "above": amount > 2,
        "all_above": tf.stack([amount > 2, amount > 3], axis=1),
        "texts": tf.stack([tf.strings.as_string(amount)] * 2, axis=1),
        "matrix": tf.reshape(tf.repeat(amount, 4), [-1, 2, 2]),
        'Na"me': amount[:, tf.newaxis, tf.newaxis],
    }


def without_time(rows: list[dict]) -> list[str]:
    return sorted(repr({**row, "scored_at": None}) for row in rows)


def test_a_table_holds_the_rows_of_a_folder(world, database):
    world.model(kinds, SPEC)
    world.parquet(amount=[1.5, 2.5, 3.5, 4.5, math.inf, None], **PASSED_ON)
    # Of chunks that are parts of lists, an older driver gave rows the lists of others.
    settings = {"chunk_rows": 4, "batch_rows": 3, "keep": list(PASSED_ON)}
    scored = world.predict(**settings)
    world.predict(f"{database}#kinds", **settings)
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM kinds")
        table = cursor.fetch_arrow_table()
    assert without_time(table.to_pylist()) == without_time(world.rows())
    assert {field.name: str(field.type) for field in table.schema} == scored.columns
    assert [row["words"] for row in world.rows()] == PASSED_ON["words"]
    assert [row["Sp ace"] for row in world.rows()] == PASSED_ON["Sp ace"]
    assert world.rows()[1]["matrix"] == [2.5] * 4
    assert world.rows()[1]['Na"me'] == 2.5


def test_a_table_of_another_schema_with_any_name_is_made_and_filled(world, database):
    world.model(kinds, SPEC)
    world.parquet(amount=[1.5, 2.5])
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute('CREATE SCHEMA "My Scores"')
        connection.commit()
        world.predict(f"{database}#My Scores.The Table")
        cursor.execute('SELECT count(*) FROM "My Scores"."The Table"')
        assert cursor.fetchone() == (2,)
        cursor.execute('SELECT target, chunk, rows FROM "My Scores".kanaria_scored ORDER BY 2')
        assert cursor.fetchall() == [("The Table", -1, 2), ("The Table", 0, 2)]


def test_a_wider_column_of_text_is_taken(world, database):
    world.model(lambda amount: {"score": amount}, SPEC)
    world.parquet(amount=[1.5])
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE mine (id bigserial, row_id varchar, run_id text, chunk bigint, "
            "model_fingerprint text, scored_at timestamptz, score real, remark text)"
        )
        connection.commit()
        world.predict(f"{database}#mine")
        cursor.execute("SELECT id, row_id, score, remark FROM mine")
        assert cursor.fetchall() == [(1, "data.parquet:1", 1.5, None)]


def test_a_bucket_is_filled_and_gone_on_with_as_a_folder_is(world, bucket, monkeypatch):
    bucket.use(monkeypatch)
    world.model(lambda amount: {"score": amount}, SPEC)
    world.parquet(amount=[float(n) for n in range(10)])
    output = f"{bucket.uri}/scores"
    world.predict(output, chunk_rows=3)
    assert uri_files.exists(f"{output}/_SUCCESS")
    uri_files.remove(f"{output}/part-00001.parquet")
    scored = world.predict(output, chunk_rows=3)
    assert (scored.rows, scored.rows_before) == (10, 7)
    rows = []
    for file in uri_files.matches(f"{output}/part-*.parquet"):
        with uri_files.opened(file) as path:
            rows += pq.read_table(path).to_pylist()
    assert [row["score"] for row in rows] == [float(n) for n in range(10)]
