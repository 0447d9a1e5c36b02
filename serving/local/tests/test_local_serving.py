"""A server with real predictors: requests, deaths, restarts."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest
import yaml
from local_server import ROWS, Server, until
from scipy.stats import binom

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ModelServer, ServiceSpec
from kanaria.serving.local.server import serve
from kanaria.serving.local.state import state_folder
from kanaria.serving.traffic.local_traffic import LocalTraffic

STABLE, CANARY = "flights-predictor-00001", "flights-predictor-00002"


def predictors(state):
    """The processes that write a predictor's log below the folder: log name -> process id."""
    pids = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            output = (process / "fd" / "1").readlink()
        except OSError:
            continue
        if state in output.parents and "-predictor-" in output.name:
            pids[output.stem] = int(process.name)
    return pids


@pytest.fixture(scope="module")
def server(tmp_path_factory, models):
    """Services: `flights` (one stable, two the canary at 10 %), `tensors` (V2), `twin` twice.

    `failing` ends 4 % of its calls with an error.
    """
    state = tmp_path_factory.mktemp("state")
    twins = [
        build(ServiceSpec(name="twin", namespace=space, storage_uri=str(models / model)))
        for space, model in (("default", "one"), ("other", "two"))
    ]
    manifests = state / "services.yaml"
    v2 = ServiceSpec(
        name="tensors",
        storage_uri=f"file://{models}/one",
        server=ModelServer(protocol_version="v2"),
    )
    failing = build(ServiceSpec(name="failing", storage_uri=str(models / "failing")))
    manifests.write_text("---\n".join(map(yaml.safe_dump, [build(v2), failing, *twins])))
    server = Server(state, manifests)
    with LocalTraffic(state) as traffic:
        for model in ("one", "two"):
            traffic.stage(build(ServiceSpec(name="flights", storage_uri=str(models / model))))
            status = until(lambda: (s := loaded(traffic)) and s)
        traffic.shift("default", "flights", 10)
        assert (status.rolled_out, status.latest_ready) == (STABLE, CANARY)
    until(lambda: server.ready("tensors"))
    yield server
    server.end(signal.SIGTERM)


def loaded(traffic):
    status = traffic.observe("default", "flights")
    return status if status.latest_created == status.latest_ready != "" else None


def test_a_thousand_requests_fall_to_the_canary_as_often_as_asked(server):
    with httpx.Client() as client:
        answers = [
            client.post(f"{server.url}/v1/models/flights:predict", json=ROWS) for _ in range(1000)
        ]
    counted = Counter(answer.headers["X-Kanaria-Revision"] for answer in answers)
    low, high = binom.interval(0.999, 1000, 0.1)
    assert low <= counted[CANARY] <= high
    assert counted[STABLE] == 1000 - counted[CANARY]
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:
        base = 200 if answer.headers["X-Kanaria-Revision"] == CANARY else 100
        assert [row["score"] for row in answer.json()["predictions"]] == [base + 3] * 3


@pytest.mark.parametrize(("revision", "base"), [(STABLE, 100), (CANARY, 200)])
def test_a_revision_answers_at_its_own_url_and_is_not_counted(server, revision, base):
    def counted():
        lines = httpx.get(f"{server.url}/metrics").text.splitlines()
        return [line for line in lines if f'revision="{revision}"' in line]

    before = counted()
    for _ in range(5):
        answer = server.post(f"/revisions/default/{revision}/v1/models/flights:predict", ROWS)
        assert [row["score"] for row in answer.json()["predictions"]] == [base + 3] * 3
        assert answer.headers["X-Kanaria-Revision"] == revision
    assert counted() == before


def test_a_revision_that_does_not_run_does_not_answer(server):
    for revision in ("default/flights-predictor-00009", f"other/{STABLE}"):
        answer = server.post(f"/revisions/{revision}/v1/models/flights:predict", ROWS)
        assert answer.status_code == 503
        assert revision in answer.json()["error"]


def test_the_rows_of_a_request_are_one_call_of_the_model(server):
    rows = server.predict().json()["predictions"]
    assert [row["rows"] for row in rows] == [3, 3, 3]


def test_metrics_count_per_revision(server):
    before = count(server, STABLE, 200)
    until(lambda: server.predict().headers["X-Kanaria-Revision"] == STABLE)
    assert count(server, STABLE, 200) == before + 1
    text = httpx.get(f"{server.url}/metrics").text
    assert (
        f'kanaria_request_seconds_bucket{{le="1.0",namespace="default",revision="{STABLE}"' in text
    )


