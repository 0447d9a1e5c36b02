from pathlib import Path

import pytest

from kanaria.components.shared.artifacts.serving_samples import Sample, ServingSamples, Tensor
from kanaria.components.shared.artifacts.serving_samples import write as write_samples
from kanaria.components.shared.command_line import program
from kanaria.pipelines.local import endpoint, summary
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord


def ended(*tasks: TaskRecord, state: State = State.SUCCEEDED, seconds: float = 0.0) -> RunRecord:
    return RunRecord(
        run_id="r",
        pipeline="p",
        arguments={"service": {"name": "tips"}},
        started="2026-01-01T00:00:00+00:00",
        state=state,
        tasks=list(tasks),
        seconds=seconds,
    )


def test_a_model_that_is_not_blessed_is_named_with_its_reason():
    why = "evaluate_model did not pass: auc = 0.5 is below the lower bound 0.6"
    judged = TaskRecord(name="evaluate", metadata={"outcome": {"passed": False, "summary": why}})
    push = TaskRecord(name="push", state=State.SKIPPED)
    assert why in summary.lines(ended(judged, push))


def test_a_refusal_that_failed_a_task_is_told_once():
    why = "bless_model did not pass: auc = 0.5 is below the lower bound 0.6"
    judged = TaskRecord(name="bless", metadata={"outcome": {"passed": False, "summary": why}})
    push = TaskRecord(name="push", state=State.FAILED, cause=f"DataError: {why}")
    record = ended(judged, push, state=State.FAILED)
    assert next(summary.failures(record)) == f"error: push: DataError: {why}"
    assert why not in "".join(summary.lines(record))


def test_what_passed_is_not_mentioned():
    judged = TaskRecord(name="evaluate", metadata={"outcome": {"passed": True, "summary": "fine"}})
    assert "fine" not in "".join(summary.lines(ended(judged)))


def test_the_summary_names_what_was_reused_and_what_was_not_run():
    failed = TaskRecord(name="x/b", state=State.FAILED, cause="too salty", log="/log.txt")
    tasks = (TaskRecord(name="a", state=State.REUSED), failed)
    record = ended(*tasks, TaskRecord(name="c"), TaskRecord(name="x/d"), state=State.FAILED)
    assert list(summary.failures(record)) == ["error: b: too salty", "log: /log.txt"]
    assert list(summary.lines(record)) == ["failed in 0.0 s, 1 task reused", "not run: c, d"]


def test_the_summary_tells_long_times_in_minutes():
    assert next(summary.lines(ended(seconds=4203.7))) == "succeeded in 1 h 10 min"


def test_the_summary_names_reports():
    artifacts = {"report": "/run/report.html", "model": "/run/model"}
    task = TaskRecord(name="push", state=State.SUCCEEDED, artifacts=artifacts)
    assert list(summary.lines(ended(task)))[-1] == "report: /run/report.html"


PUSHED = {
    "pushed": True,
    "reason": "",
    "name": "tips",
    "revision": "tips-00002",
    "percent": 10,
    "url": "http://127.0.0.1:40123",
}


KINDS = {"day": "string", "size": "int64"}


def pushed(samples: Path, rows: int = 1, matrix: str = "", protocol: str = "v1") -> RunRecord:
    """A run that trained on what an apostrophe may stand in, and pushed."""
    sample = Sample(inputs={"day": "Bob's", "size": 2}, outputs={"score": 0.5})
    tensors = {name: Tensor(dtype=kind, shape=(None,)) for name, kind in KINDS.items()}
    rows_saved = ServingSamples(inputs=tensors, outputs={}, rows=[sample] * rows, matrix=matrix)
    write_samples(rows_saved, samples)
    train = TaskRecord(name="train", artifacts={"serving_samples": str(samples)})
    return ended(
        train, TaskRecord(name="push", metadata={"endpoint": PUSHED | {"protocol": protocol}})
    )


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KANARIA_SERVING_ROOT", raising=False)
    return tmp_path


def test_without_a_server_the_endpoint_says_how_to_serve_and_ask_it(here: Path):
    lines = endpoint.lines(pushed(here / "samples"), Root(path=here / ".kanaria"))
    assert lines.sentences == ("endpoint: tips-00002 gets 10 % once it is served; to ask it:",)
    serve, ask = lines.commands
    assert serve == f"{program()} serve"
    assert ask == (
        "curl http://127.0.0.1:8080/v1/models/tips:predict "
        """-d '{"instances": [{"day": "Bob'"'"'s", "size": 2}]}'"""
    )


def test_a_matrix_is_asked_for_in_the_order_of_its_columns(here: Path):
    record = pushed(here / "samples", matrix="input-0")
    lines = endpoint.lines(record, Root(path=here / ".kanaria"))
    assert lines.commands[-1].endswith("""-d '{"instances": [["Bob'"'"'s", 2]]}'""")


def test_a_service_that_speaks_v2_is_asked_in_v2(here: Path):
    record = pushed(here / "samples", protocol="v2")
    lines = endpoint.lines(record, Root(path=here / ".kanaria"))
    assert "/v2/models/tips/infer" in lines.commands[-1]


def test_a_state_folder_elsewhere_is_named_as_it_is_typed_here(here: Path):
    lines = endpoint.lines(pushed(here / "samples"), Root(path=here / "my runs"))
    assert lines.commands[0] == f"{program()} serve --state 'my runs/serving'"


def test_a_model_without_samples_has_no_request_to_show(here: Path):
    lines = endpoint.lines(pushed(here / "samples", rows=0), Root(path=here / ".kanaria"))
    assert lines.commands == (f"{program()} serve",)


def test_a_long_request_is_sent_from_a_file(here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(endpoint, "MOST_INLINE", 10)
    lines = endpoint.lines(pushed(here / "samples"), Root(path=here / ".kanaria"))
    assert lines.commands[1].endswith(" -d @.kanaria/runs/r/request.json")
    assert "Bob's" in (here / ".kanaria/runs/r/request.json").read_text()


def test_the_endpoint_says_why_nothing_was_pushed(here: Path):
    refused = PUSHED | {"pushed": False, "reason": "not pushed: AUC"}
    record = ended(TaskRecord(name="push", metadata={"endpoint": refused}))
    lines = endpoint.lines(record, Root(path=here))
    assert (lines.sentences, lines.commands) == (("endpoint: not pushed: AUC",), ())
