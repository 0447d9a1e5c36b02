"""What models `export_model` takes: column names, lists, several outputs, Keras 3."""

import importlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from kanaria.components.shared.artifacts.model_inputs import inputs_of, optional_inputs
from kanaria.components.shared.data.record_batches import to_lists
from kanaria.components.shared.data.tf_examples import encoded
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.tensors.signature_arrays import feeds
from kanaria.components.train import signature_names
from kanaria.components.train.export import export_model
from kanaria.components.transform.transform import TransformRequest, transform

NAMES = [
    "Hours per Week",
    "capital/Gain",
    "a/b",
    "나이",
    "class",
    "_odd",
    "A-b",
    "1st",
    "x:0",
    "Plain",
    "plain",
    "a",
]
LISTS = ["words", "counts", "pair", "table"]
SCHEMA = "".join(
    f'feature {{ name: "{name}" type: FLOAT presence {{ min_count: 1 }}'
    " value_count { min: 1 max: 1 } }\n"
    for name in NAMES
)
SCHEMA += """
feature { name: "words" type: BYTES presence { min_count: 1 } }
feature { name: "counts" type: INT presence { min_count: 1 } }
feature { name: "pair" type: INT presence { min_count: 1 } value_count { min: 2 max: 2 } }
feature { name: "table" type: FLOAT presence { min_fraction: 1 }
  shape { dim { size: 2 } dim { size: 2 } } }
feature { name: "y" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
"""
MODULE = f"""
import tensorflow as tf
NAMES = {NAMES!r}
def one(sparse, default):
    one_a_row = tf.SparseTensor(sparse.indices, sparse.values, [sparse.dense_shape[0], 1])
    return tf.sparse.to_dense(one_a_row, default)
def preprocessing_fn(inputs):
    found = {{name: one(inputs[name], -1.0) for name in NAMES}}
    letters = tf.SparseTensor(inputs["words"].indices,
        tf.cast(tf.strings.length(inputs["words"].values), tf.float32) + 1.0,
        inputs["words"].dense_shape)
    found["words"] = tf.reshape(tf.sparse.reduce_sum(letters, 1), [-1, 1])
    for name in ("counts", "pair"):
        total = tf.reshape(tf.sparse.reduce_sum(inputs[name], 1), [-1, 1])
        found[name] = tf.cast(total, tf.float32)
    found["table"] = tf.reshape(inputs["table"], [-1, 4])
    return found
"""
ROWS = {
    **{name: [float(place), None, float(10 * place)] for place, name in enumerate(NAMES, 1)},
    "words": [["a", "", "ccc"], None, ["dd"]],
    "counts": [[1], None, [2, 3, 4]],
    "pair": [[1, 2], None, [-5, 6]],
    "table": [[1.0, 2.0, 3.0, 4.0], [0.0] * 4, [5.0, 6.0, 7.0, 8.0]],
}
WEIGHTS = np.arange(1.0, len(NAMES) + 8)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names")
    (folder / "examples/split=train").mkdir(parents=True)
    rows = pa.table({**ROWS, "y": [0, 1, 0]})
    pq.write_table(rows, folder / "examples/split=train/part-00000-of-00001.parquet")
    (folder / "schema").mkdir()
    (folder / "schema/schema.pbtxt").write_text(SCHEMA)
    (folder / "module.py").write_text(MODULE)
    request = TransformRequest(
        examples=folder / "examples",
        schema=folder / "schema",
        module_file=str(folder / "module.py"),
    )
    transform(request, folder / "graph", folder / "transformed")
    return folder / "graph"


def summing(keras, *, key: bool):
    """Sums what it is given, each by a weight of its own; inputs have their names or keys."""
    sizes = dict.fromkeys((*NAMES, "words", "counts", "pair"), 1) | {"table": 4}
    names = {name: f"in{number}" if key else name for number, name in enumerate(sizes)}
    inputs = {n: keras.Input((size,), name=names[n]) for n, size in sizes.items()}
    dense = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=keras.initializers.Constant(WEIGHTS[:, np.newaxis])
    )
    return inputs, dense(keras.layers.Concatenate()(list(inputs.values())))


def expected() -> list[float]:
    texts = [[len(word) + 1 for word in row or []] for row in ROWS["words"]]
    columns = [[-1.0 if v is None else v for v in ROWS[name]] for name in NAMES]
    columns += [[sum(row or []) for row in rows] for rows in (texts, ROWS["counts"], ROWS["pair"])]
    table = np.concatenate([np.array(columns), np.array(ROWS["table"]).T])
    return (WEIGHTS @ table).tolist()


def answers(folder: Path, name: str = "outputs") -> dict[str, list[float]]:
    """Return what both signatures answer to the rows, and `serving_default` to each by itself."""
    loaded = tf.saved_model.load(str(folder))
    batch = to_lists(pa.RecordBatch.from_pydict(ROWS))
    signature = loaded.signatures["serving_default"]
    inputs = inputs_of(signature, optional_inputs(loaded))
    by_row: dict[int, float] = {}
    for feed in feeds(batch, inputs):
        arguments = {key: tf.constant(values) for key, values in feed.arrays.items()}
        values = signature(**arguments)[name].numpy()
        by_row |= dict(zip(feed.rows.tolist(), values[:, 0].tolist(), strict=True))
    examples = tf.constant(list(encoded(batch)))
    serialized = loaded.signatures["serve_tf_examples"](examples=examples)[name]
    return {
        "rows": [by_row[row] for row in range(3)],
        "examples": serialized[:, 0].numpy().tolist(),
    }


