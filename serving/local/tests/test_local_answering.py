"""A predictor's HTTP side over real SavedModels, asked by kserve's own client codec."""

import asyncio
import json
import struct

import httpx
import kserve
import numpy as np
import pytest
import tensorflow as tf
from kserve import InferInput, InferRequest, InferResponse
from kserve.model_repository import ModelRepository
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.infer_type import RequestedOutput
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer

from kanaria.serving.local.answering import application, unreadable
from kanaria.serving.local.calls import Calls
from kanaria.serving.local.saved_model import SavedModel

Spec = tf.TensorSpec
LENGTH = "Inference-Header-Content-Length"


class Client:
    """A client of an application in this process; what that raises is raised here."""

    def __init__(self, app):
        self.app = app

    def request(self, method, path, **more):
        async def answer():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                return await client.request(method, path, **more)

        return asyncio.run(answer())

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, **more):
        return self.request("POST", path, **more)


def values(x):
    """One row an instance, but `names` and `total`; a negative x is a fault of the model's."""

    def fail():
        size = tf.strings.length(tf.io.read_file("/no/file"))
        return tf.fill(tf.shape(x), tf.cast(size, tf.float32))

    y = tf.cond(tf.reduce_any(x < 0), fail, lambda: x * 2)
    return {"y": y, "root": tf.sqrt(x) / tf.sqrt(x), "total": tf.reduce_sum(x)}


def texts(t):
    return {"same": t, "half_bytes": t, "first": t[0]}


def halves(h, b):
    return {"h": h, "b": b, "wide": tf.cast(h, tf.float32)}


def numbers(i, u, d, flag):
    return {"i": i, "u": u, "d": d, "no": tf.logical_not(flag)}


def looked_up(i):
    return {"price": tf.gather(tf.constant([0.25, 0.75]), i)}


