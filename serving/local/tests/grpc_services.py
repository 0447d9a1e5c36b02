"""gRPC before real models, and under a canary; `test_local_grpc` runs this file."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx
import joblib
import numpy as np
import pytest
from framework_models import make_models
from local_server import Server
from one_machine import CANARY, STABLE, requests_to, stage
from one_machine import rollout as rolled_out
from open_inference.grpc import protocol
from open_inference.grpc.service import GRPCInferenceServiceStub
from sklearn.linear_model import LogisticRegression

from kanaria.serving.inference_service.service_spec import ModelServer
from kanaria.serving.protocol.tensors import CONTENTS, DTYPES, joined_values
from kanaria.serving.traffic.local_traffic import LocalTraffic

HERE = Path(__file__).parent
LENGTH = "Inference-Header-Content-Length"
SAME = """
import sys
import tensorflow as tf
types = {"i": tf.int64, "u": tf.uint64, "h": tf.float16, "f": tf.float32}
types |= {"b": tf.bool, "s": tf.string}
same = tf.function(
    lambda i, u, h, f, b, s: {"i": i, "u": u, "h": h, "f": f, "b": b, "s": s},
    input_signature=[tf.TensorSpec([None], one, name) for name, one in types.items()],
)
module = tf.Module()
module.same = same
tf.saved_model.save(module, sys.argv[1], signatures=same)
"""
VALUES = {
    "i": ("INT64", np.array([2**60 + 7, -(2**63)])),
    "u": ("UINT64", np.array([2**64 - 1, 2**60 + 1], np.uint64)),
    "h": ("FP16", np.array([65504, np.nan], np.float16)),
    "f": ("FP32", np.array([0.1, -np.inf], np.float32)),
    "b": ("BOOL", np.array([True, False])),
    "s": ("BYTES", np.array([b"\xff\0", "é".encode()], object)),
}
ROWS = {"input": ("FP32", np.array([[1, 2, np.nan], [-1, -2, 0.5]], np.float32))}
WHOLE = {"X": ("FP32", np.array([[1, 2, 3], [-1, -2, 0.5]], np.float32))}
PROBABILITIES = ({"name": "PREDICT_PROBA", "value": "true"},)
SERVICES = {
    "same": ("tensorflow", "same", (), VALUES),
    "classes": ("sklearn", "sklearn", (), ROWS),
    "probabilities": ("sklearn", "sklearn", PROBABILITIES, ROWS),
    "boosted": ("xgboost", "xgboost", (), ROWS),
    "triton": ("onnx", "repository", (), WHOLE),
}
"""Name -> format, folder of the model, environment, and what is asked."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    make_models(folder)
    command = [sys.executable, "-I", "-c", SAME, folder / "same/1"]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "repository").mkdir()
    (folder / "repository/triton").symlink_to(folder / "onnx")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory, folder):
    server = Server(tmp_path_factory.mktemp("state") / "serving", "--grpc-port", "0")
    with LocalTraffic(server.state) as traffic:
        for name, (kind, model, environment, _) in SERVICES.items():
            own = ModelServer(model_format=kind, protocol_version="v2", env=environment)
            stage(traffic, folder / model, name, server=own)
    yield server
    assert server.end(signal.SIGTERM) == 143


@pytest.fixture(scope="module")
def stub(server):
    with grpc.insecure_channel(server.grpc) as channel:
        yield GRPCInferenceServiceStub(channel)


def raw(values):
    return joined_values(values.flat) if values.dtype == object else values.tobytes()


def infer_request(name, tensors, *, is_raw):
    message = protocol.ModelInferRequest(model_name=name, id="mine")
    for key, (datatype, values) in tensors.items():
        one = message.inputs.add(name=key, datatype=datatype, shape=values.shape)
        if is_raw:
            message.raw_input_contents.append(raw(values))
        else:
            getattr(one.contents, CONTENTS[datatype]).extend(values.reshape(-1).tolist())
    return message


