"""A run uses the user's code as it is now, from any folder, and runs again what takes it."""

from pathlib import Path
from typing import Any

import pytest
import toy
from kfp import dsl
from toy_runner import Runner, compiled

from kanaria.components.shared.errors import UserCodeError
from kanaria.pipelines.local.record import RunRecord, State

CODE = {
    "model.py": "from pkg.names import name\ndef value(): return name()",
    "pkg/__init__.py": "",
    "pkg/names.py": "from . import deep\ndef name(): return deep.NAME",
    "pkg/deep.py": "NAME = 'one'",
}


def written(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return str(folder / "model.py")


def result(record: RunRecord, name: str) -> tuple[str, Any]:
    outcome = next(task for task in record.tasks if task.name == name)
    return outcome.state.value, outcome.parameters.get("Output") or outcome.cause


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compiled(toy.calling, tmp_path_factory.mktemp("calling"))


def test_a_changed_helper_of_a_helper_runs_what_takes_the_module_and_nothing_else(
    runner: Runner, document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    module = written(tmp_path / "code", CODE)
    results = []
    for folder, text in (("/", "NAME = 'one'"), (tmp_path, "NAME = 'one'"), ("/", "NAME = 'two'")):
        monkeypatch.chdir(folder)
        (tmp_path / "code/pkg/deep.py").write_text(text)
        record = runner.run(document, module_file=module)
        results.append((result(record, "call-module"), result(record, "apologise")[0]))
    assert results == [
        (("succeeded", "one"), "succeeded"),
        (("reused", "one"), "reused"),
        (("succeeded", "two"), "reused"),
    ]


def test_code_that_changes_while_the_run_goes_on_changes_nothing(
    runner: Runner, document: dict[str, Any], tmp_path: Path
):
    module = written(tmp_path, CODE)
    record = runner.run(document, module_file=module)
    published = Path(record.arguments["module_file"])
    assert published.is_relative_to(runner.root.files)
    for name in CODE:
        (tmp_path / name).unlink()
    again = runner.run(document, module_file=str(published))
    assert result(again, "call-module") == ("reused", "one")


def test_a_damaged_published_module_is_published_again(
    runner: Runner, document: dict[str, Any], tmp_path: Path
):
    module = written(tmp_path, CODE)
    record = runner.run(document, module_file=module)
    Path(record.arguments["module_file"]).write_bytes(b"")
    again = runner.run(document, module_file=module)
    assert result(again, "call-module") == ("reused", "one")


def test_a_changed_importable_module_and_its_helpers_run_what_takes_it(
    runner: Runner, document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    results = []
    for text in ("NAME = 'one'", "NAME = 'one'", "NAME = 'two'"):
        written(tmp_path, CODE | {"team/__init__.py": "", "pkg/deep.py": text})
        written(tmp_path, {"team/model.py": "from pkg.names import name as value"})
        results.append(result(runner.run(document, module_file="team.model"), "call-module"))
    assert results == [("succeeded", "one"), ("reused", "one"), ("succeeded", "two")]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            "import absent",
            r"model\.py:1: there is no module absent; put it beside the module, or name",
        ),
        ("import pkg.names, needy", r"needy\.py:1: there is no module absent"),
        ("def value(:", r"model\.py:1: invalid syntax"),
        ("import statistics", r"statistics\.py has the name of the installed module statistics"),
    ],
)
def test_an_import_that_fails_is_told_before_anything_runs(
    runner: Runner, document: dict[str, Any], tmp_path: Path, module: str, message: str
):
    files = {"model.py": module, "needy.py": "import absent", "statistics.py": ""}
    path = written(tmp_path / "code", CODE | files)
    with pytest.raises(UserCodeError, match=message):
        runner.run(document, module_file=path)
    assert not runner.root.runs.exists()


def test_a_module_that_the_runtime_does_not_have_is_told_before_anything_runs(
    runner: Runner, document: dict[str, Any]
):
    with pytest.raises(UserCodeError, match=r"module_file='no\.such\.module': no such module"):
        runner.run(document, module_file="no.such.module")


def test_a_module_written_into_the_pipeline_is_known_by_its_code_too(
    runner: Runner, tmp_path: Path
):
    module = written(tmp_path / "code", CODE)

    @dsl.pipeline(name="fixed")
    def fixed() -> None:
        toy.call_module(module_file=module)

    document = compiled(fixed, tmp_path)
    results = []
    for text in ("NAME = 'one'", "NAME = 'one'", "NAME = 'two'"):
        (tmp_path / "code/pkg/deep.py").write_text(text)
        results.append(result(runner.run(document), "call-module"))
    assert results == [("succeeded", "one"), ("reused", "one"), ("succeeded", "two")]


def test_a_file_written_into_the_pipeline_is_known_by_its_content(runner: Runner, tmp_path: Path):
    text_file = tmp_path / "words.txt"

    @dsl.pipeline(name="fixed")
    def fixed() -> None:
        toy.read_file(text_file=str(text_file))

    document = compiled(fixed, tmp_path)
    results = []
    for text in ("one", "one", "two"):
        text_file.write_text(text)
        results.append(result(runner.run(document), "read-file"))
    assert results == [("succeeded", "one"), ("reused", "one"), ("succeeded", "two")]


def test_a_step_imports_nothing_from_the_working_folder(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "bakery.py").write_text("")
    monkeypatch.chdir(tmp_path)
    (task,) = runner.run(compiled(toy.reaching_out, tmp_path)).tasks
    assert task.state is State.FAILED
    assert task.cause == "ModuleNotFoundError: No module named 'bakery'"


@pytest.mark.parametrize("how", ["sys.exit", "os._exit"])
def test_a_step_that_ends_without_its_outputs_has_failed_and_is_not_reused(
    runner: Runner, tmp_path: Path, how: str
):
    document = compiled(toy.quitting, tmp_path)
    for _ in range(2):
        (task,) = runner.run(document, how=how).tasks
        assert task.state is State.FAILED
        assert task.cause.startswith("the step ended with code 0 but without its outputs")
    assert not list(runner.root.cache.glob("*"))


def test_a_value_that_a_step_writes_itself_has_its_type(runner: Runner, tmp_path: Path):
    (task,) = runner.run(compiled(toy.writing, tmp_path)).tasks
    assert task.parameters == {"name": "7", "count": 7}


def test_a_step_that_writes_no_value_has_failed(runner: Runner, tmp_path: Path):
    (task,) = runner.run(compiled(toy.idle, tmp_path)).tasks
    assert (task.state, task.cause) == (State.FAILED, "the step ended without its outputs name")
