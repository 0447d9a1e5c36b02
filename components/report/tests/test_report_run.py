"""The work whole: it looks, writes and tells, and never fails by what it finds."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from report_receiver import Receiver
from report_store import RUN, Store

from kanaria.components.report import report, webhook_post
from kanaria.components.report.report import RunReport
from kanaria.components.report.run_outcome import Status
from kanaria.components.shared.html_report import markdown_text

STEPS = ("resolve-span", "ingest-data", "train-model", "push-model")


def request(**changes: Any) -> RunReport:
    fields: dict[str, Any] = {
        "status": Status(state="RUNNING"),
        "pipeline": "train-and-deploy",
        "run_id": RUN,
        "steps": STEPS,
        "last": "push-model",
    }
    return RunReport(**fields | changes)


def written(run_report: RunReport, uri: str, folder: Path) -> tuple[dict[str, Any], str]:
    metadata = report.write(run_report, uri, folder / "summary")
    return metadata, (folder / "summary").read_text()


def test_a_green_run_that_kfp_still_calls_running_succeeded(store: Store, tmp_path: Path):
    store.pushed()
    metadata, text = written(request(), store.summary, tmp_path)
    assert (metadata["outcome"], metadata["cause"]) == ("succeeded", "")
    assert metadata["display_name"] == "summary: train-and-deploy succeeded"
    assert text.startswith("# train-and-deploy succeeded\n")
    assert "tips-predictor-00002 of ml/tips, 10 % when it was pushed" in text


def test_a_failed_step_is_the_cause(store: Store, tmp_path: Path):
    store.done("ingest-data")
    store.failed("train-model", "kanaria.components.shared.errors.UserCodeError: no run_fn")
    metadata, text = written(request(status=Status(state="FAILED")), store.summary, tmp_path)
    assert metadata["outcome"] == "failed"
    assert metadata["cause"] == "train-model: UserCodeError: no run_fn"
    assert "**train-model**: UserCodeError: no run\\_fn" in text
    assert "| push-model | reused, skipped or not begun |" in text


def test_the_duration_counts_from_the_runs_creation():
    created = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    happened = report.look(request(created=created), "s3:/none", datetime.now(UTC))
    assert 299 <= happened.seconds <= 302


@pytest.mark.parametrize("created", ["", "{{$.pipeline_job_create_time_utc}}", "yesterday"])
def test_a_time_that_nobody_filled_in_is_none(created: str):
    happened = report.look(request(created=created), "s3:/none", datetime.now(UTC))
    assert happened.started is None


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "nowhere/summary",
        f"ftp://host/{RUN}/report-run/1/summary",
        f"s3://bucket/train-and-deploy/{RUN}/report-run/1/summary",
        f"/no/such/{RUN}/report-run/1/summary",
        f"/proc/1/root/{RUN}/report-run/1/summary",
    ],
)
def test_a_store_that_cannot_be_read_is_said(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    monkeypatch.setattr("kanaria.components.shared.storage.retry.FIRST_PAUSE_SECONDS", 0.0)
    metadata, text = written(request(status=Status(state="FAILED")), uri, tmp_path)
    assert metadata["outcome"] == "failed"
    assert "train-and-deploy failed" in text
    if uri.startswith("s3"):
        assert "failed 5 times" in text


def test_what_became_of_the_notification_is_said(store: Store, receiver: Receiver, tmp_path: Path):
    store.pushed()
    _, text = written(request(notify_url=f"{receiver.url}/hook"), store.summary, tmp_path)
    assert f"{markdown_text.text(receiver.url)} was notified" in text
    event = json.loads(receiver.got[0][1])
    assert event["type"] == "io.kanaria.run.succeeded"
    assert event["data"]["summary"] == store.summary
    assert event["data"]["endpoint"]["revision"] == "tips-predictor-00002"


def test_a_receiver_that_is_away_is_said(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(webhook_post, "PAUSES", ())
    metadata, text = written(
        request(notify_url="http://127.0.0.1:9/token"), store.summary, tmp_path
    )
    assert metadata["outcome"] == "unfinished"
    assert r"http:\//127.0.0.1:9 was not notified: " in text
    assert "token" not in text


def test_a_wrong_notification_is_said_and_the_run_still_reported(store: Store, tmp_path: Path):
    store.pushed()
    metadata, text = written(request(notify_url="nowhere"), store.summary, tmp_path)
    assert metadata["outcome"] == "succeeded"
    assert "nobody was notified: report\\_run: notify\\_url: no address of a server" in text


def test_the_runner_of_one_machine_tells_by_its_record(tmp_path: Path):
    folder = tmp_path / "runs" / RUN
    tasks = [
        {"name": "ingest-data", "state": "reused", "seconds": 0.0, "cause": "", "metadata": {}},
        {
            "name": "blessed/push-model",
            "state": "failed",
            "seconds": 3.25,
            "cause": "DataError: evaluate_model did not pass",
            "metadata": {},
        },
        {"name": "report-run", "state": "running", "seconds": 0.0, "cause": "", "metadata": {}},
        {"name": "rollout-model", "state": "pending", "seconds": 0, "cause": "", "metadata": {}},
    ]
    (folder / "report-run").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"format": 1, "tasks": tasks}))
    metadata, text = written(
        request(status=Status(state="FAILED")), f"{folder}/report-run/summary.md", tmp_path
    )
    assert metadata["cause"] == "push-model: DataError: evaluate_model did not pass"
    assert "| failed | 3.2\N{NO-BREAK SPACE}s | DataError: evaluate\\_model did not pass |" in text
    assert "| ingest-data | reused |" in text
    assert "| rollout-model | not run |" in text
    assert "report-run" not in text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99, "tasks": []}', '{"tasks": [1]}'])
def test_a_record_that_cannot_be_read_is_said(text: str, tmp_path: Path):
    folder = tmp_path / RUN
    folder.mkdir()
    (folder / "run.json").write_text(text)
    metadata, markdown = written(
        request(status=Status(state="COMPLETE")), f"{folder}/report-run/summary.md", tmp_path
    )
    assert metadata["outcome"] == "succeeded"
    assert "run.json" in markdown
