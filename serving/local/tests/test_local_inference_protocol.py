"""V2 over real SavedModels: kserve's own codec encodes and decodes, its own server is the peer."""

import json
import struct

import kserve
import numpy as np
import pytest
from kserve import InferInput, InferRequest, InferResponse
from kserve.model_repository import ModelRepository
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.infer_type import RequestedOutput
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer
from model_clients import LENGTH, Client, inferring, outputs, x


@pytest.fixture(scope="module")
def infer(tmp_path_factory):
    return inferring(tmp_path_factory.mktemp("v2"))


def test_binary_tensors_go_through_kserves_codec_both_ways(infer):
    """kserve/kserve#3685: FP16 in binary, outputs in the form that was asked for."""
    h = InferInput("h", [2], "FP16")
    h.set_data_from_numpy(np.array([1.5, -65504], np.float16))
    b = InferInput("b", [2], "BF16", parameters={"binary_data_size": 4})
    # 1.5 and -Infinity; kserve knows no BF16, and takes it no other way.
    b._raw_data = struct.pack("<2H", 0x3FC0, 0xFF80)  # noqa: SLF001
    requested = [RequestedOutput("wide"), RequestedOutput("h", {"binary_data": True})]
    body, length = InferRequest(
        "halves", [h, b], request_outputs=requested, request_id="7"
    ).to_rest()
    answer = infer("halves", body, length)
    assert answer.headers["content-type"] == "application/octet-stream"
    response = InferResponse.from_bytes(answer.content, int(answer.headers[LENGTH]))
    assert response.id == "7"
    assert [output.name for output in response.outputs] == ["wide", "h"]
    assert response.get_output_by_name("wide").data == [1.5, -65504.0]
    assert response.get_output_by_name("h").as_numpy().tolist() == [1.5, -65504.0]
    again = {"inputs": json.loads(body[:length])["inputs"], "outputs": [{"name": "b"}]}
    head = json.dumps(again | {"parameters": {"binary_data_output": True}}).encode()
    answer = infer("halves", head + body[length:], len(head))
    assert answer.content.endswith(struct.pack("<2H", 0x3FC0, 0xFF80))
    assert json.loads(answer.content[: int(answer.headers[LENGTH])])["outputs"] == [
        {"name": "b", "datatype": "BF16", "shape": [2], "parameters": {"binary_data_size": 4}}
    ]


def test_binary_texts_go_through_kserves_codec_both_ways(infer):
    t = InferInput("t", [3], "BYTES")
    t.set_data_from_numpy(np.array([b"a\0", b"", "ü".encode()], object))
    requested = [RequestedOutput(name, {"binary_data": True}) for name in ("first", "same")]
    body, length = InferRequest("texts", [t], request_outputs=requested).to_rest()
    answer = infer("texts", body, length)
    response = InferResponse.from_bytes(answer.content, int(answer.headers[LENGTH]))
    first, same = response.outputs
    assert (first.shape, first.data) == ([], ["a\0"])
    assert (same.shape, same.data) == ([3], ["a\0", "", "ü"])


def test_bytes_that_are_no_text_are_answered_in_binary_only(infer):
    value = b"\xff\0"
    packed = struct.pack("<I", len(value)) + value
    size = {"binary_data_size": len(packed)}
    tensor = {"name": "t", "datatype": "BYTES", "shape": [1], "parameters": size}
    head = json.dumps({"inputs": [tensor]}).encode()
    refused = infer("texts", head + packed, len(head))
    assert (refused.status_code, "no UTF-8; ask for it with" in refused.json()["error"]) == (
        400,
        True,
    )
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    assert infer("texts", head + packed, len(head)).content.endswith(packed * 3)


def test_half_floats_have_no_json_in_v2(infer):
    """triton-inference-server/server#5960."""
    tensors = [
        {"name": name, "datatype": kind, "shape": [1], "data": [1.5]}
        for name, kind in (("h", "FP16"), ("b", "BF16"))
    ]
    answer = infer("halves", {"inputs": tensors})
    assert (answer.status_code, "FP16 has no JSON" in answer.json()["error"]) == (400, True)


