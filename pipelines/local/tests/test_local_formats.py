"""Runs and reused results of older and newer programs, in one folder."""

import json
import logging
from pathlib import Path

import pytest

from kanaria.components.report import run_record
from kanaria.pipelines.local import record
from kanaria.pipelines.local.cache import Cache
from kanaria.pipelines.local.plan import Task
from kanaria.pipelines.local.record import State
from kanaria.pipelines.local.step import StepOutputs


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Path]:
    """Two runs, as this program keeps them."""
    folders = {}
    for name in ("one", "two"):
        run = record.new(name, {}, {"task": []})
        folder = tmp_path / run.run_id
        record.write(run, folder)
        folders[name] = folder / record.FILE
    return folders


def _numbered(file: Path, number: int | None) -> None:
    document = {**json.loads(file.read_text()), "format": number}
    file.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))


@pytest.mark.parametrize("number", [None, 1])
def test_a_run_of_an_older_program_is_read(runs: dict[str, Path], number: int | None):
    before = record.read(runs["one"].parent)
    document = json.loads(runs["one"].read_text())
    assert document["format"] == 2
    later = ("after", "began", "types")
    for task in document["tasks"]:
        assert [task.pop(name) for name in later] == [[], 0.0, {}]
    runs["one"].write_text(json.dumps(document))
    _numbered(runs["one"], number)
    assert record.read(runs["one"].parent) == before is not None


def test_a_run_of_a_newer_program_is_named_and_the_others_are_listed(
    runs: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    _numbered(runs["one"], 3)
    with caplog.at_level(logging.WARNING):
        listed = record.all_runs(tmp_path)
    assert [run.pipeline for run in listed] == ["two"]
    assert f"{runs['one']}: written by a newer Kanaria: format 3, this one knows 2" in caplog.text


@pytest.mark.parametrize(("number", "counts"), [(None, True), (1, True), (2, False)])
def test_a_reused_result_counts_unless_a_newer_program_kept_it(
    tmp_path: Path, number: int | None, counts: bool
):
    task = Task(
        name="task",
        component={},
        container={},
        parameters={},
        artifacts={},
        after=frozenset(),
        guards=(),
        cached=True,
    )
    cache, outputs = Cache(tmp_path), StepOutputs(parameters={"n": 1}, artifacts={}, log="")
    cache.store("key", outputs)
    _numbered(tmp_path / "key.json", number)
    assert (cache.find("key", task) == outputs) is counts


def test_report_run_reads_the_record_that_is_written_now(tmp_path: Path):
    run = record.new("p", {"seed": 3}, {"train": [], "report-run": []})
    page = tmp_path / "report.html"
    page.touch()
    run.tasks[0].state, run.tasks[0].artifacts = State.SUCCEEDED, {"report": str(page)}
    record.write(run, tmp_path)
    left = run_record.read(str(tmp_path), "report-run")
    assert left is not None
    assert [(step.name, step.state) for step in left.steps] == [("train", "succeeded")]
    assert (left.arguments, left.pages) == ({"seed": 3}, {"train/report": str(page)})