def over_http(url, name, tensors):
    """Return the outputs by V2's binary data: name -> datatype, shape, bytes."""
    tails = {key: raw(values) for key, (_, values) in tensors.items()}
    inputs = [
        {
            "name": key,
            "datatype": datatype,
            "shape": values.shape,
            "parameters": {"binary_data_size": len(tails[key])},
        }
        for key, (datatype, values) in tensors.items()
    ]
    head = json.dumps({"parameters": {"binary_data_output": True}, "inputs": inputs}).encode()
    answer = httpx.post(
        f"{url}/v2/models/{name}/infer",
        content=head + b"".join(tails.values()),
        headers={LENGTH: str(len(head))},
        timeout=None,
    )
    place = int(answer.headers[LENGTH])
    outputs = {}
    for one in json.loads(answer.content[:place])["outputs"]:
        size = one["parameters"]["binary_data_size"]
        outputs[one["name"]] = (one["datatype"], one["shape"], answer.content[place : place + size])
        place += size
    return outputs


def outputs_of(answer):
    """Return the outputs of a message in the same form."""
    outputs = {}
    for place, one in enumerate(answer.outputs):
        if answer.raw_output_contents:
            data = answer.raw_output_contents[place]
        else:
            values = np.array(
                list(getattr(one.contents, CONTENTS[one.datatype])), DTYPES[one.datatype]
            )
            data = raw(values)
        outputs[one.name] = (one.datatype, list(one.shape), data)
    return outputs


@pytest.mark.parametrize("name", SERVICES)
def test_answers_are_those_of_http_bit_for_bit(server, stub, name):
    tensors = SERVICES[name][-1]
    expected = over_http(server.url, name, tensors)
    answer = stub.ModelInfer(infer_request(name, tensors, is_raw=True))
    assert outputs_of(answer) == expected
    assert answer.id == "mine"
    typed = {key: one for key, one in tensors.items() if one[0] != "FP16"}
    if typed == tensors:
        answer = stub.ModelInfer(infer_request(name, tensors, is_raw=False))
        assert outputs_of(answer) == expected
        assert not answer.raw_output_contents


