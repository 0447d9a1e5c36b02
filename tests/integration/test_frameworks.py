"""Models of scikit-learn, XGBoost and ONNX through the whole pipeline, served, and under a canary.

Their answers are those of the bare libraries on the same rows.
"""

import csv
import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import joblib
import numpy as np
import onnxruntime
import pytest
import xgboost
from one_machine import CANARY, STABLE, requests_to
from one_machine import rollout as rolled_out
from sklearn.metrics import roc_auc_score
from workspace import Workspace

from kanaria.components.shared.artifacts import release
from kanaria.components.shared.step_images import TRAINING_IMAGE
from kanaria.pipelines.local.runtime_python import python_of
from kanaria.serving.drift import matrix_columns
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ModelServer, ServiceSpec
from kanaria.serving.traffic.local_traffic import LocalTraffic

ONNX_BYTES = Path(__file__).parents[2] / "components/shared/tests/servers/onnx_bytes.py"
FEATURES = ["miles", "fare", "card"]
HEAD = """
from kanaria.components.train.arrays import read_arrays, save_model

FEATURES = ["miles", "fare", "card"]


def run_fn(fn_args):
    rows, labels = read_arrays(fn_args.train_files, FEATURES, "generous")
"""
MODULES = {
    "sklearn": HEAD
    + """
    from sklearn.ensemble import HistGradientBoostingClassifier
    model = HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(rows, labels)
    save_model(model, fn_args.serving_model_dir, FEATURES)
""",
    "xgboost": HEAD
    + """
    import xgboost
    model = xgboost.XGBClassifier(n_estimators=10).fit(rows, labels)
    save_model(model, fn_args.serving_model_dir, FEATURES)
""",
    "onnx": HEAD
    + """
    import numpy
    import onnx_bytes
    from pathlib import Path
    from sklearn.linear_model import LogisticRegression
    from kanaria.components.shared.frameworks.feature_signature import FeatureSignature, write
    fitted = LogisticRegression().fit(numpy.nan_to_num(rows), labels)
    folder = Path(fn_args.serving_model_dir)
    folder.mkdir()
    model = onnx_bytes.logistic(fitted.coef_[0].tolist(), fitted.intercept_[0])
    (folder / "model.onnx").write_bytes(model)
    write(folder, FeatureSignature(features=tuple(FEATURES)))
""",
}
EVAL_CONFIG = """
model_specs { label_key: "generous" }
slicing_specs {}
slicing_specs { feature_keys: "card" }
metrics_specs {
  metrics { class_name: "ExampleCount" }
  metrics {
    class_name: "AUC"
    per_slice_thresholds {
      slicing_specs {}
      threshold { value_threshold { lower_bound { value: 0.6 } } }
    }
  }
}
"""
CONFIG = """
module_file: module.py
eval_config_file: eval_config.pbtxt
service: {name: taxi%s}
materialize: false
delivery: {checks: {load: {rate: 50, requests: 50, p99_ms: 0}}}
"""


READ = """
import json, sys
import pyarrow.parquet as pq
columns = {}
for file in sys.argv[1:]:
    for name, values in pq.read_table(file).to_pydict().items():
        columns.setdefault(name, []).extend(values)
print(json.dumps(columns))
"""


def write_data(path: Path, missing: float) -> None:
    draw = random.Random(3)
    with path.open("w", newline="") as file:
        rows = csv.DictWriter(file, [*FEATURES, "generous"])
        rows.writeheader()
        for _ in range(1500):
            miles, card = round(draw.expovariate(0.3), 1), draw.randint(0, 1)
            fare = "" if draw.random() < missing else round(3.25 + 2 * miles, 2)
            generous = int(draw.random() < 0.1 + 0.7 * card)
            rows.writerow({"miles": miles, "fare": fare, "card": card, "generous": generous})


