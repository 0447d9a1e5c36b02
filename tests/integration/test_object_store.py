"""The main job with everything in an S3 bucket: data, module, configuration, models, artifacts."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import object_stores
import pytest
from object_stores import Bucket
from workspace import KANARIA, Workspace

TASKS = ["ingest-data", "validate-data", "transform-data", "train-model", "evaluate-model"]
TASKS += ["fit-drift-detector"]


@dataclass(frozen=True)
class Finished:
    """One run: its exit code, what it printed, its record."""

    code: int
    output: str
    record: dict[str, Any]

    @property
    def states(self) -> dict[str, str]:
        return {t["name"].rpartition("/")[2]: t["state"] for t in self.record["tasks"]}


@pytest.fixture(scope="module")
def bucket(workspace: Workspace) -> Iterator[Bucket]:
    rows = (workspace.folder / "taxi.csv").read_bytes().splitlines(keepends=True)
    with object_stores.s3() as bucket:
        bucket.put("data/one.csv", b"".join(rows[:1000]))
        bucket.put("data/two.csv", rows[0] + b"".join(rows[1000:]))
        for name in ("taxi_module.py", "eval_config.pbtxt"):
            bucket.put(f"code/{name}", (workspace.folder / name).read_bytes())
        yield bucket


def run(workspace: Workspace, bucket: Bucket) -> Finished:
    settings = {
        "data": f"{bucket.uri}/data/*.csv",
        "module_file": f"{bucket.uri}/code/taxi_module.py",
        "eval_config_file": f"{bucket.uri}/code/eval_config.pbtxt",
        "model_root": f"{bucket.uri}/models",
    }
    command = [KANARIA, "run", "train_and_deploy", "--root", workspace.root]
    command += ["--config", workspace.folder / "train.yaml"]
    command += ["--pipeline-root", f"{bucket.uri}/artifacts"]
    for name, value in settings.items():
        command += ["--set", f"{name}={value}"]
    environment = {**os.environ, **bucket.environment}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    newest = max(workspace.root.glob("runs/*/run.json"), key=lambda path: path.stat().st_mtime)
    return Finished(done.returncode, done.stdout + done.stderr, json.loads(newest.read_text()))


@pytest.fixture(scope="module")
def first(workspace: Workspace, bucket: Bucket) -> Finished:
    return run(workspace, bucket)


def test_the_main_job_deploys_from_a_bucket_into_it(first: Finished, bucket: Bucket):
    assert first.code == 0, first.output
    assert first.states["push-model"] == "succeeded"
    keys = bucket.keys()
    releases = [key for key in keys if key.startswith("models/taxi-tips/")]
    assert sum(key.endswith("/release.json") for key in releases) == 1
    assert any(key.endswith("/model/1/saved_model.pb") for key in releases)


def test_every_output_of_every_step_is_in_the_bucket(first: Finished, bucket: Bucket):
    keys = bucket.keys()
    for task in first.record["tasks"]:
        for uri in task["copies"].values():
            below = uri.removeprefix(f"{bucket.uri}/")
            assert any(key == below or key.startswith(f"{below}/") for key in keys), uri
    named = {t["name"]: set(t["copies"]) for t in first.record["tasks"]}
    assert all(named[task] for task in TASKS), named
    assert {"examples"} <= named["ingest-data"]
    assert {"statistics", "schema", "outcome", "report"} <= named["validate-data"]


@pytest.mark.usefixtures("first")
def test_the_model_is_served_from_the_bucket(
    bucket: Bucket, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    bucket.use(monkeypatch)
    with workspace.serving() as url:
        workspace.until_ready(url)
        address = f"{url}/v1/models/taxi-tips:predict"
        answer = httpx.post(address, json={"instances": [{"b64": ""}]}, timeout=None)
    # The model answers: an empty tf.Example lacks required features.
    assert answer.status_code == 400
    assert "Feature: fare" in answer.json()["error"]


@pytest.mark.usefixtures("first")
def test_the_same_again_reuses_everything(workspace: Workspace, bucket: Bucket):
    again = run(workspace, bucket)
    assert again.code == 0, again.output
    # What is deployed now is a new input of the steps that compare with it.
    states = {task: again.states[task] for task in ("ingest-data", "transform-data", "train-model")}
    assert set(states.values()) == {"reused"}, states
