from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import components

from kanaria.components import ingest_data
from kanaria.components.resolve.reading_settings import READING
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.step_images import CONTROL_IMAGE, TRAINING_IMAGE
from kanaria.pipelines.compile import NAMES, compile_pipeline

PIPELINES = Path(__file__).parents[1]


def load(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text())
    document.pop("sdkVersion")  # It tells which kfp compiled it, not what it does.
    return document


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline("train_and_deploy", path)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_pipeline_equals_its_source(name: str, tmp_path: Path):
    # `make regenerate` writes it anew.
    compile_pipeline(name, tmp_path / "pipeline.yaml")
    assert load(PIPELINES / name / "pipeline.yaml") == load(tmp_path / "pipeline.yaml")


def test_kfp_loads_the_compiled_pipeline(compiled: Path):
    component = components.load_component_from_file(str(compiled))
    assert component.name == "train-and-deploy"
    assert "service" in component.component_spec.inputs


def test_no_step_installs_a_package_at_run_time(compiled: Path):
    text = compiled.read_text()
    assert "executor_main" in text
    assert "pip install" not in text


def tasks(document: dict[str, Any]) -> dict[str, Any]:
    """Return all container tasks of a pipeline, whatever handlers and conditions hold them."""
    components = document["components"]
    dags = [document["root"]["dag"], *(c["dag"] for c in components.values() if "dag" in c)]
    by_name = {name: task for dag in dags for name, task in dag["tasks"].items()}
    return {n: t for n, t in by_name.items() if "dag" not in components[t["componentRef"]["name"]]}


def is_cached(task: dict[str, Any]) -> bool:
    return bool(task.get("cachingOptions", {}).get("enableCache"))


def test_steps_that_read_the_world_are_not_cached(compiled: Path):
    cached = {name for name, task in tasks(load(compiled)).items() if is_cached(task)}
    assert {"resolve-span", "resolve-deployed", "push-model", "rollout-model"} & cached == set()
    assert {"ingest-data", "validate-data", "train-model", "evaluate-model"} <= cached


@pytest.mark.parametrize("name", NAMES)
def test_an_exit_handler_stands_around_all_steps_and_knows_their_names(name: str):
    document = load(PIPELINES / name / "pipeline.yaml")
    steps = tasks(document)
    report = steps.pop("report-run")
    assert set(document["root"]["dag"]["tasks"]) == {"exit-handler-1", "report-run"}
    assert not is_cached(report)
    inputs = report["inputs"]["parameters"]
    constants = {n: v["runtimeValue"]["constant"] for n, v in inputs.items() if "runtimeValue" in v}
    assert set(constants["steps"]) == set(steps)
    assert constants["pipeline_name"] == document["pipelineInfo"]["name"]
    # It tells how a run ended: so it is never reused, and it leaves artifacts.
    last = steps[constants["last_step"]]
    assert not is_cached(last)
    component = document["components"][last["componentRef"]["name"]]
    assert component["outputDefinitions"]["artifacts"]
    # Back ends before 2.17 look a handler up by the name that is shown.
    assert (
        document["root"]["dag"]["tasks"]["exit-handler-1"]["taskInfo"]["name"] == "exit-handler-1"
    )


def test_a_retraining_has_the_steps_of_the_first_training_and_starts_from_the_live_model():
    first, again = (
        load(PIPELINES / name / "pipeline.yaml") for name in ("train_and_deploy", "retrain")
    )
    assert again["deploymentSpec"] == first["deploymentSpec"]
    inputs, inputs_before = (
        one["root"]["inputDefinitions"]["parameters"] for one in (again, first)
    )
    assert inputs.keys() == inputs_before.keys() - {"warm_start"}
    ours, theirs = tasks(again), tasks(first)
    assert ours.keys() == theirs.keys()
    assert ours["resolve-deployed"]["inputs"]["parameters"]["warm_start"] == {
        "runtimeValue": {"constant": True}
    }
    for name in ("train-model", "evaluate-model", "bless-model"):
        assert ours[name]["dependentTasks"] == theirs[name]["dependentTasks"]
        assert ours[name]["inputs"]["artifacts"] == theirs[name]["inputs"]["artifacts"]


@pytest.mark.parametrize(
    ("name", "most"), [("train_and_deploy", 28), ("retrain", 27), ("promote", 8)]
)
def test_a_form_in_the_ui_stays_short(name: str, most: int):
    document = load(PIPELINES / name / "pipeline.yaml")
    assert len(document["root"]["inputDefinitions"]["parameters"]) <= most


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_described(name: str):
    parameters = load(PIPELINES / name / "pipeline.yaml")["root"]["inputDefinitions"]["parameters"]
    assert [name for name, value in parameters.items() if not value.get("description")] == []


def test_the_form_of_a_run_stays_short(compiled: Path):
    # KFP's UI shows all of them in one alphabetical form.
    assert len(load(compiled)["root"]["inputDefinitions"]["parameters"]) <= 28


def test_reading_has_the_defaults_of_the_step_it_is_handed_to():
    defaults = {name: spec.default for name, spec in ingest_data.component_spec.inputs.items()}
    assert {key.name: key.default for key in READING} == {
        key.name: defaults[key.name] for key in READING
    }


def test_the_image_prefix_names_the_registry(tmp_path: Path):
    path = tmp_path / "p.yaml"
    compile_pipeline("train_and_deploy", path, "registry.example.com/ml/")
    executors = load(path)["deploymentSpec"]["executors"].values()
    images = {executor["container"]["image"] for executor in executors}
    assert images == {
        f"registry.example.com/ml/{image}" for image in (TRAINING_IMAGE, CONTROL_IMAGE)
    }


def test_an_unknown_pipeline_is_an_error(tmp_path: Path):
    with pytest.raises(ParameterError, match="there are train_and_deploy, retrain"):
        compile_pipeline("train", tmp_path / "p.yaml")
