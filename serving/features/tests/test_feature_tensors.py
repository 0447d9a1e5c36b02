"""What a V2 request becomes with features, read back by the protocol's own reader."""

import json
import struct

import numpy as np
import pytest

from kanaria.components.shared.artifacts.model_inputs import Input
from kanaria.components.shared.artifacts.serving_samples import Tensor
from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.features import feature_settings, feature_tensors
from kanaria.serving.features.expected_inputs import ExpectedInputs
from kanaria.serving.features.feature_rows import FeatureError, Value
from kanaria.serving.protocol import inference_v2
from kanaria.serving.protocol.json_body import RequestError

DRIVERS = {"name": "driver_id", "datatype": "INT64", "shape": [3], "data": [7, 8, 9]}
HOURS = {"name": "hour", "datatype": "INT64", "shape": [3], "data": [1, 2, 3]}
TENSORS = {
    "n": Tensor(dtype="int64", shape=(None,)),
    "x": Tensor(dtype="float32", shape=(None, 1)),
    "word": Tensor(dtype="string", shape=(None,)),
}
FEATURES = {
    "n": [Value(value=2**60 + 1), Value(value=-(2**60) - 3), Value(why="missing")],
    "x": [Value(value=0.1), Value(value=3), Value(value=-2.5)],
    "word": [Value(value="서울"), Value(why="missing"), Value(value="")],
}
DEFAULTS = {"n": -7, "x": 0.0, "word": None}


def settings(**more):
    mapping = {"url": "http://feast", "featureService": "trips_v1", "entities": ["driver_id"]}
    faults = Faults("features")
    read = feature_settings.read(
        {**mapping, "missing": "defaults", "defaults": DEFAULTS, **more}, faults
    )
    faults.raise_if_any()
    return read


def joined(document, binary=b"", *, features=FEATURES, expected=None, **more):
    """Return body and JSON length of a request with features."""
    head = json.dumps(document).encode()
    request = feature_tensors.read(head + binary, len(head) if binary else None)
    expected = expected or ExpectedInputs(tensors=TENSORS)
    return feature_tensors.with_features(request, features, settings(**more), expected)


def named(document, *, binary=b""):
    head = json.dumps(document).encode()
    request = feature_tensors.read(head + binary, len(head) if binary else None)
    return feature_tensors.entities(request, settings())


def test_features_are_tensors_of_the_models_types_and_shapes():
    body, length = joined({"id": "a", "inputs": [DRIVERS, HOURS]})
    assert length is None
    document = json.loads(body)
    assert document == {
        "id": "a",
        "inputs": [
            HOURS,
            {
                "name": "n",
                "datatype": "INT64",
                "shape": [3],
                "data": [2**60 + 1, -(2**60) - 3, -7],
            },
            {"name": "x", "datatype": "FP32", "shape": [3, 1], "data": [0.1, 3, -2.5]},
            {"name": "word", "datatype": "BYTES", "shape": [3], "data": ["서울", None, ""]},
        ],
    }


def test_a_server_reads_what_was_sent_in_binary_and_what_was_added():
    hours = {**HOURS, "parameters": {"binary_data_size": 24}}
    del hours["data"]
    drivers = {**DRIVERS, "datatype": "BYTES", "parameters": {"binary_data_size": 15}}
    del drivers["data"]
    texts = b"".join(struct.pack("<I", 1) + text for text in (b"7", b"8", b"9"))
    binary = texts + np.array([1, 2, 3], "<i8").tobytes()
    assert named({"inputs": [drivers, hours]}, binary=binary) == {"driver_id": ["7", "8", "9"]}
    body, length = joined({"inputs": [drivers, hours]}, binary, defaults={**DEFAULTS, "word": "?"})
    inputs = {
        "hour": Input(dtype=np.dtype("int64"), shape=(None,)),
        "n": Input(dtype=np.dtype("int64"), shape=(None,)),
        "x": Input(dtype=np.dtype("float32"), shape=(None, 1)),
        "word": Input(dtype=np.dtype(object), shape=(None,)),
    }
    feed = inference_v2.read(body, length, inputs, ["score"]).feed
    assert feed["hour"].tolist() == [1, 2, 3]
    assert feed["n"].tolist() == [2**60 + 1, -(2**60) - 3, -7]
    assert feed["x"].tolist() == np.array([[0.1], [3], [-2.5]], np.float32).tolist()
    assert feed["word"].tolist() == ["서울".encode(), b"?", b""]


