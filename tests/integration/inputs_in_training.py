"""Answers of models in the training runtime: python inputs_in_training.py FOLDER.

Writes rows with missing values and lists, two models that see all of them, and answers.json:
what each model says to each row through each of the training runtime's ways. `exported` is
written by export_model, `own` is a SavedModel that takes raw features as a user might sign it.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
import tensorflow_transform as tft
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from kanaria.components.evaluate import evaluated_rows, model_functions
from kanaria.components.evaluate.private_tfma import tfma
from kanaria.components.shared.artifacts import serving_samples
from kanaria.components.shared.tensors import adapter
from kanaria.components.train.check_model import check_model
from kanaria.components.train.export import export_model
from kanaria.components.transform.transform import TransformRequest, transform

ONE = "presence { min_count: 1 } value_count { min: 1 max: 1 }"
FIXED = "presence { min_fraction: 1 } shape"
SCHEMA = f"""
feature {{ name: "Amount" type: FLOAT {ONE} }}
feature {{ name: "Hour/day" type: INT {ONE} }}
feature {{ name: "Sure" type: INT {ONE} }}
feature {{ name: "examples" type: BYTES {ONE} }}
feature {{ name: "triple" type: FLOAT {FIXED} {{ dim {{ size: 3 }} }} }}
feature {{ name: "square" type: FLOAT {FIXED} {{ dim {{ size: 2 }} dim {{ size: 2 }} }} }}
feature {{ name: "words" type: BYTES presence {{ min_count: 1 }} }}
feature {{ name: "counts" type: INT presence {{ min_count: 1 }} }}
feature {{ name: "y" type: INT {FIXED} {{ dim {{ size: 1 }} }} }}
"""
ROWS: dict[str, list[Any]] = {
    "Amount": [1.5, None, -2.0, 0.25, 8.0],
    "Hour/day": [5, 0, None, 23, None],
    "Sure": [1, None, 0, 1, 1],
    "examples": ["a", "bb", "ccc", None, "ü"],
    "triple": [
        [1.0, 2.0, 3.0],
        [4.0, 5.0, 6.0],
        [0.5, 8.0, 9.0],
        [0.0, 0.0, 1.0],
        [-1.0, 0.0, 0.0],
    ],
    "square": [
        [1.0, 2.0, 3.0, 4.0],
        [5.0, 6.0, 7.0, 8.0],
        [0.0, 0.0, 0.0, 1.0],
        [2.0] * 4,
        [0.5] * 4,
    ],
    "words": [["x", "", "zzz"], None, ["yy"], ["q", "q"], []],
    "counts": [[1], [2, 3, 4], None, [], [5, 6]],
    "y": [0, 1, 0, 1, 1],
}
MODULE = """
import tensorflow as tf
def total(sparse, weight, default):
    one = tf.SparseTensor(sparse.indices, sparse.values, [sparse.dense_shape[0], 1])
    return weight * tf.cast(tf.sparse.to_dense(one, default), tf.float32)
def summed(sparse, weight):
    dense = tf.sparse.to_dense(sparse)
    places = tf.cast(tf.range(1, tf.shape(dense)[1] + 1), tf.float32)
    return weight * tf.reduce_sum(tf.cast(dense, tf.float32) * places, 1, keepdims=True)
def lengths(sparse):
    long = tf.cast(tf.strings.length(sparse.values), tf.int64) + 1
    return tf.SparseTensor(sparse.indices, long, sparse.dense_shape)
def preprocessing_fn(inputs):
    found = total(inputs["Amount"], 1.0, -1.0) + total(inputs["Hour/day"], 100.0, -1)
    found += total(inputs["Sure"], 7.0, -1) + total(lengths(inputs["examples"]), 11.0, -1)
    found += tf.reduce_sum(inputs["triple"] * [1.0, 10.0, 100.0], 1, keepdims=True)
    square = inputs["square"] * [[1.0, 2.0], [3.0, 4.0]]
    found += tf.reshape(tf.reduce_sum(square, [1, 2]), [-1, 1])
    return {"sum": found + summed(lengths(inputs["words"]), 13.0) + summed(inputs["counts"], 17.0)}
