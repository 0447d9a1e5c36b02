"""Samples of saved models' answers, as push_model reads them."""

import base64
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.shared.artifacts import serving_samples
from kanaria.components.shared.artifacts.serving_samples import (
    Feature,
    Sample,
    ServingSamples,
    Tensor,
)
from kanaria.components.shared.errors import DataError
from kanaria.components.train.answer_samples import ROWS, collect

SCHEMA = text_format.Parse(
    """
    feature { name: "distance" type: FLOAT shape { dim { size: 1 } } }
    feature { name: "pair" type: INT shape { dim { size: 2 } } }
    feature { name: "text" type: BYTES }
    """,
    schema_pb2.Schema(),
)
FLOATS = tf.TensorSpec([None], tf.float32, "distance")
PAIRS = tf.TensorSpec([None, 2], tf.int64, "pair")
TEXTS = tf.TensorSpec([None, 1], tf.string, "text")


def sampled(folder: Path, table: dict[str, list[object]]) -> ServingSamples:
    """Save a model of the three features, load it and sample it on the rows."""

    @tf.function(input_signature=[FLOATS, PAIRS, TEXTS])
    def answer(distance, pair, text):
        total = distance * 2.0 + tf.cast(tf.reduce_sum(pair, axis=1), tf.float32)
        return {"score": total, "echo": text}

    tf.saved_model.save(tf.Module(), str(folder / "model"), {"serving_default": answer})
    loaded = tf.saved_model.load(str(folder / "model"))
    pq.write_table(pa.table(table), folder / "part-0.parquet")
    files = [folder / "part-0.parquet"]
    return collect(loaded.signatures["serving_default"], files, SCHEMA)


def rows(**columns: list[object]) -> dict[str, list[object]]:
    return {"distance": [1.5, 2.0], "pair": [[1, 2], [3, 4]], "text": ["a", "ü"], **columns}


def test_the_signature_the_features_and_the_answers_are_kept(tmp_path: Path):
    samples = sampled(tmp_path, rows())
    assert samples.inputs == {
        "distance": Tensor(dtype="float32", shape=(None,)),
        "pair": Tensor(dtype="int64", shape=(None, 2)),
        "text": Tensor(dtype="string", shape=(None, 1)),
    }
    assert samples.outputs["score"] == Tensor(dtype="float32", shape=(None,))
    assert samples.features["pair"] == Feature(type="INT", size=2)
    assert samples.features["text"] == Feature(type="BYTES", size=None)
    first, second = samples.rows
    assert first == Sample(
        inputs={"distance": 1.5, "pair": [1, 2], "text": ["a"]},
        outputs={"score": 6.0, "echo": ["a"]},
    )
    assert second.inputs["text"] == ["ü"]


def test_bytes_that_are_no_text_are_written_as_base64(tmp_path: Path):
    samples = sampled(tmp_path, rows(text=[b"\xff\x00", b"a"]))
    assert samples.rows[0].inputs["text"] == [{"b64": base64.b64encode(b"\xff\x00").decode()}]


@pytest.mark.parametrize("odd", [math.nan, math.inf, None])
def test_a_row_that_json_cannot_hold_is_no_sample(tmp_path: Path, odd: float | None):
    samples = sampled(tmp_path, rows(distance=[odd, 3.0]))
    assert [row.inputs["distance"] for row in samples.rows] == [3.0]


def test_without_such_rows_the_signature_is_still_told(tmp_path: Path):
    samples = sampled(tmp_path, rows(distance=[math.nan, math.nan]))
    assert samples.rows == ()
    assert set(samples.inputs) == {"distance", "pair", "text"}


def test_many_rows_are_sampled_evenly_from_first_to_last(tmp_path: Path):
    numbers = [float(number) for number in range(200)]
    table = rows(distance=numbers, pair=[[0, 0]] * 200, text=["a"] * 200)
    taken = [row.inputs["distance"] for row in sampled(tmp_path, table).rows]
    assert (len(taken), taken[0], taken[-1]) == (ROWS, 0.0, 199.0)
    assert taken == sorted(set(taken))


def test_what_is_written_is_read_again(tmp_path: Path):
    samples = sampled(tmp_path, rows(text=[b"\xff", "ü"]))
    serving_samples.write(samples, tmp_path / "artifact")
    assert serving_samples.read(tmp_path / "artifact") == samples


def test_a_folder_without_samples_is_refused_with_a_remedy(tmp_path: Path):
    with pytest.raises(DataError, match=r"no readable serving samples .*train_model"):
        serving_samples.read(tmp_path)
