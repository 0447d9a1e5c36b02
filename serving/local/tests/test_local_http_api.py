"""A predictor's HTTP side over real SavedModels."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_clients import MODELS, Client, inferring, outputs, predicting, saved, x

from kanaria.serving.local.predictor.http_api import application
from kanaria.serving.local.predictor.model_calls import THREADS, Calls
from kanaria.serving.protocol.content_type import unreadable


@pytest.fixture(scope="module")
def predict(tmp_path_factory):
    return predicting(tmp_path_factory.mktemp("v1"))


@pytest.fixture(scope="module")
def infer(tmp_path_factory):
    return inferring(tmp_path_factory.mktemp("v2"))


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


def test_a_fault_is_logged_with_the_id_of_its_request(predict, caplog):
    predict("values", {"inputs": [-1]}, **{"X-Request-Id": "order-7"})
    assert [record.request_id for record in caplog.records] == ["order-7"]


def test_what_the_model_refuses_is_the_clients_fault(predict):
    answer = predict("lookedup", {"instances": [7]})
    assert (answer.status_code, "7 is not in [0, 2)" in answer.json()["error"]) == (400, True)


def test_the_largest_numbers_come_back_exactly(predict, infer):
    row = {"i": -(2**63), "u": 2**64 - 1, "d": 0.1, "flag": True}
    predictions = predict("numbers", {"instances": [row, row | {"i": 2**53 + 1}]}).json()[
        "predictions"
    ]
    assert [one["i"] for one in predictions] == [-(2**63), 2**53 + 1]
    assert predictions[0] == {"i": -(2**63), "u": 2**64 - 1, "d": 0.1, "no": False}
    types = {"i": "INT64", "u": "UINT64", "d": "FP64", "flag": "BOOL"}
    tensors = [{"name": k, "datatype": types[k], "shape": [1], "data": [v]} for k, v in row.items()]
    predictions = outputs(infer("numbers", {"inputs": tensors}))
    assert (predictions["i"][2], predictions["u"][2]) == ([-(2**63)], [2**64 - 1])


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


@given(st.text(st.characters(max_codepoint=255)))
def test_any_content_type_is_taken_or_refused(parameter):
    assert unreadable(f"application/json; charset={parameter}", "")[:8] in ("", "charset ")


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
    predictions = predict("texts", {"inputs": ["a\0", {"b64": "/w=="}]}).json()["outputs"]
    assert predictions == {
        "same": ["a\0", {"b64": "/w=="}],
        "half_bytes": [{"b64": "YQA="}, {"b64": "/w=="}],
        "first": "a\0",
    }


def test_half_floats_have_no_json_in_v1(predict):
    answer = predict("halves", {"inputs": {"h": [1.5], "b": [2]}})
    error = answer.json()["error"]
    assert (answer.status_code, "input 'b' is of type bfloat16" in error) == (400, True), error


# --- Paths


def test_nothing_but_predict_infer_metadata_and_readiness_is_served(tmp_path):
    model = saved(tmp_path / "values", *MODELS["values"])
    v1, v2 = (Client(application(model, protocol, Calls())) for protocol in ("v1", "v2"))
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
    assert v1.post("/v2/models/values/infer", json={}).status_code == 404
    assert v2.get("/v2/models/values/infer").status_code == 405
    assert v2.get("/v2/models/values/ready").is_success


def test_a_predictor_whose_threads_are_all_stuck_is_not_ready(tmp_path):
    model = saved(tmp_path / "prices", *MODELS["lookedup"])
    calls, gate = Calls(stuck_seconds=0.0), threading.Event()
    client = Client(application(model, "v2", calls))
    running = threading.Barrier(THREADS + 1)

    def stuck():
        running.wait()
        gate.wait()

    threads = [
        threading.Thread(target=lambda: asyncio.run(calls.run(stuck))) for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    running.wait()
    while client.get("/v2/models/prices/ready").is_success:
        pass
    assert client.get("/v1/models/prices").status_code == 503
    gate.set()
    for thread in threads:
        thread.join()
    assert client.get("/v1/models/prices").json() == {"name": "prices", "ready": True}