def test_what_is_told_of_server_and_model_is_what_http_tells(server, stub):
    assert stub.ServerLive(protocol.ServerLiveRequest()).live
    assert stub.ServerReady(protocol.ServerReadyRequest()).ready
    assert stub.ServerMetadata(protocol.ServerMetadataRequest()).name == "kanaria"
    metadata = stub.ModelMetadata(protocol.ModelMetadataRequest(name="same"))
    document = httpx.get(f"{server.url}/v2/models/same").json()
    assert (metadata.name, list(metadata.versions), metadata.platform) == (
        document["name"],
        document["versions"],
        document["platform"],
    )
    for part in ("inputs", "outputs"):
        assert [
            {"name": one.name, "datatype": one.datatype, "shape": list(one.shape)}
            for one in getattr(metadata, part)
        ] == document[part]
    for version, ready in (("", True), ("1", True)):
        question = protocol.ModelReadyRequest(name="same", version=version)
        assert stub.ModelReady(question).ready is ready
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelReady(protocol.ModelReadyRequest(name="same", version="9"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_one_version_and_some_outputs_are_asked_for_by_name(stub):
    message = infer_request("same", VALUES, is_raw=True)
    message.model_version = "1"
    message.outputs.add(name="s")
    message.outputs.add(name="i")
    answer = stub.ModelInfer(message)
    assert [one.name for one in answer.outputs] == ["s", "i"]
    assert list(answer.raw_output_contents) == [raw(VALUES["s"][1]), raw(VALUES["i"][1])]
    message.model_version = "2"
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(message)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.fixture(scope="module")
def peer(folder):
    """KServe's own server of the same models."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        ports = [str(one.getsockname()[1]) for one in (first, second)]
    with (folder / "peer.log").open("w") as log:
        command = [sys.executable, HERE / "kserve_peer.py", folder, *ports]
        process = subprocess.Popen(command, stderr=log)
    with grpc.insecure_channel(f"127.0.0.1:{ports[1]}") as channel:
        grpc.channel_ready_future(channel).result()
        yield GRPCInferenceServiceStub(channel)
    process.terminate()
    process.wait()


@pytest.mark.parametrize("name", ["classes", "probabilities", "boosted"])
@pytest.mark.parametrize("is_raw", [True, False])
def test_answers_are_the_bytes_of_kserves_own_server(stub, peer, name, is_raw):
    message = infer_request(name, ROWS, is_raw=is_raw)
    ours, theirs = (one.ModelInfer(message) for one in (stub, peer))
    assert ours.SerializeToString(deterministic=True) == theirs.SerializeToString(
        deterministic=True
    )


def test_kserves_own_client_is_answered(server, stub):
    whole = WHOLE["X"][1]
    command = [sys.executable, HERE / "kserve_client.py", server.grpc, "probabilities"]
    finished = subprocess.run(
        command, input=json.dumps(whole.tolist()), capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    answer = stub.ModelInfer(infer_request("probabilities", WHOLE, is_raw=False))
    values = np.array(answer.outputs[0].contents.fp64_contents).reshape(2, 2).tolist()
    assert json.loads(finished.stdout) == [["mine", values]] * 2


POLICY = """
steps:
  - {percent: 10, minimum_requests: 100, minimum_minutes: 0}
  - {percent: 50, minimum_requests: 100, minimum_minutes: 0}
warm_up: {minutes: 0, requests: 20}
gates: {latency: false}
"""


@contextmanager
def calls_to(stub, message):
    """Call from one client; count what each revision answered: its codes."""
    ended, answers = threading.Event(), Counter[tuple[str, grpc.StatusCode]]()

    def call():
        while not ended.is_set():
            try:
                _, done = stub.ModelInfer.with_call(message)
                metadata = dict(done.initial_metadata())
            except grpc.RpcError as error:
                done, metadata = error, dict(error.trailing_metadata())
            answers[metadata["x-kanaria-revision"], done.code()] += 1

    client = threading.Thread(target=call)
    client.start()
    try:
        yield answers
    finally:
        ended.set()
        client.join()


def test_a_canary_that_fails_over_grpc_alone_is_rolled_back(server, stub, folder, tmp_path):
    # Over gRPC come rows with a missing value, which this model cannot take.
    draw = np.random.default_rng(1).normal(size=(50, 3))
    (tmp_path / "bad").mkdir()
    model = LogisticRegression().fit(draw, draw[:, 0] > 0)
    joblib.dump(model, tmp_path / "bad/model.joblib")
    own, policy = ModelServer(model_format="sklearn", protocol_version="v2"), tmp_path / "policy"
    policy.write_text(POLICY)
    tensor = {"name": "input", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}
    url = f"{server.url}/v2/models/taxi/infer"
    with LocalTraffic(server.state) as traffic:
        stage(traffic, folder / "sklearn", server=own)
        stage(traffic, tmp_path / "bad", server=own)
        with (
            requests_to(url, lambda: ({"inputs": [tensor]}, {})) as over_http,
            calls_to(stub, infer_request("taxi", ROWS, is_raw=False)) as over_grpc,
        ):
            options = ("--policy", str(policy), "--interval", "1")
            done = rolled_out(server.state, "start", *options)
        status = traffic.observe("default", "taxi")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "harm, above all in errors" in done.stdout
    assert status is not None
    assert {one.revision: one.percent for one in status.traffic} == {CANARY: 0, STABLE: 100}
    assert over_http.keys() == {(STABLE, 200), (CANARY, 200)}
    failed, ok = grpc.StatusCode.INTERNAL, grpc.StatusCode.OK
    assert over_grpc.keys() == {(STABLE, ok), (CANARY, failed)}
    counted = httpx.get(f"{server.url}/metrics").text.splitlines()
    for revision, code, number in (
        (STABLE, 200, over_http[STABLE, 200] + over_grpc[STABLE, ok]),
        (CANARY, 200, over_http[CANARY, 200]),
        (CANARY, 500, over_grpc[CANARY, failed]),
    ):
        (line,) = (
            one
            for one in counted
            if one.startswith(f'kanaria_requests_total{{code="{code}"') and revision in one
        )
        assert float(line.split()[-1]) == number
