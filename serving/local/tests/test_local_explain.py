"""`:explain` of local serving, with a real predictor behind it."""

import json
import signal
import subprocess
import sys
from itertools import product
from pathlib import Path

import framework_releases
import httpx
import numpy as np
import pytest
import xgboost
import yaml
from local_server import Server, until
from shapley_by_definition import shapley

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ModelServer, PayloadLog, ServiceSpec
from kanaria.serving.local.predictor.predictor_runner import free_port

MODEL = """
import sys
import tensorflow as tf
from tensorflow import TensorSpec as Spec

class Fares(tf.Module):
    @tf.function(input_signature=[
        Spec([None, 1], tf.float32, "miles"), Spec([None], tf.int64, "hour"),
        Spec([None], tf.string, "way")])
    def fare(self, miles, hour, way):
        known = tf.where(tf.math.is_nan(miles), 4.0, miles)[:, 0]
        night = tf.cast(hour > 20, tf.float32)
        cash = tf.cast(way == "cash", tf.float32)
        fare = known * (2.0 + night) + 3.0 * cash * night
        return {"fare": fare, "shares": tf.stack([fare / 100.0, 1.0 - fare / 100.0], axis=1)}

    @tf.function(input_signature=[])
    def kanaria_optional_inputs(self):
        return tf.constant(["miles"])

model = Fares()
tf.saved_model.save(model, sys.argv[1], signatures=model.fare)
"""
NAMES = ("miles", "hour", "way")
BACKGROUND = [[1.5, 9, "card"], [float("nan"), 22, "cash"], [7.0, 23, "card"], [0.5, 3, ""]]


def fare(row):
    miles, hour, way = row
    miles = 4.0 if miles is None or miles != miles else miles
    return miles * (2.0 + (hour > 20)) + 3.0 * (way == "cash") * (hour > 20)


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    command = [sys.executable, "-c", MODEL, str(folder / "model" / "1")]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "serving_samples").mkdir()
    rows = [dict(zip(NAMES, row, strict=True)) for row in BACKGROUND]
    lines = [json.dumps({**row, "miles": [row["miles"]]}) + "\n" for row in rows]
    (folder / "serving_samples" / "background.jsonl").write_text("".join(lines))
    return folder


