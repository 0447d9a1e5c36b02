"""The main job with a TFX-style module, killed in every step, then reused step by step.

The tests build on one another in order, as one user's afternoon would.
"""

import json
import subprocess
from pathlib import Path

import httpx
import pytest
from browser import started
from workspace import KANARIA, Workspace

from kanaria.components.shared.artifacts.metadata import plain

JUDGING = {"compare-data", "bless-model"}
CACHED = {"ingest-data", "validate-data", "transform-data", "train-model", "evaluate-model"}
CACHED |= {"fit-drift-detector"} | JUDGING
# The detector is fitted beside the evaluation, so it is there by the time that one is killed.
KILLED = ["ingest-data", "validate-data", "transform-data", "train-model", "evaluate-model"]
# The reference is of the features that the new model's signature names.
AFTER_TRAINING = {"train-model", "evaluate-model", "bless-model", "fit-drift-detector"}


def ran(states: dict[str, str]) -> set[str]:
    """Return the cached steps that ran again."""
    return {name for name in CACHED if states[name] == "succeeded"}


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("step", [*KILLED, "push-model"])
def test_a_step_killed_with_9_leaves_nothing_and_the_next_run_goes_on(
    workspace: Workspace, step: str
):
    finished = workspace.killed_in(step)
    assert finished.code == 1
    assert f"{step}: killed by signal 9" in finished.errors
    assert finished.states[step] == "failed"
    earlier = KILLED[: KILLED.index(step)] if step in KILLED else KILLED
    assert all(finished.states[name] in ("succeeded", "reused") for name in earlier)
    published = [
        path.name
        for path in workspace.root.glob(f"runs/*/**/{step}/*")
        if not path.name.startswith(".") and path.name not in ("log.txt", "parameters")
    ]
    assert published == []


def test_the_run_after_the_kills_deploys_the_model(workspace: Workspace, server: str):
    finished = workspace.run()
    assert finished.code == 0, finished.errors
    assert ran(finished.states) == set()  # All that was finished before a kill is kept.
    assert finished.states["push-model"] == "succeeded"
    assert httpx.get(server).json()["services"] == [
        {
            "namespace": "default",
            "name": "taxi-tips",
            "ready": True,
            "traffic": {"taxi-tips-predictor-00001": 100},
        }
    ]


@pytest.mark.usefixtures("workspace")
def test_the_deployed_model_answers_curl(server: str):
    # A TFX module exports a signature of serialized tf.Examples, as TF Serving takes them.
    answer = httpx.post(
        f"{server}/v1/models/taxi-tips:predict", json={"instances": [{"b64": ""}]}, timeout=None
    )
    assert answer.status_code == 400  # An empty tf.Example lacks required features.
    assert "Feature: fare" in answer.json()["error"]


@pytest.mark.usefixtures("server")
def test_a_release_runs_only_what_judges_against_it_and_the_next_run_nothing(workspace: Workspace):
    assert ran(workspace.run().states) == JUDGING
    finished = workspace.run()
    assert finished.code == 0
    assert ran(finished.states) == set()


@pytest.mark.usefixtures("server")
def test_one_byte_of_the_eval_config_runs_the_evaluation_and_what_it_refuses_is_red(
    workspace: Workspace,
):
    config = workspace.folder / "eval_config.pbtxt"
    text = config.read_text()
    config.write_text(text.replace("lower_bound { value: 0.6 }", "lower_bound { value: 9.6 }"))
    finished = workspace.run()
    config.write_text(text)
    assert ran(finished.states) == {"evaluate-model", "bless-model"}
    assert finished.code == 1
    assert finished.states["push-model"] == "failed"
    assert "error: push-model: DataError: bless_model did not pass: auc = " in finished.errors
    assert finished.output.count("bless_model did not pass") == 0  # It is told once.


@pytest.mark.usefixtures("server")
def test_a_parameter_of_the_training_runs_what_depends_on_it(workspace: Workspace):
    assert ran(workspace.run("train_steps=101").states) == AFTER_TRAINING


@pytest.mark.usefixtures("server")
def test_one_byte_of_the_module_runs_what_depends_on_it(workspace: Workspace):
    # A byte that changes the model: one that does not gives equal bytes, and is cut off there.
    module = workspace.folder / "taxi_module.py"
    (workspace.folder / "sizes.py").write_text("UNITS = 17\n")
    text = module.read_text().replace('"units", 16', '"units", sizes.UNITS')
    module.write_text(
        text.replace("import tensorflow as tf\n", "import sizes\nimport tensorflow as tf\n")
    )
    finished = workspace.run()
    assert ran(finished.states) == {"transform-data"} | AFTER_TRAINING


@pytest.mark.usefixtures("server")
def test_one_byte_of_the_data_runs_everything_behind_it(workspace: Workspace):
    data = workspace.folder / "taxi.csv"
    text = data.read_text()
    data.write_text(text[:-2] + ("5" if text[-2] != "5" else "6") + "\n")
    finished = workspace.run()
    assert ran(finished.states) == CACHED


