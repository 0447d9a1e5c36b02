"""What was damaged, or written by another version, counts as absent."""

import json
from pathlib import Path
from typing import Any

import pytest
from toy_runner import Runner

from kanaria.pipelines.local import record
from kanaria.pipelines.local.record import State, TaskRecord

DAMAGED = [b"", b"{", b"[]", b"null", b"7", b'{"tasks": 1}', b"\xff\xfe", b'{"artifacts": []}']


def states(runner: Runner, document: dict[str, Any], text_file: Path) -> set[str]:
    record = runner.run(document, text_file=str(text_file))
    return {task.state.value for task in record.tasks}


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_result_is_made_again(
    runner: Runner, toy_document: dict[str, Any], text_file: Path, content: bytes
):
    runner.run(toy_document, text_file=str(text_file))
    for path in runner.root.cache.glob("*.json"):
        path.write_bytes(content)
    assert states(runner, toy_document, text_file) == {"succeeded", "skipped"}
    assert states(runner, toy_document, text_file) == {"reused", "skipped"}


@pytest.mark.parametrize("part", ["parameters", "artifacts", "contents"])
def test_a_result_without_an_output_is_made_again(
    runner: Runner, toy_document: dict[str, Any], text_file: Path, part: str
):
    runner.run(toy_document, text_file=str(text_file))
    for path in runner.root.cache.glob("*.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), part: {}}))
    assert "succeeded" in states(runner, toy_document, text_file)
    assert states(runner, toy_document, text_file) == {"reused", "skipped"}


def test_a_result_of_a_later_version_is_read_as_far_as_it_is_known(
    runner: Runner, toy_document: dict[str, Any], text_file: Path
):
    runner.run(toy_document, text_file=str(text_file))
    for path in runner.root.cache.glob("*.json"):
        entry = json.loads(path.read_text())
        for artifact in entry["artifacts"].values():
            artifact["colour"] = "yellow"
        path.write_text(json.dumps({**entry, "colour": "yellow"}))
    assert states(runner, toy_document, text_file) == {"reused", "skipped"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a finished run."""
    written = record.new("toy", {"a": 1}, {"bake": []})
    written.state = State.SUCCEEDED
    path = tmp_path / written.run_id
    path.mkdir()
    record.write(written, path)
    return path


def changed(folder: Path, **values: Any) -> None:
    raw = json.loads((folder / record.FILE).read_text())
    (folder / record.FILE).write_text(json.dumps({**raw, **values}))


@pytest.mark.parametrize("content", [*DAMAGED, b'{"run_id": "x"}'])
def test_a_damaged_record_is_no_run(folder: Path, content: bytes):
    (folder / record.FILE).write_bytes(content)
    assert record.read(folder) is None
    assert record.all_runs(folder.parent) == []


WITHOUT_MEANING: list[dict[str, Any]] = [
    {"state": "baking"},
    {"started": 7},
    {"tasks": [7]},
    {"tasks": [{}]},
    {"seconds": "long"},
    {"arguments": None},
    {"run_id": None},
]


@pytest.mark.parametrize("values", WITHOUT_MEANING)
def test_a_record_with_a_value_of_no_meaning_is_no_run(folder: Path, values: dict[str, Any]):
    changed(folder, **values)
    assert record.all_runs(folder.parent) == []


def test_a_record_of_another_version_is_read_as_far_as_it_is_known(folder: Path):
    task = {"name": "bake", "state": "succeeded", "colour": "yellow"}
    changed(folder, colour="yellow", tasks=[task])
    (run,) = record.all_runs(folder.parent)
    assert run.tasks == [TaskRecord(name="bake", state=State.SUCCEEDED)]


def test_a_folder_without_a_record_is_no_run(tmp_path: Path):
    assert record.read(tmp_path) is None