@pytest.fixture(scope="module")
def frameworks(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("frameworks")
    framework_releases.boosted(folder / "boosted")
    framework_releases.classifier(folder / "sorted")
    framework_releases.onnx(folder / "counted", "counted")
    return folder


def of_frameworks(folder: Path) -> list[ServiceSpec]:
    """Return services of releases: of a matrix in V1 and in V2, and of named tensors in V2."""
    probabilities = ({"name": "PREDICT_PROBA", "value": "true"},)
    servers = {
        "boosted": ModelServer(model_format="xgboost"),
        "sorted": ModelServer(model_format="sklearn", protocol_version="v2", env=probabilities),
        "counted": ModelServer(model_format="onnx", protocol_version="v2"),
    }
    return [
        ServiceSpec(name=name, storage_uri=str(folder / name / "model"), server=server)
        for name, server in servers.items()
    ]


@pytest.fixture(scope="module")
def sink_free_server(tmp_path_factory, release, models, frameworks):
    """Services: `fares`, whose requests are logged to a port that nobody answers, and others."""
    state = tmp_path_factory.mktemp("state")
    logged = PayloadLog(url="http://127.0.0.1:9/")
    fares = ServiceSpec(name="fares", storage_uri=str(release / "model"), log=logged)
    bare = ServiceSpec(name="bare", storage_uri=str(models / "plain"))
    manifests = state / "services.yaml"
    others = [*of_frameworks(frameworks), bare]
    manifests.write_text(yaml.safe_dump_all(map(build, [fares, *others])))
    server = Server(state, manifests)
    until(lambda: all(server.ready(spec.name) for spec in [fares, *others]))
    yield server
    server.end(signal.SIGTERM)


def explain(server, rows, **parameters):
    body = {"instances": rows, **({"parameters": parameters} if parameters else {})}
    return server.post("/v1/models/fares:explain", body)


ROWS = [{"miles": [9.0], "hour": 21, "way": "cash"}, {"miles": [2.0], "hour": 22, "way": "card"}]
PLAIN = [[9.0, 21, "cash"], [2.0, 22, "card"]]


def test_each_instance_is_shared_out_as_by_definition(sink_free_server):
    answer = explain(sink_free_server, ROWS, output="fare")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    predicted = sink_free_server.post("/v1/models/fares:predict", {"instances": ROWS}).json()
    assert document["predictions"] == predicted["predictions"]
    for row, explanation in zip(PLAIN, document["explanations"], strict=True):
        base, values = shapley(BACKGROUND, row, fare)
        assert explanation["base_value"] == pytest.approx(base, abs=1e-5)
        named = dict(zip(NAMES, values, strict=True))
        assert explanation["shap_values"] == pytest.approx(named, abs=1e-5)
        total = explanation["base_value"] + sum(explanation["shap_values"].values())
        assert total == pytest.approx(explanation["prediction"], abs=1e-6)
        assert explanation["prediction"] == pytest.approx(fare(row), abs=1e-5)
        assert explanation["explained"] == "output fare, as the model answers it"
    assert answer.headers["X-Kanaria-Revision"] == "fares-predictor-00001"


def check_shares(shares, names, background, row, answer):
    base, values = shapley(background, row, answer)
    assert shares["prediction"] == pytest.approx(answer(row), abs=1e-6)
    assert shares["base_value"] == pytest.approx(base, abs=1e-5)
    named = dict(zip(names, values, strict=True))
    assert shares["shap_values"] == pytest.approx(named, abs=1e-5)
    total = shares["base_value"] + sum(shares["shap_values"].values())
    assert total == pytest.approx(shares["prediction"], abs=1e-6)


def test_a_matrix_without_names_is_explained_by_its_features(sink_free_server, tmp_path):
    booster, rows = framework_releases.boosted(tmp_path), framework_releases.ROWS

    def answer(row):
        matrix = np.array([row], np.float32)
        return float(booster.predict(xgboost.DMatrix(matrix))[0])

    # Names in another order than the matrix has them, and one that is missing.
    body = {"instances": [{"card": 0, "miles": 6.5}, {"fare": 12.5, "card": 1, "miles": 0.25}]}
    answered = sink_free_server.post("/v1/models/boosted:explain", body)
    assert answered.status_code == 200, answered.text
    plain = [[6.5, np.nan, 0], [0.25, 12.5, 1]]
    for shares, row in zip(answered.json()["explanations"], plain, strict=True):
        check_shares(shares, framework_releases.FEATURES, rows.tolist(), row, answer)


def test_a_row_of_a_matrix_may_be_a_list_as_in_a_request_for_predictions(sink_free_server):
    url = "/v1/models/boosted:explain"
    by_name = {"instances": [{"card": 0, "miles": 6.5, "fare": None}]}
    by_place = {"instances": [[6.5, None, 0]]}
    wanted = sink_free_server.post(url, by_name).json()["explanations"]
    assert sink_free_server.post(url, by_place).json()["explanations"] == wanted
    refused = sink_free_server.post(url, {"instances": [[6.5, None]]})
    assert refused.status_code == 400
    assert "2 values; send those of ['miles', 'fare', 'card']" in refused.json()["error"]


def test_a_predictor_of_v2_is_explained_class_by_class(sink_free_server, tmp_path):
    model, rows = framework_releases.classifier(tmp_path), np.nan_to_num(framework_releases.ROWS)
    row = [2.5, 6.0, 1.0]
    body = {"instances": [dict(zip(framework_releases.FEATURES, row, strict=True))]}
    url = "/v1/models/sorted:explain"
    for column in range(3):
        answered = sink_free_server.post(url, {**body, "parameters": {"column": column}})
        (shares,) = answered.json()["explanations"]

        def answer(row, column=column):
            return float(model.predict_proba([row])[0, column])

        check_shares(shares, framework_releases.FEATURES, rows.tolist(), row, answer)
    assert answered.json()["predictions"] == pytest.approx(model.predict_proba([row]))


def test_tensors_by_name_keep_their_types(sink_free_server):
    body = {"instances": [{"count": 7, "amount": [2.5]}], "parameters": {"output": "total"}}
    answered = sink_free_server.post("/v1/models/counted:explain", body)
    assert answered.status_code == 200, answered.text
    assert answered.json()["predictions"] == [{"label": [7], "total": [9.5]}]
    (shares,) = answered.json()["explanations"]
    background = [[n, 1.5 * n] for n in range(4)]
    check_shares(shares, ("count", "amount"), background, [7, 2.5], sum)


def test_one_value_may_stand_in_a_list_or_alone(sink_free_server):
    alone = [{"miles": 9.0, "hour": [21], "way": ["cash"]}]
    explanations = explain(sink_free_server, alone, output="fare").json()["explanations"]
    assert explanations == explain(sink_free_server, ROWS[:1], output="fare").json()["explanations"]


@pytest.mark.parametrize(
    ("explainer", "link"), [*product(["exact", "permutation"], ["identity", "logit"])]
)
def test_what_is_told_adds_up_with_the_others(sink_free_server, explainer, link):
    answer = explain(
        sink_free_server,
        ROWS,
        output="shares",
        column=1,
        top_k=1,
        explainer=explainer,
        link=link,
        max_evals=16,
    )
    for shares in answer.json()["explanations"]:
        assert len(shares["shap_values"]) == 1
        total = shares["base_value"] + sum(shares["shap_values"].values()) + shares["others"]
        assert total == pytest.approx(shares["prediction"], abs=1e-6)
        assert shares["explainer"] == explainer


def test_explanations_are_neither_counted_nor_logged(sink_free_server):
    def counted():
        lines = httpx.get(f"{sink_free_server.url}/metrics").text.splitlines()
        return [line for line in lines if "fares" in line and not line.startswith("#")]

    before = counted()
    assert explain(sink_free_server, ROWS, output="fare").status_code == 200
    assert explain(sink_free_server, [{"word": 1}]).status_code == 400
    assert counted() == before
    sink_free_server.post("/v1/models/fares:predict", {"instances": ROWS})
    assert counted() != before


@pytest.mark.parametrize(
    ("rows", "parameters", "code", "message"),
    [
        ([], {}, 400, "instances: send"),
        (ROWS, {}, 400, "output='': name one of: fare, shares"),
        (ROWS, {"output": "shares"}, 400, "column=-1: the output has 2 values a row; use 0 to 1"),
        (ROWS, {"output": "fare", "class": 1}, 400, "parameters.class=1: no such key"),
        (ROWS, {"output": "fare", "max_evals": 999}, 400, "this server allows up to 512"),
        (ROWS, {"output": "fare", "max_evals": 3}, 400, "max_evals=3: use 7 or more for 3"),
        (ROWS, {"output": "fare", "link": "logit"}, 400, "whose log-odds are infinite or none"),
        ([{"mile": 1}], {"output": "fare"}, 400, "['mile'] are no inputs"),
        ([{"miles": ["a"], "hour": 1, "way": ""}], {"output": "fare"}, 400, "the predictor: "),
        (ROWS * 51, {"output": "fare"}, 400, "102 rows; send up to 100"),
    ],
)
def test_what_cannot_be_explained_is_told(sink_free_server, rows, parameters, code, message):
    answer = explain(sink_free_server, rows, **parameters)
    assert answer.status_code == code, answer.text
    assert message in answer.json()["error"]


def test_a_model_without_a_background_says_what_is_missing(sink_free_server):
    answer = sink_free_server.post("/v1/models/bare:explain", {"instances": [{"x": [1.0]}]})
    assert answer.status_code == 503
    assert "no rows to compare with; push the release again" in answer.json()["error"]


def test_other_methods_services_and_protocols_are_refused(sink_free_server):
    url = sink_free_server.url
    assert httpx.get(f"{url}/v1/models/fares:explain").status_code == 405
    assert httpx.post(f"{url}/v1/models/nobody:explain", json={}).status_code == 404
    assert httpx.post(f"{url}/v2/models/fares:explain", json={}).status_code == 404


def requests_of(server, service):
    """How many requests a service's users sent, as the router counted them."""
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    counts = [line for line in lines if line.startswith("kanaria_requests_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in counts if f'"{service}"' in line)


def test_the_explainer_of_a_cluster_tells_the_same_by_one_request_an_instance(
    sink_free_server, release
):
    """KServe starts it so; this machine's server stands for the predictor's host."""
    here = explain(sink_free_server, ROWS, output="fare").json()
    port, host = free_port(), sink_free_server.url.removeprefix("http://")
    command = [sys.executable, "-m", "kanaria.serving.explainer", "--model_name", "fares"]
    command += [f"--background={release / 'serving_samples'}", "--predictor_host", host]
    process = subprocess.Popen([*command, "--http_port", str(port), "--workers", "1"])
    try:
        until(lambda: answers(port))
        before = requests_of(sink_free_server, "fares")
        body = {"instances": ROWS, "parameters": {"output": "fare"}}
        there = httpx.post(
            f"http://127.0.0.1:{port}/v1/models/fares:explain", json=body, timeout=None
        ).json()
        assert there == here
        assert requests_of(sink_free_server, "fares") == before + len(ROWS)
    finally:
        process.terminate()
        assert process.wait() == 143


def answers(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/v1/models/fares").status_code == 200
    except httpx.TransportError:
        return False
