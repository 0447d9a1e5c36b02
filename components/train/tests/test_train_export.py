"""What a model behind its transform answers, by both signatures."""

import math
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.train import BytesList, Example, Feature, Features, FloatList, Int64List

from kanaria.components.shared.errors import ParameterError
from kanaria.components.train.export import MISSING_INTEGER, export_model

NAMES = {"distance_xf": tf.float32, "hour_xf": tf.float32, "carrier_xf": tf.int64}


@pytest.fixture(scope="module")
def served(transformed: Path, tmp_path_factory):
    """Answers with the sum of the transformed features, so that every input shows."""
    inputs = {name: tf.keras.Input((1,), name=name, dtype=kind) for name, kind in NAMES.items()}
    parts = [tf.cast(tensor, tf.float32) for tensor in inputs.values()]
    model = tf.keras.Model(inputs, tf.keras.layers.Add()(parts))
    folder = str(tmp_path_factory.mktemp("served"))
    export_model(model, tft.TFTransformOutput(str(transformed / "graph")), folder, ["late"])
    return tf.saved_model.load(folder)


def example(distance: float, carrier: bytes, hour: int | None) -> bytes:
    feature = {
        "distance": Feature(float_list=FloatList(value=[distance])),
        "carrier": Feature(bytes_list=BytesList(value=[carrier])),
    }
    if hour is not None:
        feature["hour"] = Feature(int64_list=Int64List(value=[hour]))
    return Example(features=Features(feature=feature)).SerializeToString()


def by_name(served, distance: float, carrier: str, hour: int) -> float:
    answer = served.signatures["serving_default"](
        distance=tf.constant([distance]),
        carrier=tf.constant([carrier]),
        hour=tf.constant([hour], tf.int64),
    )
    return float(answer["outputs"][0, 0])


def by_example(served, distance: float, carrier: bytes, hour: int | None) -> float:
    serialized = tf.constant([example(distance, carrier, hour)])
    return float(served.signatures["serve_tf_examples"](examples=serialized)["outputs"][0, 0])


def test_a_request_holds_one_plain_value_a_feature_and_no_label(served):
    inputs = served.signatures["serving_default"].structured_input_signature[1]
    shapes = {name: (spec.shape.rank, spec.dtype) for name, spec in inputs.items()}
    assert shapes == {
        "distance": (1, tf.float32),
        "carrier": (1, tf.string),
        "hour": (1, tf.int64),
    }


def test_both_signatures_give_the_same_answer(served):
    assert by_name(served, 900.0, "UA", 5) == by_example(served, 900.0, b"UA", 5)


@pytest.fixture(scope="module")
def bare(transformed: Path, tmp_path_factory):
    """The same model with a third signature, and its transform."""
    inputs = {name: tf.keras.Input((1,), name=name, dtype=kind) for name, kind in NAMES.items()}
    parts = [tf.cast(tensor, tf.float32) for tensor in inputs.values()]
    model = tf.keras.Model(inputs, tf.keras.layers.Add()(parts))
    folder = str(tmp_path_factory.mktemp("bare"))
    graph = tft.TFTransformOutput(str(transformed / "graph"))
    export_model(model, graph, folder, ["late"], transformed_signature="serving_transformed")
    return tf.saved_model.load(folder), graph


def test_a_third_signature_takes_what_the_transform_makes(served, bare):
    model, graph = bare
    signature = model.signatures["serving_transformed"]
    taken = signature.structured_input_signature[1]
    kinds = {name: (spec.shape.as_list(), spec.dtype) for name, spec in taken.items()}
    assert kinds == {name: ([None, 1], kind) for name, kind in NAMES.items()}
    raw = {
        "distance": tf.constant([[900.0], [123.5], [7.0]]),
        "carrier": tf.constant([["UA"], ["AA"], ["unheard of"]]),
        "hour": tf.sparse.from_dense(tf.constant([[5], [17], [23]], tf.int64)),
    }
    rows = {name: graph.transform_features_layer()(raw)[name] for name in NAMES}
    answers = signature(**{name: tf.reshape(rows[name], [-1, 1]) for name in NAMES})["outputs"]
    expected = sum(tf.cast(tf.reshape(rows[name], [-1]), tf.float32).numpy() for name in NAMES)
    assert answers.numpy()[:, 0].tolist() == pytest.approx(expected.tolist(), rel=1e-6)
    for place, (distance, carrier, hour) in enumerate(
        [(900.0, "UA", 5), (123.5, "AA", 17), (7.0, "unheard of", 23)]
    ):
        whole = by_name(served, distance, carrier, hour)
        assert float(answers[place, 0]) == pytest.approx(whole, rel=1e-6)


def test_a_third_signature_is_made_when_it_is_named(served, bare):
    assert "serving_transformed" not in served.signatures
    both = {"serving_default", "serve_tf_examples"}
    assert both | {"serving_transformed"} <= set(bare[0].signatures)


def test_every_feature_reaches_the_model(served):
    usual = by_name(served, 900.0, "UA", 5)
    assert math.isclose(by_name(served, 900.0, "UA", 17) - usual, 0.5, rel_tol=1e-5)
    assert by_name(served, 901.0, "UA", 5) != usual
    assert by_name(served, 900.0, "unheard of", 5) != usual


def test_the_smallest_integer_means_missing(served):
    missing = by_name(served, 900.0, "UA", MISSING_INTEGER)
    assert missing == by_example(served, 900.0, b"UA", None)


def test_a_label_that_is_no_feature_is_named(transformed: Path, tmp_path: Path):
    graph = tft.TFTransformOutput(str(transformed / "graph"))
    with pytest.raises(ParameterError, match="label_keys='tardy': name one of carrier, distance"):
        export_model(None, graph, str(tmp_path), "tardy")
