"""The real pipeline on this machine against a real server: what MLflow says is what the run did."""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow_server import Records, named
from workspace import Workspace

TAXI = Path(__file__).parents[1] / "integration/taxi"
UNDER_TEST = ("kanaria.fingerprint", "kanaria.release", "kanaria.data_span", "kanaria.data")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, server: str) -> Workspace:
    """A folder of its own for each server: a release keeps the run that published it first."""
    del server
    folder = tmp_path_factory.mktemp("tracked")
    for name in ("taxi_module.py", "eval_config.pbtxt", "train.yaml"):
        shutil.copy(TAXI / name, folder)
    subprocess.run([sys.executable, TAXI / "make_data.py", folder / "taxi.csv", "2000"], check=True)
    return Workspace(folder)


@pytest.fixture(scope="module")
def tracked(workspace: Workspace, server: str) -> Iterator[tuple[Workspace, Path]]:
    """A run that went well, and its folder."""
    done = workspace.run(*settings(server, "first"))
    assert done.code == 0, done.errors + done.output
    folder = workspace.newest_run()
    assert folder is not None
    yield workspace, folder


def settings(server: str, name: str, *more: str) -> list[str]:
    required = [f"tracking.tracking_uri={server}", "tracking.tracking_required=true"]
    return [
        *required,
        f"tracking.run_name={name}",
        'hyperparameters={"layers": {"a/b": [1, 2]}}',
        *more,
    ]


def run_called(records: Records, name: str) -> dict[str, Any]:
    runs = records.runs("train-and-deploy")
    (run,) = [each for each in runs if each["info"]["run_name"] == name]
    return run


def task(folder: Path, name: str) -> dict[str, Any]:
    tasks = json.loads((folder / "run.json").read_text())["tasks"]
    return next(each for each in tasks if each["name"].rpartition("/")[2] == name)


def test_what_mlflow_says_is_what_the_run_did(tracked: tuple[Workspace, Path], records: Records):
    _, folder = tracked
    run = run_called(records, "first")
    params, tags = named(run["data"]["params"]), named(run["data"]["tags"])
    assert run["info"]["status"] == "FINISHED"
    assert tags["kfp.run_id"] == folder.name
    arguments = json.loads((folder / "run.json").read_text())["arguments"]
    assert params["train_steps"] == str(arguments["train_steps"]) == "100"
    assert params["data"] == arguments["data"]
    assert params["hyperparameters.layers.a/b"] == "[1, 2]"
    evaluation = Path(task(folder, "evaluate-model")["artifacts"]["evaluation"])
    findings = json.loads((evaluation / "findings.json").read_text())
    metrics = named(run["data"]["metrics"])
    assert metrics["rows"] == findings["row_count"]
    slices = {each["slice"] for each in findings["values"]}
    assert len(slices) > 1
    undefined: list[str] = []
    for each in findings["values"]:
        plain = each["slice"].replace("=", ":")
        key = f"{each['metric']}/{plain}" if plain else each["metric"]
        # What is no number was computed over rows of one class, and has no point.
        number = None if each["candidate"] is None else float(each["candidate"])
        if number is not None and math.isfinite(number):
            assert metrics[key] == number
        else:
            undefined.append(key)
    assert ", ".join(undefined) == tags["kanaria.undefined_metrics"]
    assert not set(undefined) & set(metrics)


