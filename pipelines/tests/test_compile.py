from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import components

from kanaria.components import ingest_data
from kanaria.components.resolve.reading import READING
from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.images import CONTROL_IMAGE, TRAINING_IMAGE
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


def test_steps_that_read_the_world_are_not_cached(compiled: Path):
    root = load(compiled)["root"]["dag"]["tasks"]
    cached = {
        name for name, task in root.items() if task.get("cachingOptions", {}).get("enableCache")
    }
    assert {"resolve-span", "resolve-deployed"} & cached == set()
    assert {"ingest-data", "validate-data", "train-model", "evaluate-model"} <= cached


def test_every_parameter_is_described(compiled: Path):
    parameters = load(compiled)["root"]["inputDefinitions"]["parameters"]
    assert [name for name, value in parameters.items() if not value.get("description")] == []


def test_the_form_of_a_run_stays_short(compiled: Path):
    # KFP's UI shows all of them in one alphabetical form.
    assert len(load(compiled)["root"]["inputDefinitions"]["parameters"]) <= 24


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
    with pytest.raises(ParameterError, match="there are train_and_deploy, watch_for_drift"):
        compile_pipeline("train", tmp_path / "p.yaml")
