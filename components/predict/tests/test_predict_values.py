"""Every prediction is that of the bare SavedModel, in the order of the rows, whatever the kind."""

import csv
import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from kanaria.components.shared.data import tf_examples
from kanaria.components.shared.data.record_batches import to_lists
from kanaria.components.shared.errors import ParameterError

ROWS = 700
LARGE = 2**53 + 1


def columns() -> dict[str, list]:
    draw = np.random.default_rng(7)
    return {
        "amount": [float(np.float32(value)) for value in draw.normal(4, 9, ROWS)],
        "count": [LARGE + n for n in range(ROWS)],
        "city": [f"Köln, {n % 5}" for n in range(ROWS)],
    }


def bare(signature, **arrays):
    answers = signature(**{name: tf.constant(array) for name, array in arrays.items()})
    return {name: value.numpy() for name, value in answers.items()}


def read_schema(world) -> pa.Schema:
    return pq.read_schema(world.home / "out" / "part-00000.parquet")


def check_as_bare(rows, signature, data) -> None:
    wanted = bare(
        signature,
        amount=np.array(data["amount"], np.float32),
        count=np.array(data["count"], np.int64),
        city=np.array(data["city"], object),
    )
    assert [row["score"] for row in rows] == wanted["score"][:, 0].tolist()
    assert [row["both"] for row in rows] == wanted["both"].tolist()
    assert [row["label"] for row in rows] == [text.decode() for text in wanted["label"]]
    assert [row["count_again"] for row in rows] == data["count"]
    assert [row["large"] for row in rows] == wanted["large"].tolist()


def test_rows_of_several_files_are_scored_in_order_as_by_the_bare_model(world):
    signature, data = world.model(), columns()
    for name, part in (("a", slice(0, 300)), ("b", slice(300, ROWS))):
        world.parquet(f"{name}.parquet", **{key: values[part] for key, values in data.items()})

    scored = world.predict(chunk_rows=250, batch_rows=64, keep=["count", "city"])

    rows = world.rows()
    check_as_bare(rows, signature, data)
    assert [row["count"] for row in rows] == data["count"]
    assert [row["row_id"] for row in rows][299:301] == ["a.parquet:300", "b.parquet:1"]
    assert (scored.rows, scored.chunks, scored.rows_before) == (ROWS, 3, 0)
    assert {row["model_fingerprint"] for row in rows} == {scored.model_fingerprint}
    assert (world.home / "out" / "_SUCCESS").exists()
    document = json.loads((world.home / "scored" / "scored.json").read_text())
    assert 0 < document["rows_per_second"] == scored.rows_per_second < ROWS / 1e-6
    assert document["columns"] == {field.name: str(field.type) for field in read_schema(world)}


def test_csv_is_scored_as_parquet_is(world):
    signature, data = world.model(), columns()
    path = world.home / "data.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(data)
        writer.writerows(zip(*data.values(), strict=True))
    world.predict(data=str(path), batch_rows=100)
    check_as_bare(world.rows(), signature, data)


def test_tf_records_are_scored_as_parquet_is(world):
    signature, data = world.model(), columns()
    path = world.home / "data.tfrecord.gz"
    tf_examples.write(path, [to_lists(batch) for batch in pa.table(data).to_batches()])
    world.predict(data=str(path), batch_rows=100)
    check_as_bare(world.rows(), signature, data)


def test_a_query_is_scored_in_an_order_of_its_own(world, database):
    from adbc_driver_postgresql import dbapi

    world.model()
    with dbapi.connect(database) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("asked", pa.table(columns()), mode="create")
        connection.commit()
    for output in ("first", "again"):
        world.predict(f"{world.home}/{output}", database, query="SELECT * FROM asked")
    rows = world.rows("first")
    assert sorted(row["count_again"] for row in rows) == columns()["count"]
    assert [row["row_id"] for row in rows[:2]] == ["query:1", "query:2"]
    labels = [[row["label"] for row in world.rows(output)] for output in ("first", "again")]
    assert labels[0] == labels[1]