@pytest.mark.usefixtures("server")
def test_a_run_folder_holds_the_reports(workspace: Workspace):
    runs = sorted(workspace.root.glob("runs/*/run.json"))
    record = json.loads(runs[-1].read_text())
    index = (runs[-1].parent / "index.html").read_text()
    assert "Run succeeded in " in index
    assert "bless-model/report.html" in index
    for task in record["tasks"]:
        assert task["name"].rpartition("/")[2] in index


@pytest.mark.usefixtures("server")
def test_every_artifact_has_a_name_and_metadata_that_kfp_takes(workspace: Workspace):
    record = json.loads((workspace.newest_run() / "run.json").read_text())
    all_metadata = [
        (task["name"], name, facts_of)
        for task in record["tasks"]
        for name, facts_of in task["metadata"].items()
    ]
    assert len(all_metadata) > 20
    for task, name, facts_of in all_metadata:
        assert facts_of["display_name"].startswith(name), (task, name)
        text = json.dumps(facts_of, allow_nan=False)
        assert plain(facts_of) == facts_of, (task, name)  # There is no null in it.
        # A curve is drawn, and no step reads it.
        assert name == "classification" or len(text) < 4200, (task, name)


@pytest.mark.usefixtures("server")
def test_a_service_leads_back_to_the_run_and_the_files(workspace: Workspace):
    run = workspace.newest_run()
    command = [KANARIA, "lineage", "taxi-tips", "--state", workspace.root / "serving", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    newest = json.loads(done.stdout)["models"][-1]
    assert newest["data"]["files"] == [str(workspace.folder / "taxi.csv")]
    # The same model pushed again keeps its first record, so the run may be an earlier one.
    assert (run.parent / newest["run_id"] / "index.html").is_file()
    assert newest["training"]["packages"]["tensorflow"]
    tasks = json.loads((run.parent / newest["run_id"] / "run.json").read_text())["tasks"]
    pinned = next(t["parameters"]["data"] for t in tasks if t["name"] == "resolve-span")
    assert pinned.endswith(newest["data"]["sha256"])


RUN_HEADINGS = ["Graph", "Verdicts", "Metrics", "Release", "Tasks", "Parameters"]
FIRST_HEADINGS = {
    "validate-data": "Data validation",
    "evaluate-model": "Model evaluation",
    "bless-model": "Model blessing",
    "push-model": "taxi-tips",
}


@pytest.mark.usefixtures("server")
def test_a_browser_shows_the_pages_of_a_run_as_pages(workspace: Workspace, tmp_path: Path):
    record = workspace.newest_run()
    tasks = json.loads((record / "run.json").read_text())["tasks"]
    named = {task["name"].rpartition("/")[2]: task for task in tasks}
    with started(tmp_path) as tab:
        tab.open((record / "index.html").absolute().as_uri())
        assert tab.headings()[1:] == RUN_HEADINGS
        for name, heading in FIRST_HEADINGS.items():
            tab.look(width=390, dark=True)
            tab.open(Path(named[name]["artifacts"]["report"]).absolute().as_uri())
            assert heading in tab.headings()[0]
            tab.wait_for("document.documentElement.scrollWidth === 390")
        assert tab.errors == []
        assert [url for url in tab.requests if not url.startswith("file:")] == []


def test_a_run_with_a_policy_rolls_its_model_out(workspace: Workspace, server: str):
    policy = workspace.folder / "policy.yaml"
    policy.write_text("strategy: basic\n")
    finished = workspace.run("train_steps=102", f"rollout_policy_file={policy}")
    assert finished.code == 0, finished.errors
    assert finished.states["rollout-model"] == "succeeded"
    (service,) = httpx.get(server).json()["services"]
    assert list(service["traffic"].values()) == [100]
    timeline = next(workspace.newest_run().glob("rollout-model/timeline*"))
    assert "Promoted after" in timeline.read_text()


@pytest.mark.usefixtures("server")
def test_two_workers_train_the_model_of_a_run(workspace: Workspace):
    finished = workspace.run("train_steps=103", "compute.training_workers=2")
    assert finished.code == 0, finished.errors
    assert "train-model" in ran(finished.states)
    log = workspace.newest_run() / "train-model/log.txt"
    for worker in (0, 1):
        assert f"worker {worker}: 103/103 - " in log.read_text()


@pytest.mark.usefixtures("server")
def test_new_data_is_compared_with_what_the_live_model_was_trained_on(workspace: Workspace):
    data = workspace.folder / "taxi.csv"
    names, *rows = data.read_text().splitlines()
    same, other = workspace.folder / "same.csv", workspace.folder / "other.csv"
    place = names.split(",").index("trip_miles")
    dearer = [",".join([*(r := row.split(","))[:place], "99.5", *r[place + 1 :]]) for row in rows]
    same.write_text("\n".join([names, *rows[::2]]) + "\n")
    other.write_text("\n".join([names, *dearer]) + "\n")
    passed, failed = (workspace.watched(data) for data in (same, other))
    assert passed.code == 0, passed.errors
    assert failed.code == 1
    assert "detect-drift: DataError: detect_drift did not pass: trip_miles" in failed.errors
    assert "detect-drift/report.html" in failed.output


@pytest.mark.usefixtures("server")
def test_nothing_is_left_in_the_folder_of_temporary_files(workspace: Workspace):
    # After runs that ended, failed and were killed, and while the server goes on.
    assert list(workspace.temporary.iterdir()) == []