class Trial:
    """One pipeline with a model of one framework, run once and served."""

    def __init__(self, kind: str, folder: Path, runtime: Path) -> None:
        self.kind, self.workspace = kind, Workspace(folder, runtime)
        write_data(folder / "taxi.csv", 0.0 if kind == "onnx" else 0.1)
        shutil.copy(ONNX_BYTES, folder)
        (folder / "module.py").write_text(MODULES[kind])
        (folder / "eval_config.pbtxt").write_text(EVAL_CONFIG)
        extra = ", protocolVersion: v2" if kind == "sklearn" else ""
        (folder / "train.yaml").write_text(CONFIG % extra)
        self.finished = self.workspace.run()

    def output(self, task: str, name: str) -> Path:
        folder = self.workspace.newest_run()
        assert folder is not None
        (path,) = (path for path in folder.glob(f"**/{task}/{name}") if path.exists())
        return path

    def eval_rows(self) -> tuple[np.ndarray, np.ndarray]:
        files = sorted(self.output("ingest-data", "examples").glob("split=eval/part-*"))
        command = [python_of(TRAINING_IMAGE), "-I", "-c", READ, *files]
        read = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        columns = json.loads(read)
        rows = [columns[name] for name in FEATURES]
        return np.array(rows, dtype=float).T, np.array(columns["generous"])

    def bare(self, rows: np.ndarray) -> np.ndarray:
        """Return the probability of class 1 by the library alone."""
        model = self.output("train-model", "model")
        if self.kind == "sklearn":
            return joblib.load(model / "model.joblib").predict_proba(rows)[:, 1]
        if self.kind == "xgboost":
            booster = xgboost.Booster(model_file=model / "model.json")
            return booster.predict(xgboost.DMatrix(rows))
        session = onnxruntime.InferenceSession(model / "1/model.onnx")
        return session.run(None, {"X": rows.astype(np.float32)})[0][:, 0]

    def ask(self, url: str, rows: np.ndarray) -> np.ndarray:
        """Return the served probability of class 1, in the protocol of the service."""
        plain = [[None if value != value else value for value in row] for row in rows.tolist()]
        if self.kind == "xgboost":
            body: dict[str, Any] = {"instances": plain}
            answer = httpx.post(f"{url}/v1/models/taxi:predict", json=body, timeout=60)
            return np.array(answer.json()["predictions"])
        flat = [value for row in plain for value in row]
        tensor = {"name": "X", "shape": list(rows.shape), "datatype": "FP32", "data": flat}
        answer = httpx.post(f"{url}/v2/models/taxi/infer", json={"inputs": [tensor]}, timeout=60)
        (output,) = answer.json()["outputs"]
        return np.array(output["data"]).reshape(output["shape"])[:, -1]


@pytest.fixture(scope="module", params=["sklearn", "xgboost", "onnx"])
def trial(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, runtime: Path
) -> Trial:
    return Trial(request.param, tmp_path_factory.mktemp(request.param), runtime)


@pytest.fixture(scope="module")
def url(trial: Trial) -> Iterator[str]:
    with trial.workspace.serving() as url:
        trial.workspace.until_ready(url)
        yield url


def test_the_pipeline_trains_evaluates_blesses_and_pushes(trial: Trial):
    assert trial.finished.code == 0, trial.finished.errors
    assert trial.finished.states["push-model"] == "succeeded"
    endpoint = json.loads((trial.output("push-model", "endpoint") / release.ENDPOINT).read_text())
    results = {one["check"]: one["verdict"] for one in endpoint["checks"]}
    assert results["api_call"] == results["signature"] == "passed"


def test_the_metrics_are_those_of_scikit_learn(trial: Trial):
    rows, labels = trial.eval_rows()
    findings = json.loads(
        (trial.output("evaluate-model", "evaluation") / "findings.json").read_text()
    )
    own = {one["metric"]: one["candidate"] for one in findings["values"] if not one["slice"]}
    assert own["example_count"] == len(rows)
    # TFMA's AUC is a sum over 10,000 thresholds.
    assert own["auc"] == pytest.approx(roc_auc_score(labels, trial.bare(rows)), abs=1e-3)


def test_what_is_served_answers_as_the_bare_library(trial: Trial, url: str):
    rows, _ = trial.eval_rows()
    served = trial.ask(url, rows[:40])
    assert served == pytest.approx(trial.bare(rows[:40]), rel=1e-6, abs=1e-7)


def test_a_detector_knows_what_the_columns_of_a_request_are(trial: Trial):
    folder = trial.output("fit-drift-detector", "drift_detector")
    assert matrix_columns.read(folder) == tuple(FEATURES)


POLICY = """
steps:
  - {percent: 10, minimum_requests: 100, minimum_minutes: 0}
  - {percent: 50, minimum_requests: 100, minimum_minutes: 0}
warm_up: {minutes: 0, requests: 20}
gates: {latency: false}
"""


@pytest.mark.parametrize("trial", ["xgboost"], indirect=True)
def test_an_xgboost_canary_that_fails_is_rolled_back(trial: Trial, url: str, tmp_path: Path):
    # A model that kept the names of a table loads, and refuses every matrix: on KServe, too.
    rows, labels = trial.eval_rows()
    matrix = xgboost.DMatrix(rows, labels, feature_names=FEATURES)
    named = xgboost.train({"objective": "binary:logistic"}, matrix, 10)
    (tmp_path / "bad").mkdir()
    named.save_model(tmp_path / "bad/model.json")
    state, policy = trial.workspace.root / "serving", tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    server = ModelServer(model_format="xgboost")
    spec = ServiceSpec(name="taxi", storage_uri=str(tmp_path / "bad"), server=server)
    with LocalTraffic(state) as traffic:
        traffic.stage(build(spec))
        body = {"instances": [[1.0, None, 1.0]]}
        with requests_to(f"{url}/v1/models/taxi:predict", lambda: (body, {})) as answers:
            done = rolled_out(state, "start", "--policy", str(policy), "--interval", "1")
        status = traffic.observe("default", "taxi")
    assert done.returncode == 1, done.stderr
    assert "harm, above all in errors" in done.stdout
    assert {one.revision: one.percent for one in status.traffic} == {CANARY: 0, STABLE: 100}
    assert answers[STABLE, 200] > answers[CANARY, 500] > 0
    assert answers[CANARY, 200] == answers[STABLE, 500] == 0