MODELS = {
    "values": (values, [Spec([None], tf.float32, "x")]),
    "texts": (texts, [Spec([None], tf.string, "t")]),
    "halves": (halves, [Spec([None], tf.float16, "h"), Spec([None], tf.bfloat16, "b")]),
    "numbers": (
        numbers,
        [
            Spec([None], tf.int64, "i"),
            Spec([None], tf.uint64, "u"),
            Spec([None], tf.float64, "d"),
            Spec([None], tf.bool, "flag"),
        ],
    ),
    "lookedup": (looked_up, [Spec([None], tf.int64, "i")]),
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """A client of each model and protocol."""
    root = tmp_path_factory.mktemp("answering")
    found = {}
    for name, (function, specs) in MODELS.items():
        module = tf.Module()
        module.f = tf.function(function, input_signature=specs)
        tf.saved_model.save(module, str(root / name / "3"), signatures=module.f)
        model = SavedModel(name, root / name)
        for protocol in ("v1", "v2"):
            app = application(model, protocol, Calls())
            found[name, protocol] = Client(app)
    return found


@pytest.fixture
def predict(clients):
    def ask(model, body, **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = f"/v1/models/{model}:predict"
        return clients[model, "v1"].post(path, content=content, headers=headers)

    return ask


@pytest.fixture
def infer(clients):
    def ask(model, body, length=None, **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers |= {LENGTH: str(length)} if length is not None else {}
        path = f"/v2/models/{model}/infer"
        return clients[model, "v2"].post(path, content=content, headers=headers)

    return ask


def x(given=(1.0,), /, **more):
    """The tensor x; a member that is ... is left out."""
    tensor = {"name": "x", "datatype": "FP32", "shape": [len(given)], "data": list(given)}
    return {k: v for k, v in (tensor | more).items() if v is not ...}


def outputs(answer):
    return {o["name"]: (o["datatype"], o["shape"], o["data"]) for o in answer.json()["outputs"]}


# --- Both protocols


def test_overflow_and_no_number_are_seen_in_an_answer(predict, infer):
    """SeldonIO/MLServer#1747, openvinotoolkit/model_server#4337: neither null nor broken JSON."""
    body = predict("values", {"inputs": [0, 3e38, 2]})
    assert b'"y":[0.0,Infinity,4.0]' in body.content
    assert b'"root":[NaN,1.0,1.0]' in body.content
    body = infer("values", {"inputs": [x([0, 3e38])]})
    assert b'"data":[0.0,Infinity]' in body.content


def test_the_models_own_fault_is_500_and_nothing_is_raised(predict, infer):
    """What an application raises makes uvicorn close the connection behind the answer."""
    for answer in (predict("values", {"inputs": [-1]}), infer("values", {"inputs": [x([-1])]})):
        assert answer.status_code == 500
        assert "NotFoundError: '/no/file; No such file" in answer.json()["error"]


def test_what_the_model_refuses_is_the_clients_fault(predict):
    answer = predict("lookedup", {"instances": [7]})
    assert (answer.status_code, "7 is not in [0, 2)" in answer.json()["error"]) == (400, True)


def test_the_largest_numbers_come_back_exactly(predict, infer):
    row = {"i": -(2**63), "u": 2**64 - 1, "d": 0.1, "flag": True}
    found = predict("numbers", {"instances": [row, row | {"i": 2**53 + 1}]}).json()["predictions"]
    assert [one["i"] for one in found] == [-(2**63), 2**53 + 1]
    assert found[0] == {"i": -(2**63), "u": 2**64 - 1, "d": 0.1, "no": False}
    types = {"i": "INT64", "u": "UINT64", "d": "FP64", "flag": "BOOL"}
    tensors = [{"name": k, "datatype": types[k], "shape": [1], "data": [v]} for k, v in row.items()]
    found = outputs(infer("numbers", {"inputs": tensors}))
    assert (found["i"][2], found["u"][2]) == ([-(2**63)], [2**64 - 1])


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("Application/JSON; charset=UTF-8", 200),
        ('application/json;charset="utf8"', 200),
        ("text/plain", 200),
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=latin-1", 415),
        ("application/json; charset=none", 415),
    ],
)
def test_content_types_are_read_as_http_writes_them(predict, infer, content_type, code):
    """kserve/kserve#2524: parameters and case."""
    sent = {"content-type": content_type}
    assert predict("values", {"inputs": [1]}, **sent).status_code == code
    assert infer("values", {"inputs": [x()]}, **sent).status_code == code


def test_a_compressed_body_is_refused_by_name():
    assert "Content-Encoding 'gzip'" in unreadable("application/json", "gzip")
    assert unreadable("", "Identity") == unreadable("", "") == ""


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe{", "not UTF-8 at byte 0"),
        (b'{"instances": [1]} 2', "Extra data"),
        (b'{"instances": [1], "instances": [2]}', "key 'instances' is given twice"),
        (b'{"inputs": {"x": [1], "x": [2]}}', "key 'x' is given twice"),
        (b'{"instances": [1e400]}', "'1e400' is beyond the range of a double"),
        (b'{"instances": [%s]}' % (b"9" * 400), "beyond the range of float32"),
        (b'{"instances": [%s]}' % (b"9" * 5000), "limit"),
        (b'{"instances": ["\\ud800"]}', "'x'"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"instances": %s}' % (b"[" * 900 + b"]" * 900), "'x': shape"),
        (b'{"instances": [1], "inputs": [1]}', "not both"),
        (b'{"signature_name": null, "instances": [1]}', "signature_name None: unknown"),
        (b'{"instances": {"x": [1]}}', "instances: send"),
        (b'{"inputs": null}', "missing ['x']"),
        (b"[1]", "not a JSON object"),
    ],
)
def test_no_body_of_v1_is_a_fault_of_the_server(predict, body, fault):
    answer = predict("values", body)
    assert (answer.status_code, fault in answer.json()["error"]) == (400, True), answer.text


def test_deep_lists_of_texts_are_refused(predict):
    answer = predict("texts", b'{"instances": %s}' % (b"[" * 900 + b"]" * 900))
    assert (answer.status_code, "'t': shape" in answer.json()["error"]) == (400, True)


# --- V1


def test_an_output_that_has_no_row_is_given_by_columns_only(predict):
    """tensorflow/serving#1047, emedvedev/attention-ocr#116."""
    rows = predict("values", {"instances": [1, 2]})
    assert (rows.status_code, "output 'total' has shape []" in rows.json()["error"]) == (400, True)
    assert predict("values", {"inputs": [1, 2]}).json()["outputs"]["total"] == 3.0


def test_no_name_of_a_signature_is_the_defaults(predict):
    body = {"signature_name": "", "inputs": [2]}
    assert predict("values", body).json()["outputs"]["y"] == [4.0]


