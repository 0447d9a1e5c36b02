"""Submitting and waiting, against a server that answers as KFP 2.17.0 does."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp_contract import Contract
from kfp_state import Frame

from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.run_snapshot import Outcome, Snapshot
from kanaria.pipelines.submit.server_runs import Finished, wait
from kanaria.pipelines.submit.submit_pipeline import Submitted, submit

Values = dict[str, Any]


def started(
    server: Server, pipeline: str, arguments: Values, root: str, **options: Any
) -> Submitted:
    return submit(pipeline, arguments, server=server, pipeline_root=root, **options)


def waited(server: Server, run: Submitted, patience: float = 5) -> Finished:
    return wait(run, server, show=lambda _: None, poll_seconds=0, patience_seconds=patience)


def test_a_run_has_the_version_the_parameters_and_the_root(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    run = started(server, pipeline, arguments, root, experiment="taxi", run_name="first")
    body = contract.state.runs[run.run_id]
    assert body["display_name"] == "first"
    assert body["runtime_config"]["pipeline_root"] == root
    sent = body["runtime_config"]["parameters"]
    assert sent["data"] == arguments["data"]
    assert sent["model_root"] == f"{root}/models"
    assert "spice" not in sent
    experiment = contract.state.experiments[body["experiment_id"]]
    assert experiment["display_name"] == "taxi"
    assert run.link == f"{contract.url}/#/runs/details/{run.run_id}"
    assert run.link in run._repr_html_()


def test_a_local_file_is_published_under_its_content(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    first = started(server, pipeline, arguments, root)
    Path(arguments["module_file"]).write_text("x = 2\n")
    second = started(server, pipeline, arguments, root)
    uris = [
        contract.state.runs[run.run_id]["runtime_config"]["parameters"]["module_file"]
        for run in (first, second)
    ]
    assert uris[0] != uris[1]
    for uri, text in zip(uris, ("x = 1\n", "x = 2\n"), strict=True):
        assert uri.startswith(f"{root}/files/")
        with zipfile.ZipFile(uri.removeprefix("file://")) as archive:
            assert archive.read("my_module.py").decode() == text


def test_an_unchanged_pipeline_is_uploaded_once(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    first = started(server, pipeline, arguments, root)
    again = started(server, pipeline, {**arguments, "spice": 4}, root)
    assert first.version.uploaded
    assert not again.version.uploaded
    assert again.version.version_id == first.version.version_id
    assert len(contract.requests_like("POST pipelines/upload_version")) == 1
    assert len(contract.state.experiments) == 1


def test_a_changed_pipeline_is_a_new_version_of_the_same_pipeline(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    started(server, pipeline, arguments, root)
    started(server, pipeline, arguments, root, image_prefix="registry.example.com/ml")
    assert len(contract.state.pipelines) == 1
    texts = list(contract.state.texts.values())
    assert len(texts) == 2
    assert "registry.example.com/ml/kanaria-control" in texts[1]


def test_without_cache_no_task_of_any_depth_is_reused(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    started(server, pipeline, arguments, root, cached=False)
    (text,) = contract.state.texts.values()
    assert "enableCache" not in text
    assert "enableCache" in Path(pipeline).read_text()


def test_what_another_caller_creates_in_between_is_taken(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    first = started(server, pipeline, arguments, root)
    contract.state.hidden = ["pipelines", "pipeline_versions", "experiments"]
    again = started(server, pipeline, arguments, root)
    assert contract.state.hidden == []
    assert again.version.version_id == first.version.version_id
    assert not again.version.uploaded
    assert len(contract.state.pipelines) == len(contract.state.experiments) == 1


def test_the_platforms_document_of_a_pipeline_is_uploaded_too(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str, tmp_path: Path
):
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {}}}}}
    both = tmp_path / "both.yaml"
    both.write_text(f"{Path(pipeline).read_text()}\n---\n{yaml.safe_dump(platform)}")
    started(server, str(both), arguments, root)
    (text,) = contract.state.texts.values()
    assert list(yaml.safe_load_all(text))[1] == platform


FLOW = (
    Frame(""),
    Frame("RUNNING", {"cook": "RUNNING", "condition-1": "PENDING"}),
    Frame("RUNNING", {"cook": "SUCCEEDED", "condition-1": "SKIPPED"}),
    Frame("SUCCEEDED", {"cook": "SUCCEEDED", "condition-1": "SKIPPED"}),
)


def test_progress_shows_the_pipelines_tasks_and_none_of_the_engines(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    contract.state.frames = FLOW
    run = started(server, pipeline, arguments, root)
    snapshots: list[Snapshot] = []
    finished = wait(run, server, show=snapshots.append, poll_seconds=0)
    assert finished.outcome is Outcome.SUCCEEDED
    shown = [[(task.name, task.state.value) for task in now.tasks] for now in snapshots]
    assert shown == [
        [],
        [("cook", "RUNNING")],
        [("cook", "SUCCEEDED"), ("tasty", "SKIPPED")],
        [("cook", "SUCCEEDED"), ("tasty", "SKIPPED")],
    ]
    assert snapshots[-1].tasks[0].seconds == 12.5


def test_a_failed_run_names_the_task_and_its_message(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    causes = {"cook": "DataError: the oven\nis cold"}
    contract.state.frames = (Frame("RUNNING"), Frame("FAILED", {"cook": "FAILED"}, causes))
    finished = waited(server, started(server, pipeline, arguments, root))
    assert finished.outcome is Outcome.FAILED
    assert [(task.name, task.cause) for task in finished.failed] == [
        ("cook", "DataError: the oven is cold")
    ]


@pytest.mark.parametrize(
    "frames",
    [
        (Frame("RUNNING"), Frame("CANCELING"), Frame("CANCELING"), Frame("FAILED")),
        (Frame("RUNNING"), Frame("CANCELING"), Frame("CANCELED")),
        (Frame("CANCELED"),),
    ],
    ids=["as 2.17.0 reports it", "as others do", "seen too late"],
)
def test_a_cancelled_run_is_told_from_a_failed_one(
    contract: Contract,
    server: Server,
    pipeline: str,
    arguments: Values,
    root: str,
    frames: tuple[Frame, ...],
):
    contract.state.frames = frames
    finished = waited(server, started(server, pipeline, arguments, root))
    assert finished.outcome is Outcome.CANCELED


def test_a_flaky_server_is_asked_again_while_waiting(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    run = started(server, pipeline, arguments, root)
    contract.break_next("/runs/", 503, times=2)
    assert waited(server, run).outcome is Outcome.SUCCEEDED


def test_a_server_that_stays_away_ends_the_waiting(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    run = started(server, pipeline, arguments, root)
    contract.break_next("/runs/", 503, times=100)
    with pytest.raises(NotReadyError, match="503 upstream connect error"):
        waited(server, run, patience=0.3)


def test_a_deleted_run_ends_the_waiting_at_once(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    run = started(server, pipeline, arguments, root)
    contract.state.runs.clear()
    with pytest.raises(ParameterError, match=f"404 Run {run.run_id} not found"):
        waited(server, run)


def test_a_run_is_never_started_twice_by_a_retry(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    contract.break_next("v2beta1/runs", 503)
    with pytest.raises(NotReadyError, match="503"):
        started(server, pipeline, arguments, root)
    assert len(contract.requests_like("POST runs")) == 1