def test_only_the_outputs_that_are_asked_for_come_and_the_id_comes_back(infer):
    """kserve/kserve#3019, and #3094: an answer always has an id."""
    answer = infer("values", {"id": "ü", "inputs": [x()], "outputs": [{"name": "y"}]})
    assert answer.json() == {
        "model_name": "values",
        "model_version": "3",
        "id": "ü",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [1], "data": [2.0]}],
    }
    unnamed = infer("values", {"id": None, "parameters": None, "inputs": [x(parameters=None)]})
    assert unnamed.json()["id"]
    assert sorted(outputs(unnamed)) == ["root", "total", "y"]


def test_an_output_of_a_type_that_the_protocol_lacks_is_left_to_those_who_do_not_want_it(infer):
    refused = infer("waves", {"inputs": [x()]})
    assert refused.status_code == 400
    assert "output 'wave' is of type complex64" in refused.json()["error"]
    response = infer("waves", {"inputs": [x()], "outputs": [{"name": "size"}]})
    assert outputs(response) == {"size": ("INT32", [], [1])}


def test_a_scalar_and_an_empty_batch_have_shapes(infer):
    by_name = outputs(infer("values", {"inputs": [x([])], "outputs": None}))
    assert (by_name["y"], by_name["total"]) == (("FP32", [0], []), ("FP32", [], [0.0]))


@pytest.mark.parametrize(
    ("tensors", "more", "fault"),
    [
        ([x(datatype="INT32", data=[1])], {}, "'x': datatype 'INT32'; the model takes FP32"),
        ([x(datatype=5)], {}, "datatype 5"),
        ([x(datatype=...)], {}, "datatype None"),
        ([x(shape="-1")], {}, "shape '-1'"),
        ([x(shape=[-1])], {}, "shape [-1]"),
        ([x(shape=[True])], {}, "shape [True]"),
        ([x(shape=[1.0])], {}, "shape [1.0]"),
        ([x(shape=[2])], {}, "1 values do not fit shape [2]"),
        ([x([], shape=[0, 2**62])], {}, "'x': shape [0, "),
        ([x(shape=[1] * 100)], {}, "'x': shape [1, "),
        ([x(data=[[1.0], [2.0, 3.0]])], {}, "different shapes"),
        ([x(data="1")], {}, "data '1': not a list"),
        ([x(data=[True])], {}, "True is not of type float32"),
        ([x(data=["1"])], {}, "'1' is not of type float32"),
        ([x(data=[1e39])], {}, "1e+39 is beyond the range"),
        ([x(data=[None])], {}, "null, but the model requires a value"),
        ([x(data=[{"b64": "AA=="}])], {}, "an object among the data"),
        ([x(data=...)], {}, "'x': no data"),
        ([x(parameters={"binary_data_size": 4})], {}, "send one of them"),
        ([x(data=..., parameters={"binary_data_size": 4})], {}, "but 0 bytes follow"),
        ([x(parameters=[])], {}, "parameters []"),
        ([x(), x()], {}, "one is given twice"),
        ([x(), x(name="z")], {}, "unknown ['z']"),
        ([5], {}, "input 5: no object with a name"),
        ([], {}, "missing ['x']"),
        (None, {}, "send {"),
        ([x()], {"id": 7}, "id 7"),
        ([x()], {"outputs": [{"name": "z"}]}, "output 'z': unknown; there are"),
        ([x()], {"outputs": [{"name": "y"}] * 2}, "asked for twice"),
        ([x()], {"outputs": "y"}, "outputs 'y': not a list"),
        ([x()], {"outputs": [{"name": "y", "parameters": {"binary_data": 1}}]}, "true or false"),
        ([x()], {"parameters": {"binary_data_output": "no"}}, "true or false"),
    ],
)
def test_no_body_of_v2_is_a_fault_of_the_server(infer, tensors, more, fault):
    """SeldonIO/seldon-core#5188, triton-inference-server/server#1649, kserve/kserve#2746."""
    answer = infer("values", {"inputs": tensors} | more)
    assert (answer.status_code, fault in answer.json()["error"]) == (400, True), answer.text