@pytest.fixture(scope="module")
def exported(graph: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "1"
    model = tf.keras.Model(*summing(tf.keras, key=False))
    export_model(model, tft.TFTransformOutput(str(graph)), str(folder), "y")
    return folder


def test_both_signatures_see_every_value_of_every_column(exported: Path):
    for values in answers(exported).values():
        assert values == pytest.approx(expected())


def test_columns_keep_their_names_whatever_they_are(exported: Path):
    loaded = tf.saved_model.load(str(exported))
    inputs = inputs_of(loaded.signatures["serving_default"], optional_inputs(loaded))
    assert set(inputs) == {*NAMES, *LISTS}
    assert {name for name, item in inputs.items() if item.required} == {"table"}
    shapes = {name: inputs[name].shape for name in ("Plain", *LISTS)}
    assert shapes == {
        "Plain": (None,),
        "words": (None, None),
        "counts": (None, None),
        "pair": (None, None),
        "table": (None, 2, 2),
    }


def test_a_server_that_reads_the_signature_definition_finds_the_names_too(exported: Path):
    """TensorFlow Serving feeds the tensors that the definition names, as a session does."""
    v1 = tf.compat.v1
    with v1.Session(graph=tf.Graph()) as session:
        definition = v1.saved_model.load(session, ["serve"], str(exported)).signature_def
        signature = definition["serving_default"]
        assert set(signature.inputs) == {*NAMES, *LISTS}
        first = {name: ROWS[name][:1] for name in NAMES}
        first |= {"words": [["a", "", "ccc"]], "counts": [[1]], "pair": [[1, 2]]}
        first["table"] = np.reshape(ROWS["table"][:1], (1, 2, 2))
        feed = {signature.inputs[name].name: values for name, values in first.items()}
        (answer,) = session.run(signature.outputs["outputs"].name, feed)
    assert answer[0] == pytest.approx(expected()[0])


def test_a_list_that_is_padded_with_marks_of_missing_is_the_same_list(exported: Path):
    loaded = tf.saved_model.load(str(exported)).signatures["serving_default"]
    row = {name: tf.constant([float(place)]) for place, name in enumerate(NAMES, 1)}
    row["words"] = tf.constant([["a", "", "ccc", "", ""]])
    row["counts"] = tf.constant([[1, tf.int64.min]], tf.int64)
    row["pair"] = tf.constant([[1, 2]], tf.int64)
    row["table"] = tf.reshape(tf.constant(ROWS["table"][0]), [1, 2, 2])
    assert float(loaded(**row)["outputs"][0, 0]) == pytest.approx(expected()[0])


@pytest.mark.parametrize("form", ["dictionary", "list"])
def test_several_outputs_keep_their_names(graph: Path, tmp_path: Path, form: str):
    inputs, total = summing(tf.keras, key=True)
    sign = tf.keras.layers.Lambda(lambda x: -x, name="minus")(total)
    both = tf.keras.layers.Lambda(lambda x: x * 1.0, name="total")(total)
    outputs = {"total": both, "minus": sign} if form == "dictionary" else [both, sign]
    export_model(
        tf.keras.Model(inputs, outputs), tft.TFTransformOutput(str(graph)), str(tmp_path), ["y"]
    )
    assert answers(tmp_path, "total")["rows"] == pytest.approx(expected())
    for values in answers(tmp_path, "minus").values():
        assert values == pytest.approx([-value for value in expected()])


def test_a_model_of_keras_3_answers_as_one_of_tf_keras(graph: Path, tmp_path: Path):
    import keras

    assert keras.__version__.startswith("3")
    export_model(
        keras.Model(*summing(keras, key=True)),
        tft.TFTransformOutput(str(graph)),
        str(tmp_path),
        "y",
    )
    for values in answers(tmp_path).values():
        assert values == pytest.approx(expected())


@pytest.mark.parametrize("kind", ["tf_keras", "keras"])
def test_a_sequential_model_is_asked_for_its_one_input(graph: Path, tmp_path: Path, kind: str):
    keras = importlib.import_module(kind)
    model = keras.Sequential([keras.Input((1,), name="Plain"), keras.layers.Rescaling(2.0)])
    export_model(model, tft.TFTransformOutput(str(graph)), str(tmp_path), "y")
    twice = [-2.0 if value is None else 2.0 * value for value in ROWS["Plain"]]
    assert answers(tmp_path) == {"rows": twice, "examples": twice}


def test_a_model_whose_inputs_are_no_features_is_refused(graph: Path, tmp_path: Path):
    entry = tf.keras.Input((1,), name="unheard")
    model = tf.keras.Model(entry, tf.keras.layers.Dense(1)(entry))
    with pytest.raises(ParameterError, match=r"inputs \['unheard'\] .* no transformed features"):
        export_model(model, tft.TFTransformOutput(str(graph)), str(tmp_path), "y")


def test_a_model_without_named_inputs_is_refused(graph: Path, tmp_path: Path):
    class Own(tf.keras.Model):
        pass

    with pytest.raises(ParameterError, match="Own has no named inputs; pass a functional Keras"):
        export_model(Own(), tft.TFTransformOutput(str(graph)), str(tmp_path), "y")


@pytest.mark.parametrize("names", [["self", "x"], ["a b", "a_b", "x"], ["a-b", "a/b"]])
def test_names_that_tensorflow_cannot_tell_apart_are_refused(names: list[str]):
    with pytest.raises(ParameterError, match="rename the columns") as caught:
        signature_names.writable(names)
    assert names[0] in str(caught.value)


def test_names_that_tensorflow_writes_are_left_alone():
    names = ["X", "a.b", "a/b/c", "1st", "b c", "feature_1", "same", "Same"]
    changed = {n: a for n, a in signature_names.writable(names).items() if n != a}
    assert changed == {"Same": "feature___1", "b c": "feature___5", "same": "feature___7"}
