"""What a step of Kanaria's reads decides its key."""

import sys
from pathlib import Path

import pytest

from kanaria.components.shared.storage.content_pin import pinned
from kanaria.pipelines.compiled_pipelines import documents
from kanaria.pipelines.local import cache, plan, step_code
from kanaria.pipelines.local.plan import Task, TaskOutput
from kanaria.pipelines.local.step import StepInputs


@pytest.fixture(scope="module")
def tasks() -> dict[str, Task]:
    return {task.name: task for task in plan.read(documents("train_and_deploy")[0]).tasks}


@pytest.fixture(autouse=True)
def one_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANARIA_TRAINING_PYTHON", sys.executable)


def key(task: Task, **parameters: str) -> str:
    return cache.key(task, StepInputs(parameters=parameters, artifacts={}))


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("validate-data", "serving_statistics"),
        ("ingest-data", "data"),
        ("validate-data", "schema_file"),
    ],
)
def test_what_lies_at_a_place_that_a_step_reads_decides_its_key(
    tasks: dict[str, Task], tmp_path: Path, name: str, parameter: str
):
    path = tmp_path / "a.csv"
    keys = []
    for text in ("monday", "monday", "tuesday"):
        path.write_text(text)
        keys.append(key(tasks[name], **{parameter: str(path)}))
    assert keys[0] == keys[1] != keys[2]


def test_a_module_of_metrics_that_an_eval_config_names_decides_the_key(
    tasks: dict[str, Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    config = tmp_path / "eval_config.pbtxt"
    config.write_text("""metrics_specs { metrics { class_name: "Own" module: "own_metrics" } }""")
    (tmp_path / "own_metrics.py").write_text("import own_sums")
    keys = []
    for text in ("A = 1", "A = 1", "A = 2"):
        (tmp_path / "own_sums.py").write_text(text)
        keys.append(key(tasks["evaluate-model"], eval_config_file=str(config)))
    assert keys[0] == keys[1] != keys[2]


def test_a_place_that_is_not_there_is_left_to_the_step(tasks: dict[str, Task], tmp_path: Path):
    assert key(tasks["validate-data"], serving_statistics=str(tmp_path / "absent"))


def test_what_is_pinned_is_known_by_its_text(tasks: dict[str, Task], tmp_path: Path):
    path = tmp_path / "FeatureStats.pb"
    path.write_text("monday")
    uri = pinned("serving_statistics", str(path))
    before = key(tasks["validate-data"], serving_statistics=uri)
    path.unlink()
    assert key(tasks["validate-data"], serving_statistics=uri) == before


def test_a_pipeline_pins_the_statistics_of_serving_when_it_begins(tasks: dict[str, Task]):
    assert tasks["validate-data"].parameters["serving_statistics"] == TaskOutput(
        task="resolve-span", key="serving_statistics"
    )
    assert not tasks["resolve-span"].cached


@pytest.mark.parametrize(
    ("name", "module", "counts"),
    [
        ("fit-drift-detector", "serving/drift/table_columns.py", True),
        ("fit-drift-detector", "serving/drift/__init__.py", True),
        ("fit-drift-detector", "components/detect/fit.py", True),
        ("fit-drift-detector", "serving/rollout/policy/rollout_policy.py", False),
        ("ingest-data", "serving/drift/table_columns.py", False),
        ("ingest-data", "components/shared/storage/uri_files.py", True),
        ("ingest-data", "components/detect/fit.py", False),
    ],
)
def test_the_code_of_a_step_is_all_that_it_imports(
    tasks: dict[str, Task],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    module: str,
    counts: bool,
):
    for folder in ("components", "serving"):
        for path in (step_code.ROOT / folder).rglob("*.py"):
            copy = tmp_path / path.relative_to(step_code.ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(step_code, "ROOT", tmp_path)
    before = step_code.code(tasks[name])
    (tmp_path / module).write_text("CHANGED = 1\n")
    assert (step_code.code(tasks[name]) != before) == counts
