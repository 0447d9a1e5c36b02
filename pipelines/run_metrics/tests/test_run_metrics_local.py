"""The runs of this machine over HTTP, against the records that were written."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kanaria.pipelines.local import record
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord
from kanaria.pipelines.run_metrics.exporter import Exporter
from kanaria.pipelines.run_metrics.local_facts import LocalFacts

T0 = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""


def write(runs: Path, number: int, state: State, pushed: State | None = None, **changes) -> None:
    tasks = [TaskRecord(name="push-model", state=pushed)] if pushed else []
    if "span" in changes:
        span = {"span": changes.pop("span")}
        tasks.append(TaskRecord(name="resolve-span", state=State.SUCCEEDED, parameters=span))
    values = {"pipeline": "nightly", "seconds": 60.0} | changes
    run = RunRecord(
        run_id=f"run-{number}",
        arguments={},
        started=f"2026-01-01T0{number}:00:00.000+00:00",
        state=state,
        tasks=tasks,
        **values,
    )
    (runs / run.run_id).mkdir(parents=True)
    record.write(run, runs / run.run_id)


def series(text: str, pipeline: str = "nightly") -> dict[str, float]:
    return {
        sample.name.removeprefix("kanaria_pipeline_"): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("pipeline") == pipeline
    }


def look(runs: Path) -> str:
    exporter = Exporter(LocalFacts(runs))
    exporter.look()
    return exporter.text().decode()


def test_last_times_and_lengths_are_those_of_the_records(tmp_path: Path):
    write(tmp_path, 1, State.SUCCEEDED, State.SUCCEEDED, seconds=100.0)
    write(tmp_path, 2, State.FAILED, State.PENDING, seconds=30.0)
    write(tmp_path, 3, State.SUCCEEDED, State.SKIPPED, seconds=50.0)
    write(tmp_path, 4, State.INTERRUPTED, seconds=5.0)
    write(tmp_path, 1 + 4, State.SUCCEEDED, pipeline="other")
    assert series(look(tmp_path)) == {
        "last_start_timestamp_seconds": T0 + 4 * 3600,
        "last_success_timestamp_seconds": T0 + 3 * 3600 + 50,
        "last_failure_timestamp_seconds": T0 + 2 * 3600 + 30,
        "last_duration_seconds": 50,
        "last_failed": 0,
        "runs_active": 0,
        "blessed_timestamp_seconds": T0 + 3600 + 100,
        "blessed_start_timestamp_seconds": T0 + 3600,
    }
    assert series(look(tmp_path), "other")["last_success_timestamp_seconds"] == T0 + 5 * 3600 + 60


def test_a_run_that_goes_on_is_active_and_one_whose_runner_died_is_not(tmp_path: Path):
    write(tmp_path, 1, State.RUNNING, seconds=0.0)
    write(tmp_path, 2, State.RUNNING, seconds=0.0)
    with record.held(tmp_path / "run-2"):
        values = series(look(tmp_path))
    assert values == {"last_start_timestamp_seconds": T0 + 7200, "runs_active": 1}


@pytest.mark.parametrize(
    ("span", "day"),
    [("2025-12-31", -1), ("2025-12-25..2025-12-30", -2), ("15", None), ("3..7", None), ("", None)],
)
def test_the_newest_day_of_a_blessed_models_data_is_told_where_spans_are_days(
    tmp_path: Path, span: str, day: int | None
):
    write(tmp_path, 1, State.SUCCEEDED, State.SUCCEEDED, span=span)
    write(tmp_path, 2, State.FAILED, State.PENDING, span="2026-01-01")
    seconds = series(look(tmp_path)).get("blessed_data_day_timestamp_seconds")
    assert seconds == (None if day is None else T0 + day * 86400)


def test_a_release_that_was_there_already_makes_no_model_younger(tmp_path: Path):
    write(tmp_path, 1, State.SUCCEEDED, State.SUCCEEDED)
    write(tmp_path, 2, State.SUCCEEDED, State.REUSED)
    assert series(look(tmp_path))["blessed_timestamp_seconds"] == T0 + 3600 + 60


def test_a_pod_that_names_no_server_does_not_pretend_to_have_runs_of_its_own(tmp_path: Path):
    code = "from kanaria.pipelines.cli import main; main()"
    command = [sys.executable, "-I", "-c", code, "runs", "metrics", "--port", "0"]
    outside = {key: value for key, value in os.environ.items() if not key.startswith("KF")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=outside | {"KUBERNETES_SERVICE_HOST": "10.96.0.1"},
        cwd=tmp_path,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: host is missing; give the address of Kubeflow Pipelines")


def test_the_command_answers_probes_and_ends_as_it_is_told(tmp_path: Path):
    write(tmp_path / "runs", 1, State.FAILED)
    command = [sys.executable, "-I", "-m", "kanaria.pipelines.cli"]
    code = "from kanaria.pipelines.cli import main; main()"
    command = [sys.executable, "-I", "-c", code, "runs", "metrics"]
    environment = {key: value for key, value in os.environ.items() if "ENDPOINT" not in key}
    with subprocess.Popen(
        [*command, "--root", str(tmp_path), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | {"KANARIA_LOG_FORMAT": "json"},
    ) as process:
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().split()[-1]
        while httpx.get(url.replace("metrics", "readyz")).status_code == 503:
            assert process.poll() is None
        text = httpx.get(url).text
        process.send_signal(signal.SIGTERM)
        lines = [json.loads(line) for line in process.stderr]
    assert process.returncode == 143
    assert lines[-1]["message"] == "stopped by SIGTERM"
    assert series(text)["last_failed"] == 1
    assert 'kanaria_build_info{server="pipelines"' in text
