"""With a pipeline root, every output of a run is published there too."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_runner import Runner

from kanaria.components.shared.artifacts import fingerprint
from kanaria.pipelines.local.record import RunRecord, State


@pytest.fixture
def copies(runner: Runner, tmp_path: Path) -> Path:
    runner.root = replace(runner.root, copies=(tmp_path / "bucket").as_uri())
    return tmp_path / "bucket"


def uris(record: RunRecord) -> dict[str, str]:
    return {name: uri for task in record.tasks for name, uri in task.copies.items()}


def test_every_output_has_an_equal_copy(
    runner: Runner, copies: Path, toy_document: dict[str, Any], text_file: Path
):
    record = runner.run(toy_document, text_file=str(text_file))
    artifacts = {name: path for task in record.tasks for name, path in task.artifacts.items()}
    assert set(artifacts) == set(uris(record)) == {"out", "upper"}
    for task, name in (("write-words", "out"), ("count-letters", "upper")):
        copy = copies / record.run_id / task / name
        assert uris(record)[name] == copy.as_uri()
        assert fingerprint.of_tree(copy) == fingerprint.of_tree(Path(artifacts[name]))


def test_a_reused_task_keeps_its_copy(
    runner: Runner, copies: Path, toy_document: dict[str, Any], text_file: Path
):
    first, second = (runner.run(toy_document, text_file=str(text_file)) for _ in range(2))
    assert uris(first) == uris(second)
    assert [folder.name for folder in copies.iterdir()] == [first.run_id]


def test_a_reused_task_whose_copy_is_gone_gets_a_new_one(
    runner: Runner, copies: Path, toy_document: dict[str, Any], text_file: Path
):
    first = runner.run(toy_document, text_file=str(text_file))
    copies.rename(copies.with_name("gone"))
    second = runner.run(toy_document, text_file=str(text_file))
    assert {task.state for task in second.tasks} == {State.REUSED, State.SKIPPED}
    assert uris(second)["out"] != uris(first)["out"]
    assert (copies / second.run_id / "write-words" / "out").is_file()


def test_a_store_that_takes_nothing_fails_the_task(
    runner: Runner, copies: Path, toy_document: dict[str, Any], text_file: Path
):
    copies.write_text("a file where the folder should be")
    record = runner.run(toy_document, text_file=str(text_file))
    assert record.state is State.FAILED
    assert str(copies) in record.tasks[0].cause