def count(server, revision, code):
    labels = f'code="{code}",namespace="default",revision="{revision}",service="flights"'
    for line in httpx.get(f"{server.url}/metrics").text.splitlines():
        if line.startswith(f"kanaria_requests_total{{{labels}}}"):
            return float(line.split()[-1])
    return 0.0


def test_a_missing_feature_is_the_clients_fault_and_named(server):
    answer = server.predict({"instances": [{"x": 1, "n": 2}]})
    assert answer.status_code == 400
    assert "word" in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        [1],
        {},
        {"instances": "a"},
        {"instances": [1], "signature_name": ["x"]},
        {"instances": [1], "signature_name": "none"},
    ],
)
def test_no_body_of_a_client_is_a_fault_of_the_server(server, body):
    assert server.predict(body).status_code == 400


def test_curls_own_content_type_is_read_as_json(server):
    path, body = "/v1/models/flights:predict", b'{"instances": [{"x": 1, "n": 2, "word": "a"}]}'
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(server.url + path, content=body, headers=headers).status_code == 200
    assert httpx.post(server.url + path, content=b"{", headers=headers).status_code == 400


def test_another_signature_takes_serialized_examples(server):
    body = {"signature_name": "length", "instances": [{"b64": "YWIA"}, "abcd"]}
    assert server.predict(body).json() == {"predictions": [3, 4]}


def tensor(name, datatype, shape, data):
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


TENSORS = [
    tensor("x", "FP32", [2, 1], [1, 2]),
    tensor("n", "INT64", [2], [3, 4]),
    tensor("word", "BYTES", [2], ["a", "ü"]),
]


def test_v2_takes_one_tensor_a_feature(server):
    outputs = server.post("/v2/models/tensors/infer", {"inputs": TENSORS}).json()["outputs"]
    data = {output["name"]: output["data"] for output in outputs}
    assert data == {"score": [104.0, 106.0], "word": ["a", "ü"], "rows": [2, 2]}


def test_v2_tells_its_inputs(server):
    inputs = httpx.get(f"{server.url}/v2/models/tensors").json()["inputs"]
    assert {"name": "word", "datatype": "BYTES", "shape": [-1]} in inputs


@pytest.mark.parametrize(
    "inputs",
    [
        TENSORS[:2],
        [*TENSORS, tensor("z", "FP32", [2], [1, 2])],
        [tensor("x", "FP32", [2, 1], ["a", "b"]), *TENSORS[1:]],
        [tensor("x", "FP32", [3, 1], [1, 2]), *TENSORS[1:]],
        [tensor("x", "FLOAT", [2, 1], [1, 2]), *TENSORS[1:]],
        [TENSORS[0], tensor("n", "INT64", [2], [1.5, 2]), TENSORS[2]],
    ],
)
def test_v2_names_the_tensor_at_fault(server, inputs):
    answer = server.post("/v2/models/tensors/infer", {"inputs": inputs})
    assert answer.status_code == 400
    assert any(f"'{name}'" in answer.json()["error"] for name in ("x", "n", "z", "word"))


def test_after_a_failure_of_the_model_the_next_request_is_answered(server):
    until(lambda: server.ready("failing"))
    with httpx.Client() as client:
        codes = Counter(
            client.post(
                f"{server.url}/v1/models/failing:predict", json={"instances": [1]}
            ).status_code
            for _ in range(400)
        )
    assert codes.keys() == {200, 500}


@pytest.mark.parametrize("prefix", ["", f"/revisions/default/{STABLE}"])
def test_no_client_unloads_a_model(server, prefix):
    for path in ("/v2/repository/models/flights/unload", "/v2/models/flights/unload"):
        assert server.post(prefix + path, {}).status_code == 404
    assert server.post(f"{prefix}/v1/models/flights:predict", ROWS).status_code == 200


def test_the_other_protocol_is_not_found(server):
    assert server.post("/v1/models/tensors:predict", ROWS).status_code == 404
    assert server.post("/v2/models/flights/infer", {"inputs": TENSORS}).status_code == 404


def test_an_unknown_service_is_not_found(server):
    answer = server.post("/v1/models/nobody:predict", ROWS)
    assert (answer.status_code, "'nobody'" in answer.json()["error"]) == (404, True)


