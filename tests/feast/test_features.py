"""From a feature store to predictions: the real Feast, the real steps, the real local server."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
import yaml
from kfp import compiler, dsl
from local_server import Server, until
from open_inference.grpc import protocol
from open_inference.grpc.service import GRPCInferenceServiceStub

from kanaria.components import ingest_data, join_features, materialize_features
from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.features import feature_settings
from kanaria.serving.inference_service import service_manifest, service_mapping
from kanaria.serving.protocol.tensors import cut_values

ROOT = Path(__file__).parents[2]
FEAST = ROOT / ".venv/feast/bin"
KANARIA = Path(sys.executable).with_name("kanaria")
MOMENT = "2026-01-04T00:00:00Z"


@dsl.pipeline(name="features")
def features(entity_rows: str, feature_repo: str, until: str):
    join = join_features(
        entity_rows=entity_rows,
        feature_repo=feature_repo,
        feature_service="trips_v2",
    ).set_caching_options(False)
    ingest_data(data=join.outputs["data"], splits="all=1")
    materialize_features(feature_repo=feature_repo, until=until).set_caching_options(False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the pipeline has run, with the repository in `repo`."""
    folder = tmp_path_factory.mktemp("features")
    make = [FEAST / "python", "-I", Path(__file__).with_name("make_feature_repo.py")]
    subprocess.run([*make, folder / "repo"], check=True)
    compiler.Compiler().compile(features, str(folder / "features.yaml"))
    values = {
        "entity_rows": folder / "repo/entities.parquet",
        "feature_repo": folder / "repo",
        "until": MOMENT,
    }
    command = [KANARIA, "run", folder / "features.yaml", "--root", folder / "root"]
    for name, value in values.items():
        command += ["--set", f"{name}={value}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def training_rows(folder: Path) -> dict[int, dict[str, Any]]:
    """Join key -> the row that ingest_data wrote."""
    (rows,) = (folder / "root").rglob("split=all/part-*.parquet")
    # What serves has no Arrow.
    read = "json.dumps(pyarrow.parquet.read_table(sys.argv[1]).to_pylist())"
    code = f"import sys, json, pyarrow.parquet; print({read})"
    python = [FEAST / "python", "-I", "-c", code, rows]
    done = subprocess.run(python, capture_output=True, check=True, text=True)
    return {row["driver_id"]: row for row in json.loads(done.stdout)}


@contextmanager
def process(log: Path, *command: object) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        running = subprocess.Popen([str(part) for part in command], stdout=output, stderr=output)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(30)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def feature_server(folder: Path) -> Iterator[str]:
    port = free_port()
    serve = ("serve", "-h", "127.0.0.1", "-p", port)
    with process(folder / "feast.log", FEAST / "feast", "-c", folder / "repo", *serve):
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(f"{url}/health"))
        yield url


def mapping(url: str, **more: Any) -> dict[str, Any]:
    return {
        "url": url,
        "featureService": "trips_v1",
        "entities": ["driver_id"],
        "timeoutMilliseconds": 20_000,
        **more,
    }


def manifest(name: str, model: Path, **more: Any) -> dict[str, Any]:
    faults = Faults("push_model")
    spec = service_mapping.parse({"name": name, **more}, faults, lambda: "default")
    faults.raise_if_any()
    built = service_manifest.build(spec)
    built["spec"]["predictor"]["model"]["storageUri"] = str(model)
    return built


DEFAULTS = {"x": -1.5, "n": -7, "word": "nobody"}
WIDE_DEFAULTS = {**DEFAULTS, "long": -(2**60) - 1}


