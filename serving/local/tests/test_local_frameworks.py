"""Models of scikit-learn, XGBoost and ONNX, served: the same bytes as KServe's own server."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnxruntime
import pytest
from framework_models import make_models
from onnx_bytes import logistic

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ModelServer, ServiceSpec
from kanaria.serving.protocol.annotation_names import REVISION_HEADER
from kanaria.serving.traffic.local_traffic import LocalTraffic

SECONDS = 240
PROBABILITIES = ({"name": "PREDICT_PROBA", "value": "true"},)
SERVICES = {
    "probabilities": ("sklearn", "sklearn", PROBABILITIES),
    "classes": ("sklearn", "sklearn", ()),
    "texts": ("texts", "sklearn", ()),
    "boosted": ("xgboost", "xgboost", ()),
}
"""Name -> folder of the model, format, environment."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_models(folder)
    return folder


@pytest.fixture(scope="module")
def peer(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = Path(__file__).with_name("kserve_peer.py")
    with (folder / "peer.log").open("w") as log:
        process = subprocess.Popen([sys.executable, script, folder, str(port)], stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def served(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTraffic]:
    with LocalTraffic(tmp_path_factory.mktemp("state")) as traffic:
        for name, (model, kind, environment) in SERVICES.items():
            for protocol in ("v1", "v2"):
                server = ModelServer(model_format=kind, protocol_version=protocol, env=environment)
                traffic.stage(build(spec(name, protocol, folder / model, server)))
        repository = folder / "repository"
        repository.mkdir()
        (repository / "triton-v2").symlink_to(folder / "onnx")
        server = ModelServer(model_format="onnx", protocol_version="v2")
        traffic.stage(build(spec("triton", "v2", repository, server)))
        yield traffic


def spec(name: str, protocol: str, model: Path, server: ModelServer) -> ServiceSpec:
    return ServiceSpec(name=f"{name}-{protocol}", storage_uri=str(model), server=server)


def url_of(traffic: LocalTraffic, service: str) -> str:
    deadline = time.monotonic() + SECONDS
    while True:
        status = traffic.observe("default", service)
        if status and status.latest_ready:
            return status.revision_urls[status.latest_ready]
        assert time.monotonic() < deadline, status
        assert not (status and status.failure), status
        time.sleep(0.05)


def post(url: str, body: str) -> httpx.Response:
    headers = {"content-type": "application/json"}
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return httpx.post(url, content=body, headers=headers, timeout=60)
        except httpx.ConnectError:  # The peer takes seconds to import.
            assert time.monotonic() < deadline
            time.sleep(0.2)


V1 = (
    '{"instances": [[1, 2, 3], [-0.5, 0.25, 1e-7]]}',
    '{"instances": [[1, null, 3]]}',
    '{"inputs": [[1.5, 2, -3]]}',
    '{"instances": [{"a": [1, 2], "b": [0, -1.5], "c": [null, 1]}]}',
)
ONE = '"inputs": [{"name": "any", "shape": [2, 3], "datatype": "FP32", "data": %s}]'
V2 = (
    '{"id": "7", %s}' % (ONE % "[1, 2, 3, -0.5, 0.25, 1e-7]"),
    '{"id": "7", %s}' % (ONE % "[[1, null, 3], [0, 0, 0]]"),
    '{"id": "7", "outputs": [{"name": "output-0"}], %s}' % (ONE % "[1, 2, 3, 4, 5, 6]"),
    '{"id": "7", "parameters": {"binary_data_output": true}, %s}' % (ONE % "[1, 2, 3, 4, 5, 6]"),
)


@pytest.mark.parametrize("name", ["probabilities", "classes", "boosted"])
def test_answers_are_those_of_kserves_server(served: LocalTraffic, peer: str, name: str):
    for protocol, bodies in (("v1", V1), ("v2", V2)):
        own = url_of(served, f"{name}-{protocol}")
        for body in bodies:
            if protocol == "v1":
                paths = f"/v1/models/{name}:predict", f"/v1/models/{name}-v1:predict"
            else:
                paths = f"/v2/models/{name}/infer", f"/v2/models/{name}-v2/infer"
            theirs, ours = post(peer + paths[0], body), post(own + paths[1], body)
            assert (theirs.status_code, ours.status_code) == (200, 200), (body, ours.text)
            expected = theirs.content.replace(f'"{name}"'.encode(), f'"{name}-v2"'.encode())
            assert ours.content == expected
            length = "inference-header-content-length"
            if length in theirs.headers:
                added = len(expected) - len(theirs.content)
                assert int(ours.headers[length]) == int(theirs.headers[length]) + added


def test_text_labels_are_answered_in_v1_alone_as_by_kserve(served: LocalTraffic, peer: str):
    body = '{"instances": [[3, 2, 3], [-5, -5, 0]]}'
    ours = post(f"{url_of(served, 'texts-v1')}/v1/models/texts-v1:predict", body)
    assert ours.content == post(f"{peer}/v1/models/texts:predict", body).content
    assert ours.json() == {"predictions": ["yes", "no"]}
    body = V2[0]
    ours = post(f"{url_of(served, 'texts-v2')}/v2/models/texts-v2/infer", body)
    assert ours.status_code == post(f"{peer}/v2/models/texts/infer", body).status_code == 500
    assert "serve it in V1" in ours.text


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('{"instances": [[1, 2]]}', "a row has 2 values; the model takes 3"),
        ('{"instances": [[1, 2, 3], [1]]}', "rows have different shapes"),
        ('{"instances": [1, 2, 3]}', "send [rows, features]"),
        ('{"instances": [[1, NaN, 3]]}', "send null"),
        ('{"instances": [{"a": 1, "b": 2, "c": 3}]}', "send a list a column"),
        ('{"instances": [[1, 2, "GOOGLE"]]}', "the model takes numbers"),
        ('{"instances": ["a text"]}', "the model takes numbers"),
        ('{"instances": []}', "at least one row"),
        ('{"rows": []}', "instances"),
        ("[", "not JSON"),
    ],
)
def test_a_request_that_does_not_fit_is_the_clients_fault(
    served: LocalTraffic, body: str, fault: str
):
    answer = post(f"{url_of(served, 'boosted-v1')}/v1/models/boosted-v1:predict", body)
    assert (answer.status_code, fault in answer.text) == (400, True), answer.text