def test_a_text_keeps_its_last_zero_byte_and_bytes_are_base64(predict):
    found = predict("texts", {"inputs": ["a\0", {"b64": "/w=="}]}).json()["outputs"]
    assert found == {
        "same": ["a\0", {"b64": "/w=="}],
        "half_bytes": [{"b64": "YQA="}, {"b64": "/w=="}],
        "first": "a\0",
    }


def test_half_floats_have_no_json_in_v1(predict):
    answer = predict("halves", {"inputs": {"h": [1.5], "b": [2]}})
    assert (answer.status_code, "of type" in answer.json()["error"]) == (400, True)


# --- V2, against kserve's own codec


def test_binary_tensors_go_through_kserves_codec_both_ways(infer):
    """kserve/kserve#3685: FP16 in binary, outputs in the form that was asked for."""
    h = InferInput("h", [2], "FP16")
    h.set_data_from_numpy(np.array([1.5, -65504], np.float16))
    b = InferInput("b", [2], "BF16", parameters={"binary_data_size": 4})
    b._raw_data = struct.pack("<2H", 0x3FC0, 0xFF80)  # 1.5 and -Infinity; kserve knows no BF16.
    asked = [RequestedOutput("wide"), RequestedOutput("h", {"binary_data": True})]
    body, length = InferRequest("halves", [h, b], request_outputs=asked, request_id="7").to_rest()
    answer = infer("halves", body, length)
    assert answer.headers["content-type"] == "application/octet-stream"
    found = InferResponse.from_bytes(answer.content, int(answer.headers[LENGTH]))
    assert found.id == "7"
    assert [output.name for output in found.outputs] == ["wide", "h"]
    assert found.get_output_by_name("wide").data == [1.5, -65504.0]
    assert found.get_output_by_name("h").as_numpy().tolist() == [1.5, -65504.0]
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
    asked = [RequestedOutput(name, {"binary_data": True}) for name in ("first", "same")]
    body, length = InferRequest("texts", [t], request_outputs=asked).to_rest()
    answer = infer("texts", body, length)
    found = InferResponse.from_bytes(answer.content, int(answer.headers[LENGTH]))
    first, same = found.outputs
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


def test_a_scalar_and_an_empty_batch_have_shapes(infer):
    found = outputs(infer("values", {"inputs": [x([])], "outputs": None}))
    assert (found["y"], found["total"]) == (("FP32", [0], []), ("FP32", [], [0.0]))


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

    def predict(self, payload, headers=None, response_headers=None):
        y = payload.inputs[0].as_numpy() * np.float32(2)
        output = kserve.InferOutput("y", list(y.shape), "FP32")
        output.set_data_from_numpy(y, binary_data=False)
        response = kserve.InferResponse(
            payload.id or "1", self.name, [output], requested_outputs=payload.request_outputs
        )
        response._use_binary_outputs = payload.use_binary_outputs
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
    given = InferInput("x", [2], "FP32")
    given.set_data_from_numpy(np.array([1, np.inf], np.float32))
    asked = [RequestedOutput("y", {"binary_data": True})]
    body, length = InferRequest("values", [given], request_outputs=asked).to_rest()
    headers = {LENGTH: str(length), "content-type": "application/octet-stream"}
    theirs = kserves.post("/v2/models/values/infer", content=body, headers=headers)
    ours = infer("values", body, length)
    found = [
        InferResponse.from_bytes(a.content, int(a.headers[LENGTH])).outputs[0].as_numpy()
        for a in (theirs, ours)
    ]
    assert [one.tolist() for one in found] == [[2.0, np.inf]] * 2


# --- Paths


def test_nothing_but_predict_infer_metadata_and_readiness_is_served(clients):
    v2 = clients["values", "v2"]
    described = v2.get("/v2/models/values").json()
    assert described["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1]}]
    assert {"name": "total", "datatype": "FP32", "shape": []} in described["outputs"]
    assert described["versions"] == ["3"]
    assert v2.get("/v2/models/values/ready").json() == {"name": "values", "ready": True}
    assert v2.post("/v2/models/values/versions/3/infer", json={"inputs": [x()]}).is_success
    for path in (
        "/v2/repository/models/values/unload",
        "/v2/models/values/versions/4/infer",
        "/v2/models/other/infer",
        "/v1/models/values:predict",
        "/docs",
    ):
        assert v2.post(path, json={}).status_code == 404
    assert clients["values", "v1"].post("/v2/models/values/infer", json={}).status_code == 404
    assert v2.get("/v2/models/values/infer").status_code == 405
    assert v2.get("/v2/models/values/ready").is_success