@pytest.fixture(scope="module")
def server(folder: Path, models: Path, feature_server: str) -> Iterator[Server]:
    """Services on one model: `trips` with features, `careful` with fewer defaults, `bare`.

    Those that begin with `echo` answer what they were asked, in V2 or in V1.
    """
    echo = folder / "echo"
    make = [sys.executable, Path(__file__).with_name("make_echo_model.py"), echo]
    subprocess.run(make, check=True, capture_output=True)
    gone = f"http://127.0.0.1:{free_port()}"
    services = {
        "trips": mapping(feature_server, missing="defaults", defaults=DEFAULTS),
        "careful": mapping(feature_server),
        "old": mapping(
            feature_server,
            missing="defaults",
            stale="defaults",
            defaults=DEFAULTS,
            maxAgeSeconds={"n": 60},
        ),
        "cut": mapping(gone, unreachable="defaults", defaults=DEFAULTS),
        "bare": {},
    }
    path = folder / "services.yaml"
    manifests = [
        manifest(name, models / "one", **({"features": held} if held else {}))
        for name, held in services.items()
    ]
    wide = {"featureService": "trips_v2", "missing": "defaults", "defaults": WIDE_DEFAULTS}
    echoes = {
        "echo": {"protocolVersion": "v2", "features": mapping(feature_server, **wide)},
        "echo-v1": {"features": mapping(feature_server, **wide)},
        "echo-cut": {
            "protocolVersion": "v2",
            "features": mapping(gone, **{**wide, "unreachable": "defaults"}),
        },
        "echo-bare": {"protocolVersion": "v2"},
    }
    manifests += [manifest(name, echo, **settings) for name, settings in echoes.items()]
    path.write_text(yaml.safe_dump_all(manifests))
    server = Server(folder / "state", path, "--grpc-port", "0")
    for name in (*services, *echoes):
        until(lambda name=name: server.ready(name))
    yield server
    server.process.terminate()
    server.process.wait()


def predicted(server: Server, service: str, drivers: list[int]) -> httpx.Response:
    body = {"instances": [{"driver_id": driver} for driver in drivers]}
    return server.post(f"/v1/models/{service}:predict", body)


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """What the model says to a training row, by its own arithmetic in 32 bits."""
    x, n, word = (DEFAULTS[k] if row[k] is None else row[k] for k in ("x", "n", "word"))
    score = np.float32(100) + np.float32(x) + np.float32(n)
    return {"score": score, "word": word}


def test_the_rows_are_those_of_their_moment(training_rows):
    assert sorted(training_rows) == list(range(12))
    assert [training_rows[driver]["n"] for driver in (0, 4, 5, 9, 11)] == [0, 40, 51, 91, None]
    assert training_rows[7]["x"] == pytest.approx(1.7)
    assert [training_rows[driver]["label"] for driver in (3, 4)] == [1, 0]


def test_predictions_are_of_the_features_that_training_rows_have(server, training_rows):
    answer = predicted(server, "trips", [*range(12)])
    assert answer.status_code == 200, answer.text
    for driver, prediction in enumerate(answer.json()["predictions"]):
        wanted = expected(training_rows[driver])
        assert np.float32(prediction["score"]) == wanted["score"], driver
        assert prediction["word"] == wanted["word"]


def test_what_is_missing_is_told_where_no_default_is_written(server):
    assert predicted(server, "careful", [3, 4]).status_code == 200
    answer = predicted(server, "careful", [3, 11])
    assert answer.status_code == 503
    fault = r"row 1: feature '(x|n|word)' of 'trips_v1' is missing, and the service has no default"
    assert re.match(fault, answer.json()["error"])


def test_values_beyond_their_age_are_replaced(server):
    (prediction,) = predicted(server, "old", [3]).json()["predictions"]
    assert np.float32(prediction["score"]) == np.float32(100) + np.float32(0.3) + np.float32(-7)


def test_a_server_that_is_gone_gives_the_defaults(server):
    (prediction,) = predicted(server, "cut", [3]).json()["predictions"]
    assert (prediction["score"], prediction["word"]) == (100 - 1.5 - 7, "nobody")


def test_a_revision_is_asked_as_its_predictor_is(server):
    row = {"x": 1, "n": 2, "word": "a"}
    path = "/revisions/default/trips-predictor-00001/v1/models/trips:predict"
    assert server.post(path, {"instances": [row]}).json()["predictions"][0]["score"] == 103.0


def test_the_transformer_of_a_cluster_gives_the_same_answers(folder, server, feature_server):
    port, settings = free_port(), mapping(feature_server, missing="defaults", defaults=DEFAULTS)
    (container,) = feature_settings.transformer(settings)["containers"]
    command = [sys.executable, *container["command"][1:], *container["args"]]
    # What KServe adds to a transformer's arguments.
    command += ["--model_name", "bare", "--http_port", str(port)]
    command += ["--predictor_host", server.url.removeprefix("http://")]
    with process(folder / "transformer.log", *command):
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(f"{url}/healthz"))
        body = {"instances": [{"driver_id": driver} for driver in range(12)]}
        answer = httpx.post(
            f"{url}/v1/models/bare:predict",
            json=body,
            headers={"X-Request-Id": "seven"},
            timeout=None,
        )
        assert answer.json() == predicted(server, "trips", [*range(12)]).json()
        assert answer.headers["X-Request-Id"] == "seven"
        assert httpx.get(f"{url}/v1/models/bare").json()["ready"] is True
        wrong = {"instances": [{"driver_id": 1.5}]}
        assert httpx.post(f"{url}/v1/models/bare:predict", json=wrong).status_code == 400


