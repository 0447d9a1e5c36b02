"""Runs and schedules of a KFP server over its REST API, against what the server keeps."""

import time
from datetime import datetime
from typing import Any

import pytest
from kfp_contract import Contract, serving
from kfp_state import Frame
from prometheus_client.parser import text_string_to_metric_families

from kanaria.pipelines.run_metrics.exporter import Exporter
from kanaria.pipelines.run_metrics.server_facts import ServerFacts
from kanaria.pipelines.submit import schedule
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.schedule_times import trigger
from kanaria.pipelines.submit.submit_pipeline import submit

END = 1_769_839_212.5
"""2026-01-31T06:00:12.500Z, when every run of this server ends."""
START = END - 12.5
Labels = tuple[str, str]


@pytest.fixture
def contract():
    with serving() as contract:
        yield contract


@pytest.fixture
def server(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", "/nowhere/kubeconfig")
    return Server(contract.url)


@pytest.fixture
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> str:
    from kfp import compiler, dsl

    @dsl.component(base_image="python:3.12")
    def push_model() -> None:
        pass

    @dsl.pipeline(name="nightly")
    def nightly() -> None:
        push_model()

    path = tmp_path_factory.mktemp("pipeline") / "nightly.yaml"
    compiler.Compiler().compile(nightly, str(path))
    return str(path)


def start(contract: Contract, server: Server, pipeline: str, *frames: Frame) -> str:
    """Start a run that goes through these frames, the last of which is noted."""
    run = submit(pipeline, {}, server=server)
    contract.state.ends.frames[run.run_id] = list(frames)
    for _ in frames:
        contract.state.look_at_run(run.run_id)
    return run.run_id


def series(exporter: Exporter) -> dict[Labels, dict[str, float]]:
    groups: dict[Labels, dict[str, float]] = {}
    for family in text_string_to_metric_families(exporter.text().decode()):
        for one in family.samples:
            if "schedule" in one.labels:
                key = (one.labels["pipeline"], one.labels["schedule"])
                name = one.name.removeprefix("kanaria_pipeline_")
                groups.setdefault(key, {})[name] = one.value
    return groups


def counted(exporter: Exporter, name: str) -> Any:
    return {
        tuple(one.labels.values()): one.value
        for family in text_string_to_metric_families(exporter.text().decode())
        for one in family.samples
        if one.name == name
    }


def test_runs_by_hand_have_no_schedule_and_say_when_they_ended(
    contract: Contract, server: Server, pipeline: str
):
    start(contract, server, pipeline, Frame("SUCCEEDED", {"push-model": "SUCCEEDED"}))
    start(contract, server, pipeline, Frame("FAILED", {"push-model": "FAILED"}))
    start(contract, server, pipeline, Frame("RUNNING"))
    exporter = Exporter(ServerFacts(server))
    assert exporter.unready()
    exporter.look()
    assert exporter.unready() == ""
    values = series(exporter)["nightly", ""]
    assert values.pop("last_failed") in (0, 1)  # Both ended at one moment.
    assert values == {
        "last_start_timestamp_seconds": START,
        "last_success_timestamp_seconds": END,
        "last_failure_timestamp_seconds": END,
        "last_duration_seconds": 12.5,
        "runs_active": 1,
        "blessed_timestamp_seconds": END,
        "blessed_start_timestamp_seconds": START,
    }


@pytest.mark.parametrize(
    ("span", "day"),
    [
        ("2026-01-30", "2026-01-30"),
        ("2026-01-30T23:30:00-01:00", "2026-01-31"),
        ("schedule-time", "2026-01-29"),
        ("latest", None),
        ("15", None),
    ],
)
def test_the_day_that_a_run_was_told_to_read_is_that_of_its_models_data(
    contract: Contract, server: Server, pipeline: str, span: str, day: str | None
):
    frame = Frame("SUCCEEDED", {"push-model": "SUCCEEDED"})
    run_id = start(contract, server, pipeline, frame)
    contract.state.runs[run_id]["runtime_config"]["parameters"] = {"span": span}
    contract.state.runs[run_id]["scheduled_at"] = "2026-01-29T06:00:00Z"
    exporter = Exporter(ServerFacts(server))
    exporter.look()
    seconds = series(exporter)["nightly", ""].get("blessed_data_day_timestamp_seconds")
    assert seconds == (datetime.fromisoformat(f"{day}T00:00:00Z").timestamp() if day else None)


@pytest.mark.parametrize("pushed", ["SKIPPED", "CACHED", "FAILED"])
def test_a_run_that_released_no_model_makes_none_younger(
    contract: Contract, server: Server, pipeline: str, pushed: str
):
    start(contract, server, pipeline, Frame("SUCCEEDED", {"push-model": pushed}))
    exporter = Exporter(ServerFacts(server))
    exporter.look()
    assert "blessed_timestamp_seconds" not in series(exporter)["nightly", ""]


def test_a_schedule_says_when_it_was_due_and_its_runs_are_its_own(
    contract: Contract, server: Server, pipeline: str
):
    schedule.create("hourly", pipeline, {}, server=server, trigger=trigger(cron="0 * * * *"))
    (identity,) = contract.state.schedules
    contract.state.start_of_schedule(identity, "first")
    clock = [time.time()]
    exporter = Exporter(ServerFacts(server), now=lambda: clock[0])
    exporter.look()
    groups = series(exporter)
    assert set(groups) == {("nightly", "hourly")}
    hour = clock[0] // 3600 * 3600
    assert groups["nightly", "hourly"] == {
        "last_start_timestamp_seconds": START,
        "runs_active": 1,
        "schedule_enabled": 1,
        "schedule_due_timestamp_seconds": hour,
    }
    schedule.pause(server, "hourly")
    exporter.look()
    assert series(exporter)["nightly", "hourly"]["schedule_enabled"] == 0
    assert "schedule_due_timestamp_seconds" not in series(exporter)["nightly", "hourly"]


def test_a_schedule_that_is_deleted_leaves_no_series(
    contract: Contract, server: Server, pipeline: str
):
    schedule.create("hourly", pipeline, {}, server=server, trigger=trigger(cron="0 * * * *"))
    (identity,) = contract.state.schedules
    contract.state.start_of_schedule(identity, "first")
    exporter = Exporter(ServerFacts(server))
    exporter.look()
    contract.state.delete_schedule(identity)
    exporter.look()
    assert series(exporter) == {}


def test_a_server_that_is_away_leaves_what_was_seen_and_counts(
    contract: Contract, server: Server, pipeline: str, monkeypatch: pytest.MonkeyPatch
):
    start(contract, server, pipeline, Frame("FAILED"))
    clock = [1000.0]
    exporter = Exporter(ServerFacts(server), now=lambda: clock[0])
    exporter.look()
    before, clock[0] = series(exporter), 2000.0
    monkeypatch.setattr("kanaria.pipelines.submit.kfp_client.READ_SECONDS", 0.0)
    monkeypatch.setattr(exporter, "_facts", ServerFacts(Server("http://127.0.0.1:9")))
    exporter.look()
    assert series(exporter) == before
    assert counted(exporter, "kanaria_pipeline_last_read_timestamp_seconds") == {(): 1000.0}
    assert counted(exporter, "kanaria_pipeline_read_errors_total") == {("NotReadyError",): 1}
    assert "127.0.0.1:9" in exporter.unready()