def test_mlflow_lineage_and_the_page_of_the_run_say_the_same(
    tracked: tuple[Workspace, Path], records: Records
):
    workspace, folder = tracked
    (version,) = records.versions("taxi-tips")
    tags = named(version["tags"])
    command = [workspace.command()[0], "lineage", tags["kanaria.release"], "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (model,) = json.loads(done.stdout)["models"]
    assert model["release"] == tags["kanaria.release"]
    assert model["fingerprint"] == tags["kanaria.fingerprint"]
    assert model["run_id"] == tags["kanaria.run_id"] == folder.name
    files = ",".join(model["data"]["files"])
    assert f"{files}#sha256={model['data']['sha256']}" == tags["kanaria.data"]
    of_run = named(run_called(records, "first")["data"]["tags"])
    for key in UNDER_TEST:
        assert of_run.get(key) == tags.get(key)
    assert of_run["kanaria.registered_model"] == "taxi-tips/1"
    endpoint = task(folder, "push-model")["metadata"]["endpoint"]
    assert tags["kanaria.revision"] == endpoint["revision"]
    page = (folder / "index.html").read_text()
    assert tags["kanaria.fingerprint"][:16] in page
    assert tags["kanaria.revision"] in page
    assert records.aliases("taxi-tips") == {"champion": "1"}


def test_the_pages_of_the_steps_are_artifacts(tracked: tuple[Workspace, Path], records: Records):
    _, folder = tracked
    run = run_called(records, "first")
    report = Path(task(folder, "evaluate-model")["artifacts"]["report"])
    assert records.artifact(run, "reports/evaluate-model/report.html") == report.read_bytes()
    assert b"train-and-deploy succeeded" in records.artifact(run, "reports/summary.md")


def test_a_run_that_fails_in_its_training_is_failed_there(
    tracked: tuple[Workspace, Path], server: str, records: Records
):
    workspace, _ = tracked
    module = workspace.folder / "broken_module.py"
    text = (workspace.folder / "taxi_module.py").read_text()
    module.write_text(text.replace("def run_fn(fn_args", "def run_fn(fn_args, *, lacking"))
    done = workspace.run(*settings(server, "broken", f"module_file={module}"))
    assert done.code != 0
    run = run_called(records, "broken")
    tags = named(run["data"]["tags"])
    assert run["info"]["status"] == "FAILED"
    assert tags["kanaria.cause"].startswith("train-model: ")
    assert named(run["data"]["params"])["train_steps"] == "100"
    assert len(records.versions("taxi-tips")) == 1


def test_a_model_that_is_refused_is_compared_with_those_that_were_not(
    tracked: tuple[Workspace, Path], server: str, records: Records
):
    workspace, _ = tracked
    config = workspace.folder / "strict.pbtxt"
    text = (workspace.folder / "eval_config.pbtxt").read_text()
    config.write_text(
        text + 'metrics_specs { metrics { class_name: "BinaryAccuracy" threshold { '
        "value_threshold { lower_bound { value: 1.5 } } } } }\n"
    )
    done = workspace.run(*settings(server, "refused", f"eval_config_file={config}"))
    assert done.code != 0
    run = run_called(records, "refused")
    assert run["info"]["status"] == "FAILED"
    assert "binary_accuracy" in named(run["data"]["metrics"])
    assert "did not pass" in named(run["data"]["tags"])["kanaria.outcome"]
    assert len(records.versions("taxi-tips")) == 1


def test_a_watch_that_finds_drift_is_a_failed_run_with_its_pages(
    tracked: tuple[Workspace, Path], server: str, records: Records
):
    workspace, _ = tracked
    data = workspace.folder / "later.csv"
    text = (workspace.folder / "taxi.csv").read_text().splitlines()
    place = text[0].split(",").index("fare")
    rows = [line.split(",") for line in text[1:]]
    for row in rows:
        row[place] = str(float(row[place] or 1) * 10 + 100)
    data.write_text("\n".join([text[0], *(",".join(row) for row in rows)]))
    done = workspace.watched(data, f"tracking.tracking_uri={server}", "tracking.run_name=watch")
    assert done.code != 0
    (run,) = records.runs("watch-for-drift")
    tags, params = named(run["data"]["tags"]), named(run["data"]["params"])
    assert (run["info"]["status"], run["info"]["run_name"]) == ("FAILED", "watch")
    assert tags["kanaria.cause"].startswith("detect-drift: ") and "fare" in tags["kanaria.cause"]
    assert params["data"] == str(data) and params["service.name"] == "taxi-tips"
    folder = workspace.newest_run()
    assert folder is not None
    report = Path(task(folder, "detect-drift")["artifacts"]["report"])
    assert records.artifact(run, "reports/detect-drift/report.html") == report.read_bytes()
