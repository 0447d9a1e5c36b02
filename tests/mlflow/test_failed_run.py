"""A run that Kubeflow Pipelines runs and that fails before its push, as MLflow tells of it."""

import uuid
from pathlib import Path

import pytest
from kfp_server import answering, run_document
from mlflow_server import Records, named
from report_store import RUN, Store

from kanaria.components.report import report
from kanaria.components.report.report import RunReport
from kanaria.components.report.run_outcome import Status
from kanaria.components.resolve import run_tracking


def request(server: str, pipeline: str) -> RunReport:
    return RunReport(
        status=Status(state="FAILED"),
        pipeline=pipeline,
        run_id=RUN,
        steps=("ingest-data", "train-model", "push-model"),
        last="push-model",
        tracking={"tracking_uri": server},
    )


@pytest.mark.parametrize("answers", [True, False])
def test_its_parameters_its_end_and_its_cause_are_there(
    answers: bool, server: str, records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store, pipeline = Store(tmp_path), f"failing-{uuid.uuid4().hex[:8]}"
    store.done("ingest-data")
    store.failed("train-model", "kanaria.components.shared.errors.UserCodeError: no run_fn")
    run_report = request(server, pipeline)
    run_tracking.begin(run_report.tracking, RUN, pipeline)
    document = run_document(RUN, train_steps=7, data="s3://d/a.csv", notify_url="https://secret")
    with answering(document, 200 if answers else 403) as api:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", api.url)
        report.write(run_report, store.summary, tmp_path / "summary")
    (run,) = records.runs(pipeline)
    params, tags = named(run["data"].get("params", [])), named(run["data"]["tags"])
    assert run["info"]["status"] == "FAILED"
    assert tags["kanaria.cause"] == "train-model: UserCodeError: no run_fn"
    summary = (tmp_path / "summary").read_text()
    if answers:
        assert params == {"seed": "0", "train_steps": "7", "data": "s3://d/a.csv"}
    else:
        assert params == {}
        assert "without its parameters" in summary and "403" in summary