"""
"""Sums every value by a weight and a place of its own, so that each one shows."""


def by_hand(row: dict[str, Any]) -> float:
    """The same sum without TensorFlow."""
    singles = [
        -1.0 if row["Amount"] is None else row["Amount"],
        100.0 * (-1 if row["Hour/day"] is None else row["Hour/day"]),
        7.0 * (-1 if row["Sure"] is None else row["Sure"]),
        11.0 * (-1 if row["examples"] is None else len(row["examples"].encode()) + 1),
        sum(w * v for w, v in zip((1, 10, 100), row["triple"], strict=True)),
        sum(place * v for place, v in enumerate(row["square"], 1)),
        13.0 * sum(p * (len(w.encode()) + 1) for p, w in enumerate(row["words"] or [], 1)),
        17.0 * sum(place * v for place, v in enumerate(row["counts"] or [], 1)),
    ]
    return float(sum(singles))


class Own(tf.Module):
    """Takes vectors, a boolean and lists as they come; says how it saw missing ones."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 1], tf.int32, "Hour/day"),
            tf.TensorSpec([None], tf.bool, "Sure"),
            tf.TensorSpec([None], tf.string, "examples"),
            tf.TensorSpec([None, 3], tf.float64, "triple"),
            tf.TensorSpec([None, 2, 2], tf.float32, "square"),
            tf.TensorSpec([None, None], tf.int64, "counts"),
        ]
    )
    def serve(self, hour, sure, examples, triple, square, counts):
        total = tf.reduce_sum(tf.cast(triple, tf.float32) * [1.0, 10.0, 100.0], 1)
        total += tf.reduce_sum(square * [[1.0, 2.0], [3.0, 4.0]], [1, 2])
        total += tf.cast(tf.maximum(hour[:, 0], -1), tf.float32) + 1000.0 * tf.cast(
            sure, tf.float32
        )
        total += 17.0 * tf.cast(tf.reduce_sum(counts, 1), tf.float32)
        return {"p": total, "length": tf.strings.length(examples), "first": triple[:, 0]}


def own_by_hand(row: dict[str, Any]) -> float:
    """The sum of `Own`, with the marks of missing that the README of train promises."""
    return float(
        sum(w * v for w, v in zip((1, 10, 100), row["triple"], strict=True))
        + sum(place * v for place, v in enumerate(row["square"], 1))
        + (-1 if row["Hour/day"] is None else row["Hour/day"])
        + 1000.0 * bool(row["Sure"])
        + 17.0 * sum(row["counts"] or [])
    )


def write_rows(root: Path) -> list[Path]:
    files = []
    for split in ("train", "eval"):
        files.append(root / f"examples/split={split}/part-00000-of-00001.parquet")
        files[-1].parent.mkdir(parents=True)
        pq.write_table(pa.table(ROWS), files[-1])
    return files


def save_models(root: Path) -> None:
    (root / "schema").mkdir()
    (root / "schema/schema.pbtxt").write_text(SCHEMA)
    (root / "module.py").write_text(MODULE)
    request = TransformRequest(
        examples=root / "examples", schema=root / "schema", module_file=str(root / "module.py")
    )
    transform(request, root / "graph", root / "transformed")
    entry = tf.keras.Input((1,), name="sum")
    same = tf.keras.Model({"sum": entry}, tf.keras.layers.Lambda(lambda x: x * 1.0)(entry))
    graph = tft.TFTransformOutput(str(root / "graph"))
    export_model(same, graph, str(root / "exported/1"), "y")
    own = Own()
    tf.saved_model.save(own, str(root / "own/1"), {"serving_default": own.serve})


class Spec:
    """What evaluate asks of a model's spec."""

    name, preprocessing_function_names = "", ()

    def __init__(self, signature: str) -> None:
        self.signature_name = signature


def evaluated(model: Path, files: list[Path], signature: str) -> list[float]:
    ready = [model_functions.load(model, Spec(signature))]
    parts = evaluated_rows.of_split(files, tfma.EvalConfig(), (model,), {"y"})
    batches = [batch for part in parts for batch in evaluated_rows.scored(ready, part)]
    predictions = evaluated_rows.joined(batches).predictions[""]
    return predictions["p" if "p" in predictions else "outputs"].reshape(-1).tolist()


def main(root: Path) -> None:
    files = write_rows(root)
    save_models(root)
    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    table = [{name: ROWS[name][row] for name in ROWS} for row in range(len(ROWS["y"]))]
    answers: dict[str, dict[str, list[float]]] = {
        "exported": {
            "hand": [by_hand(row) for row in table],
            "evaluate, serving_default": evaluated(root / "exported", files[1:], "serving_default"),
            "evaluate, serve_tf_examples": evaluated(root / "exported", files[1:], ""),
        },
        "own": {
            "hand": [own_by_hand(row) for row in table],
            "evaluate": evaluated(root / "own", files[1:], ""),
        },
    }
    for name in answers:
        checked = check_model(root / name / "1", schema, files[1:], files[:1])
        serving_samples.write(checked.samples, root / f"{name}_samples")
    (root / "answers.json").write_text(json.dumps(answers))
    (root / "rows.json").write_text(json.dumps(table))
    (serialized,) = adapter.serialized_examples(files[1:], 100, schema)
    examples = [base64.b64encode(example).decode() for example in serialized]
    (root / "examples.json").write_text(json.dumps(examples))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