def test_missing_values_and_nan_come_to_the_model_as_they_do_when_it_serves(world):
    signature = world.model(
        lambda amount, city: {"amount": amount, "city": city},
        {
            "amount": tf.TensorSpec([None], tf.float64, name="amount"),
            "city": tf.TensorSpec([None], tf.string, name="city"),
        },
    )
    world.parquet(amount=[0.1, None, math.nan, math.inf], city=["x", None, "", "y"])
    world.predict()
    rows = world.rows()
    # All digits of a double: 0.1 as float32 would be 0.10000000149.
    assert (
        rows[0]["amount"] == bare(signature, amount=np.array([0.1]), city=["x"])["amount"][0] == 0.1
    )
    assert [math.isnan(row["amount"]) for row in rows] == [False, True, True, False]
    assert rows[3]["amount"] == math.inf
    assert [row["city"] for row in rows] == ["x", "", "", "y"]


def test_lists_of_one_size_and_of_any_size_are_given_whole(world):
    signature = world.model(
        lambda pixels, words: {
            "pixels": pixels * 2,
            "words": tf.strings.reduce_join(words, axis=1, separator="|"),
            "how_many": tf.fill([tf.shape(words)[0]], tf.shape(words)[1]),
        },
        {
            "pixels": tf.TensorSpec([None, 2, 2], tf.float32, name="pixels"),
            "words": tf.TensorSpec([None, None], tf.string, name="words"),
        },
    )
    pixels = [[float(n), n + 0.5, -n, 0.0] for n in range(5)]
    words = [["a"], ["b", "c"], [], ["d"], ["e", "f"]]
    world.parquet(pixels=pixels, words=words)
    world.predict(batch_rows=4)
    rows = world.rows()
    assert [row["pixels"] for row in rows] == [[2 * value for value in row] for row in pixels]
    assert [row["words"] for row in rows] == ["|".join(row) for row in words]
    assert [row["how_many"] for row in rows] == [1, 2, 0, 1, 2]
    assert signature.structured_outputs["pixels"].shape[1:] == (2, 2)


def parse(examples):
    """Return what a model that parses tf.Examples answers."""
    features = {
        "amount": tf.io.FixedLenFeature([], tf.float32),
        "tip": tf.io.FixedLenFeature([], tf.float32, default_value=0.5),
        "city": tf.io.VarLenFeature(tf.string),
    }
    parsed = tf.io.parse_example(examples, features)
    city = tf.sparse.to_dense(parsed["city"], default_value="nowhere")
    joined = tf.strings.reduce_join(city, axis=1)
    return {"score": parsed["amount"] + parsed["tip"], "city": joined}


EXAMPLES = {"examples": tf.TensorSpec([None], tf.string, name="examples")}


def test_a_model_that_parses_examples_gets_all_columns(world):
    world.model(parse, EXAMPLES)
    # Whole numbers where the graph parses floats, as a CSV of them would have.
    world.parquet(amount=[1, 2], tip=[1.0, None], city=["x", None], other=["a", "b"])
    world.predict(batch_rows=1)
    assert [row["score"] for row in world.rows()] == [2.0, 2.5]
    assert [row["city"] for row in world.rows()] == ["x", ""]


def test_features_that_a_graph_parses_are_told_before_any_row(world):
    world.model(parse, EXAMPLES)
    world.parquet(city=[1, 2], tip=["a", "b"])
    with pytest.raises(ParameterError) as caught:
        world.predict()
    text = str(caught.value)
    assert "input 'amount' (float32) is no column of the data" in text
    assert "input 'tip' takes float32, the column is string" in text
    assert "input 'city' takes text, the column is int64" in text


def test_a_signature_of_a_fixed_number_of_rows_gets_just_so_many(world):
    world.model(
        lambda amount: {"sum": amount + 1},
        {"amount": tf.TensorSpec([4], tf.float32, name="amount")},
    )
    world.parquet(amount=[float(n) for n in range(6)])
    world.predict()
    assert [row["sum"] for row in world.rows()] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