def test_one_name_in_two_namespaces_is_told_apart_by_host(server):
    path = "/v1/models/twin:predict"
    refused = server.post(path, ROWS)
    assert refused.status_code == 409
    assert "default, other" in refused.json()["error"]
    until(lambda: server.post(path, ROWS, Host="twin.other").status_code == 200)
    until(lambda: server.post(path, ROWS, Host="twin.default").status_code == 200)
    scores = [
        server.post(path, ROWS, Host=host).json()["predictions"][0]["score"]
        for host in ("twin.other.example.com", "twin.default:8080")
    ]
    assert scores == [203, 103]


def test_a_second_server_on_the_folder_is_refused(server):
    with pytest.raises(NotReadyError, match="another server is live"):
        serve(server.state, 0)


def test_a_taken_port_is_refused(server, tmp_path):
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(NotReadyError, match=f"port {port}"):
        serve(tmp_path, port)


def test_a_killed_canary_costs_its_own_share_and_comes_back(server):
    answers, stop = [], threading.Event()

    def load():
        with httpx.Client() as client:
            while not stop.is_set():
                answer = client.post(f"{server.url}/v1/models/flights:predict", json=ROWS)
                answers.append((answer.headers["X-Kanaria-Revision"], answer.status_code))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: (CANARY, 200) in answers)
    os.kill(predictors(server.state)[CANARY], signal.SIGKILL)
    until(lambda: answers.count((CANARY, 503)) >= 5)
    here = len(answers)
    until(lambda: (CANARY, 200) in answers[here:])
    stop.set()
    for thread in threads:
        thread.join()

    codes = {revision: {c for r, c in answers if r == revision} for revision in (STABLE, CANARY)}
    assert codes == {STABLE: {200}, CANARY: {200, 503}}
    assert count(server, CANARY, 503) == answers.count((CANARY, 503))


def test_after_a_rollback_requests_wait_until_the_earlier_revision_runs_again(tmp_path, models):
    server = Server(tmp_path / "serving")
    try:
        with LocalTraffic(server.state) as traffic:
            for model in ("one", "two"):
                traffic.stage(build(ServiceSpec(name="flights", storage_uri=str(models / model))))
                until(lambda: loaded(traffic))
            traffic.promote("default", "flights")
            until(lambda: predictors(server.state).keys() == {CANARY})
            traffic.rollback("default", "flights")
            answers = [server.predict() for _ in range(20)]
    finally:
        server.end(signal.SIGTERM)
    assert {(a.status_code, a.headers["X-Kanaria-Revision"]) for a in answers} == {(200, STABLE)}


def test_a_frozen_predictor_is_not_ready_and_is_started_again(server):
    until(server.ready)
    frozen = predictors(server.state)[STABLE]
    os.kill(frozen, signal.SIGSTOP)
    until(lambda: not server.ready())
    until(server.ready)
    assert predictors(server.state)[STABLE] != frozen
    assert not Path(f"/proc/{frozen}").exists()


def test_a_killed_server_takes_its_predictors_along_and_comes_back_as_it_was(tmp_path, models):
    state = tmp_path / "serving"
    first = Server(state)
    with LocalTraffic(state) as traffic:
        traffic.stage(build(ServiceSpec(name="flights", storage_uri=str(models / "one"))))
        before = until(lambda: loaded(traffic))
    until(first.ready)
    assert predictors(state).keys() == {STABLE}
    first.end(signal.SIGKILL)
    until(lambda: not predictors(state))

    second = Server(state)
    until(second.ready)
    with LocalTraffic(state) as traffic:
        after = traffic.observe("default", "flights")
    assert (after.traffic, after.rolled_out) == (before.traffic, before.rolled_out)
    assert second.predict().json()["predictions"][0]["score"] == 103
    assert second.end(signal.SIGTERM) == 143
    assert predictors(state) == {}


def test_a_server_started_for_a_step_ends_with_it_even_if_that_is_killed(tmp_path):
    code = f"""
import time
from pathlib import Path
from kanaria.serving.traffic.local_traffic import LocalTraffic
LocalTraffic(Path({str(tmp_path)!r}))._live_server()
time.sleep(60)
"""
    step = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: state_folder.live_url(tmp_path))
    step.kill()
    step.wait()
    until(lambda: not state_folder.live_url(tmp_path))