def tensors(*pairs: tuple[str, list[Any]]) -> dict[str, Any]:
    return {
        "inputs": [
            {"name": name, "shape": [1, len(data)], "datatype": "FP32", "data": data}
            for name, data in pairs
        ]
    }


def test_a_second_tensor_is_not_left_out_without_a_word(served: LocalTraffic):
    url = f"{url_of(served, 'boosted-v2')}/v2/models/boosted-v2/infer"
    answer = httpx.post(url, json=tensors(("a", [1.0, 2.0, 3.0]), ("b", [1.0])), timeout=60)
    assert answer.status_code == 400
    assert "content_type" in answer.text


def test_an_onnx_model_is_served_by_the_names_and_types_of_triton(
    served: LocalTraffic, folder: Path
):
    url = f"{url_of(served, 'triton-v2')}/v2/models/triton-v2"
    session = onnxruntime.InferenceSession(folder / "onnx/1/model.onnx")
    (bare,) = session.run(None, {"X": np.array([[1.0, 2.0, 3.0]], np.float32)})
    answer = httpx.post(f"{url}/infer", json=tensors(("X", [1.0, 2.0, 3.0])), timeout=60)
    (output,) = answer.json()["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("score", "FP32", [1, 1])
    assert np.float32(output["data"][0]) == bare[0, 0]
    metadata = httpx.get(url, timeout=60).json()
    assert metadata["platform"] == "onnxruntime_onnx"
    assert metadata["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 3]}]
    wrong = tensors(("X", [1.0, 2.0, 3.0]))
    wrong["inputs"][0]["datatype"] = "FP64"
    answer = httpx.post(f"{url}/infer", json=wrong, timeout=60)
    assert (answer.status_code, "FP32" in answer.text) == (400, True)
    answer = httpx.post(f"{url}/infer", json=tensors(("X", [1.0])), timeout=60)
    assert answer.status_code == 400


def test_a_model_that_its_server_would_not_load_says_why(served: LocalTraffic, tmp_path: Path):
    server = ModelServer(model_format="onnx", protocol_version="v2")
    (tmp_path / "other/1").mkdir(parents=True)
    (tmp_path / "other/1/model.onnx").write_bytes(logistic([1.0], 0.0))
    served.stage(build(spec("misnamed", "v2", tmp_path, server)))
    deadline = time.monotonic() + SECONDS
    while not (status := served.observe("default", "misnamed-v2")) or not status.failure:
        assert time.monotonic() < deadline, status
        time.sleep(0.05)
    assert "put it into misnamed-v2/1/model.onnx" in status.failure.message


def test_requests_are_routed_and_marked_like_those_of_any_model(served: LocalTraffic):
    url = url_of(served, "boosted-v1").partition("/revisions/")[0]
    answer = post(f"{url}/v1/models/boosted-v1:predict", V1[0])
    assert answer.headers[REVISION_HEADER] == "boosted-v1-predictor-00001"