def infer(url: str, name: str, drivers: list[int]) -> httpx.Response:
    keys = {"name": "driver_id", "datatype": "INT64", "shape": [len(drivers)], "data": drivers}
    return httpx.post(f"{url}/v2/models/{name}/infer", json={"inputs": [keys]}, timeout=None)


def rows_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the rows of an answer in V2."""
    assert answer.status_code == 200, answer.text
    columns = {output["name"]: output["data"] for output in answer.json()["outputs"]}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def offline(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a model gets of a training row; float32 is written as its shortest decimal."""
    values = {
        name: default if row[name] is None else row[name] for name, default in WIDE_DEFAULTS.items()
    }
    return {**values, "x": float(str(np.float32(values["x"])))}


def test_tensors_get_the_values_of_rows_and_of_training(server, training_rows):
    for drivers in ([*range(12)], [7, 11, 3]):
        wanted = [offline(training_rows[driver]) for driver in drivers]
        assert rows_of(infer(server.url, "echo", drivers)) == wanted
        predictions = predicted(server, "echo-v1", drivers).json()["predictions"]
        assert [{**row, "x": row["x"][0]} for row in predictions] == wanted
    assert training_rows[9]["long"] == 2**60 + 9


def test_messages_of_grpc_get_them_too(server, training_rows):
    drivers = np.array([9, 0, 11], "<i8")
    keys = protocol.ModelInferRequest.InferInputTensor(
        name="driver_id", datatype="INT64", shape=[3]
    )
    request = protocol.ModelInferRequest(
        model_name="echo", inputs=[keys], raw_input_contents=[drivers.tobytes()]
    )
    with grpc.insecure_channel(server.grpc) as channel:
        answer = GRPCInferenceServiceStub(channel).ModelInfer(request)
    names = [output.name for output in answer.outputs]
    raw = dict(zip(names, answer.raw_output_contents, strict=True))
    wanted = [offline(training_rows[driver]) for driver in drivers.tolist()]
    assert np.frombuffer(raw["long"], "<i8").tolist() == [row["long"] for row in wanted]
    assert np.frombuffer(raw["x"], "<f4").tolist() == [np.float32(row["x"]) for row in wanted]
    assert [text.decode() for text in cut_values(raw["word"])] == [row["word"] for row in wanted]


def test_tensors_get_the_defaults_of_a_server_that_is_gone(server):
    wanted = {**WIDE_DEFAULTS, "x": -1.5}
    assert rows_of(infer(server.url, "echo-cut", [3, 4])) == [wanted, wanted]


def test_the_transformer_of_a_cluster_asks_the_model_for_its_types(
    folder, server, feature_server, training_rows
):
    port = free_port()
    settings = mapping(
        feature_server, featureService="trips_v2", missing="defaults", defaults=WIDE_DEFAULTS
    )
    (container,) = feature_settings.transformer(settings)["containers"]
    command = [sys.executable, *container["command"][1:], *container["args"]]
    command += ["--model_name", "echo-bare", "--http_port", str(port)]
    command += ["--predictor_host", server.url.removeprefix("http://")]
    with process(folder / "tensors.log", *command):
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(f"{url}/healthz"))
        wanted = [offline(training_rows[driver]) for driver in (9, 0, 11)]
        assert rows_of(infer(url, "echo-bare", [9, 0, 11])) == wanted
        assert infer(url, "echo-bare", []).status_code == 400


def test_the_run_tells_the_feature_service_and_its_rows_go_on_unchanged(folder):
    (record,) = (folder / "root/runs").glob("*/run.json")
    tasks = {task["name"]: task for task in json.loads(record.read_text())["tasks"]}
    facts = tasks["join-features"]["metadata"]["training_rows"]
    assert (facts["feature_service"], facts["rows"], facts["joined"]) == ("trips_v2", 12, 10)
    ingested = tasks["ingest-data"]["metadata"]["examples"]["fingerprint"]
    assert tasks["join-features"]["parameters"]["data"].endswith(f"#sha256={ingested}")
    loaded = tasks["materialize-features"]["metadata"]["materialization"]
    assert loaded["until"] == "2026-01-04T00:00:00+00:00"