@pytest.mark.parametrize(
    ("size", "length", "fault"),
    [
        (4, None, "1 values do not fit shape [2]"),
        (7, None, "7 bytes are no whole values of float32"),
        (12, None, "but 8 bytes follow"),
        (-1, None, "binary_data_size -1"),
        (True, None, "binary_data_size True"),
        ("8", None, "binary_data_size '8'"),
        (8, "-1", "not a number of bytes"),
        (8, "1e3", "not a number of bytes"),
        (8, "99999", "the body has"),
        (8, "0", "not JSON"),
    ],
)
def test_binary_data_that_contradicts_itself_is_the_clients_fault(infer, size, length, fault):
    head = {"inputs": [x(data=..., shape=[2], parameters={"binary_data_size": size})]}
    text = json.dumps(head).encode()
    answer = infer("values", text + bytes(8), length or len(text))
    assert (answer.status_code, fault in answer.json()["error"]) == (400, True), answer.text


def test_binary_texts_that_are_cut_off_are_the_clients_fault(infer):
    for data in (b"\x09\0\0\0ab", b"\1\0"):
        size = {"binary_data_size": len(data)}
        tensor = {"name": "t", "datatype": "BYTES", "shape": [1], "parameters": size}
        head = json.dumps({"inputs": [tensor]}).encode()
        answer = infer("texts", head + data, len(head))
        assert (answer.status_code, "cut off" in answer.json()["error"]) == (400, True)


# --- Beside kserve's own server


class Echo(kserve.Model):
    """A model of kserve's that doubles x."""

    def predict(self, payload, _headers=None, _response_headers=None):
        y = payload.inputs[0].as_numpy() * np.float32(2)
        output = kserve.InferOutput("y", list(y.shape), "FP32")
        output.set_data_from_numpy(y, binary_data=False)
        response = kserve.InferResponse(
            payload.id or "1", self.name, [output], requested_outputs=payload.request_outputs
        )
        # Its own servers set it so.
        response._use_binary_outputs = payload.use_binary_outputs  # noqa: SLF001
        return response


@pytest.fixture(scope="module")
def kserves():
    """A client of kserve's REST server."""
    models = ModelRepository()
    model = Echo("values")
    model.ready = True
    models.update(model)
    plane = DataPlane(model_registry=models)
    server = RESTServer("", plane, ModelRepositoryExtension(models), 0)
    server.create_application()
    return Client(kserve.model_server.app)


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [x([1, 2.5])], "outputs": [{"name": "y"}], "id": "a"},
        {"inputs": [x([])], "outputs": [{"name": "y"}]},
        {"inputs": [x(datatype="fp32")], "outputs": [{"name": "y"}]},
        {"inputs": [x(data=[[1.0]])], "outputs": [{"name": "y"}]},
        {"inputs": [x(parameters=None)], "parameters": None, "outputs": [{"name": "y"}]},
    ],
)
def test_answers_are_those_of_kserves_server(kserves, infer, body):
    theirs = kserves.post("/v2/models/values/infer", json=body)
    assert theirs.status_code == 200, theirs.text
    assert outputs(infer("values", body)) == outputs(theirs)


def test_binary_answers_are_those_of_kserves_server(kserves, infer):
    tensor = InferInput("x", [2], "FP32")
    tensor.set_data_from_numpy(np.array([1, np.inf], np.float32))
    requested = [RequestedOutput("y", {"binary_data": True})]
    body, length = InferRequest("values", [tensor], request_outputs=requested).to_rest()
    headers = {LENGTH: str(length), "content-type": "application/octet-stream"}
    theirs = kserves.post("/v2/models/values/infer", content=body, headers=headers)
    ours = infer("values", body, length)
    arrays = [
        InferResponse.from_bytes(a.content, int(a.headers[LENGTH])).outputs[0].as_numpy()
        for a in (theirs, ours)
    ]
    assert [one.tolist() for one in arrays] == [[2.0, np.inf]] * 2
