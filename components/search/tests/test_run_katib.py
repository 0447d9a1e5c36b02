"""A search is created once, watched, and read, over an API that answers as Kubernetes' does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from kanaria.components.search.run_katib import SearchRequest, run_search
from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.errors import (
    DataError,
    NotReadyError,
    ParameterError,
    PermissionDeniedError,
    UserCodeError,
)
from kanaria.components.shared.tuning import search_plan
from kanaria.components.shared.tuning.katib_parameter import Kind, Parameter
from kanaria.components.shared.tuning.search_plan import SearchPlan
from kanaria.components.shared.tuning.tuned_files import Targets

EXPERIMENTS = "/apis/kubeflow.org/v1beta1/namespaces/team/experiments"
TRIALS = "/apis/kubeflow.org/v1beta1/namespaces/team/trials"
PLAN = SearchPlan(
    objective="val_loss",
    direction="min",
    parameters=(
        Parameter(name="rate", katib_name="rate", kind=Kind.DOUBLE, low=1e-5, high=1, is_log=True),
        Parameter(name="dense/units", katib_name="dense_units", kind=Kind.INT, low=1, high=64),
        Parameter(name="on", katib_name="on", kind=Kind.CATEGORICAL, values=(True, False)),
        Parameter(name="drop", katib_name="drop", kind=Kind.DISCRETE, values=(0.0, 0.5)),
    ),
    hyperparameters={"space": [], "values": {"rate": 1e-5, "dense/units": 1, "layers": 3}},
)
EXPERIMENT = {
    "apiVersion": "kubeflow.org/v1beta1",
    "kind": "Experiment",
    "metadata": {"name": "kanaria-1"},
    "spec": {"maxTrialCount": 3},
}


def assigned(rate: str, units: str, on: str, drop: str) -> list[dict[str, str]]:
    values = {"rate": rate, "dense_units": units, "on": on, "drop": drop}
    return [{"name": name, "value": value} for name, value in values.items()]


def trial(name: str, kind: str, value: str, *values: str) -> dict[str, Any]:
    metric = {"name": "val_loss", "min": value, "max": value, "latest": value}
    conditions = [
        {"type": "Running", "status": "False"},
        {"type": kind, "status": "True", "message": f"{kind} it is"},
    ]
    return {
        "metadata": {"name": name, "creationTimestamp": f"2026-01-01T00:00:0{name[-1]}Z"},
        "spec": {"parameterAssignments": assigned(*values)},
        "status": {"conditions": conditions, "observation": {"metrics": [metric]}},
    }


RAN = [
    trial("t-3", "Failed", "", "1.0", "3", "False", "0.0"),
    trial("t-2", "Succeeded", "0.25", "0.0009999999999999998", "12", "False", "0.5"),
    trial("t-1", "Succeeded", "2", "0.5", "64.0", "True", "0"),
]
OPTIMAL = {"bestTrialName": "t-2", "parameterAssignments": RAN[1]["spec"]["parameterAssignments"]}
RUNNING = {"conditions": [{"type": "Running", "status": "True"}], "trialsRunning": 2}
SUCCEEDED = {
    "conditions": [
        {"type": "Running", "status": "False"},
        {"type": "Succeeded", "status": "True", "message": "max trial count has reached"},
    ],
    "currentOptimalTrial": OPTIMAL,
}


class Api(ThreadingHTTPServer):
    """Keeps one Experiment, whose status is the next of `states` at each look."""

    def __init__(self) -> None:
        self.created: dict[str, Any] | None = None
        self.states: list[dict[str, Any] | None] = [None, RUNNING, SUCCEEDED]
        self.trials, self.refusal = RAN, 0
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.refusal:
            return self.answer(self.server.refusal, {"message": "admission webhook denied it"})
        if self.server.created is not None:
            return self.answer(409, {"message": "already exists"})
        self.server.created = body
        return self.answer(201, body)

    def do_GET(self) -> None:
        if self.path.startswith(f"{TRIALS}?labelSelector=katib.kubeflow.org%2Fexperiment%3D"):
            return self.answer(200, {"items": self.server.trials})
        assert self.path == f"{EXPERIMENTS}/kanaria-1"
        states = self.server.states
        status = states.pop(0) if len(states) > 1 else states[0]
        if status == "deleted":
            return self.answer(404, {"message": "not found"})
        return self.answer(200, {**EXPERIMENT, **({"status": status} if status else {})})

    def answer(self, code: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        cluster = {"server": f"http://127.0.0.1:{server.server_port}"}
        context = {"cluster": "c", "user": "u", "namespace": "team"}
        config = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "c", "context": context}],
            "current-context": "c",
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def request_(tmp_path: Path) -> SearchRequest:
    folder = tmp_path / "experiment"
    folder.mkdir()
    (folder / search_plan.PLAN_FILE).write_text(search_plan.as_text(PLAN))
    (folder / search_plan.EXPERIMENT_FILE).write_text(yaml_text.dump(EXPERIMENT))
    return SearchRequest(experiment=folder, interval_seconds=0.01)


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    return Targets(*(tmp_path / name for name in ("best", "results", "report.html")))


def test_the_best_trials_values_come_back_with_their_types(api, request_, targets):
    tuned = run_search(request_, targets)
    assert api.created == EXPERIMENT
    best = {"rate": 0.0009999999999999998, "dense/units": 12, "on": False, "drop": 0.5, "layers": 3}
    written = json.loads((targets.best_hyperparameters / "best_hyperparameters.txt").read_text())
    assert written == tuned.hyperparameters
    for values in (written["values"], tuned.best.hyperparameters):
        assert {name: repr(value) for name, value in values.items()} == {
            name: repr(value) for name, value in best.items()
        }


@pytest.mark.usefixtures("api")
def test_every_trial_is_told_in_the_order_of_their_beginning(request_, targets):
    run_search(request_, targets)
    results = json.loads((targets.tuner_results / "tuner_results.json").read_text())
    assert (results["objective"], results["best_trial"]) == ("val_loss", "t-2")
    rows = [(one["trial_id"], one["status"], one["score"]) for one in results["trials"]]
    assert rows == [
        ("t-1", "COMPLETED", 2.0),
        ("t-2", "COMPLETED", 0.25),
        ("t-3", "FAILED", None),
    ]
    assert results["trials"][0]["hyperparameters"]["dense/units"] == 64
    assert results["trials"][2]["cause"] == "Failed it is"
    assert "of 3 trials, of which 1 failed: 0.25" in targets.report.read_text()


def test_a_step_that_runs_again_goes_on_with_its_experiment(api, request_, targets):
    run_search(request_, targets)
    api.states = [SUCCEEDED]
    again = run_search(request_, targets)
    assert again.best.trial_id == "t-2"


@pytest.mark.parametrize(
    ("states", "trials", "error", "message"),
    [
        (
            [{"conditions": [{"type": "Failed", "status": "True", "message": "max failed"}]}],
            RAN,
            UserCodeError,
            "kanaria-1: max failed: Failed it is; .*kubectl delete experiment kanaria-1",
        ),
        (
            [{"conditions": SUCCEEDED["conditions"]}],
            [trial("t-1", "MetricsUnavailable", "unavailable", "0.5", "2", "True", "0.5")],
            UserCodeError,
            "none of 1 trials has a score: MetricsUnavailable it is",
        ),
        ([RUNNING, "deleted"], RAN, NotReadyError, "was deleted while it was waited for"),
        (
            [SUCCEEDED],
            [trial("t-2", "Succeeded", "1", "0.5", "65", "True", "0.5")],
            DataError,
            "dense_units='65': no value of the hyperparameter 'dense/units'",
        ),
        (
            [SUCCEEDED],
            [{**RAN[1], "spec": {"parameterAssignments": assigned("1", "1", "True", "0")[:2]}}],
            DataError,
            "were assigned, and those of the search are",
        ),
    ],
)
def test_a_search_without_a_best_trial_fails_with_its_cause(
    api, request_, targets, states, trials, error, message
):
    api.states, api.trials = states, trials
    with pytest.raises(error, match=message) as raised:
        run_search(request_, targets)
    assert "\n" not in str(raised.value)
    assert not targets.best_hyperparameters.exists()


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        (400, ParameterError, "admission webhook denied it"),
        (403, PermissionDeniedError, "ask for the rule"),
        (404, NotReadyError, "is the API installed"),
    ],
)
def test_an_experiment_that_is_refused_is_one_error(api, request_, targets, code, error, message):
    api.refusal = code
    with pytest.raises(error, match=message):
        run_search(request_, targets)


def test_a_folder_without_a_plan_is_named(request_, targets):
    (request_.experiment / search_plan.PLAN_FILE).unlink()
    with pytest.raises(DataError, match=r"search_plan.json: no plan of plan_katib_search"):
        run_search(request_, targets)