def test_join_keys_that_the_model_takes_stay():
    body, _ = joined({"inputs": [DRIVERS]}, keepEntities=True)
    assert json.loads(body)["inputs"][0] == DRIVERS


@pytest.mark.parametrize(("tensors", "names"), [({}, "none"), ({"rows": TENSORS["x"]}, "'rows'")])
def test_a_model_that_has_no_such_input_gets_no_tensor_for_another(tensors, names):
    expected = ExpectedInputs(tensors=tensors)
    with pytest.raises(FeatureError, match=f"'n': no input of the model, .* tells {names}"):
        joined({"inputs": [DRIVERS]}, expected=expected)


def test_a_feature_of_lists_is_a_matrix():
    expected = ExpectedInputs(tensors={"list": Tensor(dtype="float64", shape=(None, 2))})
    values = {"list": [Value(value=[1, 2.5]), Value(value=[3, 4])]}
    body, _ = joined({"inputs": [DRIVERS]}, features=values, expected=expected)
    (tensor,) = json.loads(body)["inputs"]
    assert (tensor["datatype"], tensor["shape"]) == ("FP64", [2, 2])
    assert tensor["data"] == [1, 2.5, 3, 4]


def test_a_server_without_null_gets_what_stands_for_missing():
    nothing = [Value(why="missing")]
    features = {"n": nothing, "x": nothing, "word": nothing}
    expected = ExpectedInputs(tensors=TENSORS, takes_null=False)
    none = dict.fromkeys(DEFAULTS)
    body, _ = joined({"inputs": [DRIVERS]}, features=features, expected=expected, defaults=none)
    n, x, word = json.loads(body)["inputs"]
    assert (n["data"], str(x["data"]), word["data"]) == ([-(2**63)], "[nan]", [""])
    assert (n["shape"], x["shape"], word["shape"]) == ([1], [1, 1], [1])


def test_lists_of_different_lengths_are_no_tensor():
    features = {"list": [Value(value=[1, 2]), Value(value=[3])]}
    with pytest.raises(FeatureError, match="'list': has lists of 1 and of 2 values"):
        joined(
            {"inputs": [DRIVERS]},
            features=features,
            expected=ExpectedInputs(tensors={"list": TENSORS["x"]}),
        )


def test_a_column_of_keys_names_its_rows():
    column = {**DRIVERS, "shape": [3, 1], "data": [[7], [8.0], [None]]}
    assert named({"inputs": [column]}) == {"driver_id": [7, 8, None]}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "body: send"),
        ({"inputs": {"driver_id": [7]}}, "body: send"),
        ({"inputs": [HOURS]}, "send 'driver_id', a join key, as a tensor"),
        ({"inputs": [DRIVERS, DRIVERS]}, "driver_id.? is given twice"),
        ({"inputs": [{**DRIVERS, "shape": [2]}]}, r"3 values do not fit shape \[2\]"),
        ({"inputs": [{**DRIVERS, "shape": [1, 3]}]}, "a join key is one value a row"),
        ({"inputs": [{**DRIVERS, "shape": []}]}, "not a list of sizes"),
        ({"inputs": [{**DRIVERS, "data": [7, 8, 1.5]}]}, "row 2: driver_id=1.5 is no join key"),
        ({"inputs": [{**DRIVERS, "data": [True] * 3}]}, "row 0: driver_id=True is no join key"),
        ({"inputs": [{**DRIVERS, "data": 7}]}, "data 7: not a list"),
        ({"inputs": [{**DRIVERS, "parameters": {"binary_data_size": 8}}]}, "0 bytes follow"),
    ],
)
def test_a_request_that_names_no_rows_is_refused(document, why):
    with pytest.raises(RequestError, match=why):
        named(document)


def test_a_feature_that_the_client_sends_is_refused():
    sent = {**HOURS, "name": "n"}
    with pytest.raises(RequestError, match="'n': comes from the feature store; leave it out"):
        joined({"inputs": [DRIVERS, sent]})
