import re
from pathlib import Path
from typing import Any

import object_stores
import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.compiled_pipelines import documents
from kanaria.pipelines.local import arguments, plan


@pytest.fixture
def toy_plan(toy_document: dict[str, Any]) -> plan.Plan:
    return plan.read(toy_document)


def test_all_faults_are_told_at_once(toy_plan: plan.Plan):
    with pytest.raises(ParameterError) as caught:
        arguments.checked(toy_plan, {"wrods": ["a"], "times": "three"})
    text = str(caught.value)
    assert "wrods=['a']: did you mean words?" in text
    assert "times='three': give a whole number" in text
    assert "text_file is missing" in text


def test_a_default_that_is_a_whole_number_is_written_as_one(toy_plan: plan.Plan):
    assert toy_plan.parameters["times"]["defaultValue"] == 2.0
    assert repr(arguments.checked(toy_plan, {"text_file": "x"})["times"]) == "2"


@pytest.mark.parametrize("path", ["absent.txt", "m.py", "a/b"])
def test_a_file_that_does_not_exist_is_told_before_anything_runs(toy_plan: plan.Plan, path: str):
    with pytest.raises(ParameterError, match=f"text_file='{path}': no such file"):
        arguments.checked(toy_plan, {"text_file": path})


@pytest.mark.parametrize("value", ["package.module", "gs://bucket/m.py", ""])
def test_a_module_name_and_a_remote_file_are_taken_as_they_stand(toy_plan: plan.Plan, value: str):
    assert arguments.checked(toy_plan, {"text_file": value})["text_file"] == value


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("text_file", 123, "give text, in quotes"),
        ("text_file", ["a"], "give text, in quotes"),
        ("times", 2.0, "give a whole number"),
        ("times", True, "give a whole number"),
        ("times", None, "give a whole number, or leave it out for the default"),
        ("times", 2**53 + 1, "use -2^53 to 2^53"),
        ("words", {"a": 1}, "give a list"),
        ("words", [1, {"a": float("nan")}], "give a finite number"),
    ],
)
def test_a_value_its_parameter_cannot_take_is_told_with_the_remedy(
    toy_plan: plan.Plan, name: str, value: Any, remedy: str
):
    with pytest.raises(ParameterError) as caught:
        arguments.checked(toy_plan, {"text_file": "x"} | {name: value})
    assert f"{name}={value!r}: {remedy}" in str(caught.value)
    assert "NUMBER" not in str(caught.value)


def test_values_too_large_for_a_step_are_told_before_anything_runs(toy_plan: plan.Plan):
    with pytest.raises(ParameterError, match="text_file: its value has 200002 bytes"):
        arguments.checked(toy_plan, {"text_file": "x" * 200_000})


def test_a_file_name_that_is_too_long_names_no_file(toy_plan: plan.Plan, tmp_path: Path):
    config = tmp_path / "c.yaml"
    config.write_text(f"text_file: {'x' * 5000}.py\n")
    with pytest.raises(ParameterError, match="no such file"):
        arguments.checked(toy_plan, arguments.from_config(config))


def test_defaults_fill_what_is_not_given(toy_plan: plan.Plan):
    assert arguments.checked(toy_plan, {"text_file": "x"})["words"] == ["a", "bc"]


def test_settings_are_yaml_unless_the_parameter_is_text(toy_plan: plan.Plan):
    values = arguments.from_settings(["times=3", "words=[x, 1]", "text_file=007"], toy_plan)
    assert values == {"times": 3, "words": ["x", 1], "text_file": "007"}


def test_files_of_a_config_are_relative_to_it(tmp_path: Path):
    (tmp_path / "note.txt").write_text("hi")
    config = tmp_path / "config.yaml"
    config.write_text("text_file: note.txt\nmodule_file: a.module.name\n")
    values = arguments.from_config(config)
    assert values == {"text_file": str(tmp_path / "note.txt"), "module_file": "a.module.name"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "not YAML"),
        ("- a", "write `parameter: value`"),
        ("", "is empty"),
        (None, "No such file"),
    ],
)
def test_a_config_that_cannot_be_read_is_an_error(tmp_path: Path, content: str, message: str):
    config = tmp_path / "config.yaml"
    if content is not None:
        config.write_text(content)
    with pytest.raises(ParameterError, match=message):
        arguments.from_config(config)


def test_a_published_file_is_named_by_its_content(tmp_path: Path):
    note = tmp_path / "note.txt"
    paths = []
    for text in ("one", "two", "one"):
        note.write_text(text)
        paths.append(arguments.with_published_files({"note_file": str(note)}, tmp_path / "files"))
    assert paths[0] == paths[2] != paths[1]
    assert Path(paths[1]["note_file"]).read_text() == "two"


def test_a_damaged_published_file_is_published_again(tmp_path: Path):
    note = tmp_path / "note.txt"
    note.write_text("one")
    for _ in range(2):
        published = arguments.with_published_files({"note_file": str(note)}, tmp_path / "files")
        assert Path(published["note_file"]).read_text() == "one"
        Path(published["note_file"]).write_text("")


def test_a_remote_file_is_named_by_its_content_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with object_stores.s3() as bucket:
        bucket.use(monkeypatch)
        paths = []
        for text in (b"one", b"two", b"one"):
            bucket.put("note.txt", text)
            values = {"note_file": f"{bucket.uri}/note.txt"}
            paths.append(arguments.with_published_files(values, tmp_path / "files")["note_file"])
    assert paths[0] == paths[2] != paths[1]
    assert Path(paths[1]).read_text() == "two"


@pytest.fixture(scope="module")
def ours() -> plan.Plan:
    return plan.interface(documents("train_and_deploy")[0])


def test_a_dotted_setting_sets_one_key_and_leaves_the_others(ours: plan.Plan, tmp_path: Path):
    config = tmp_path / "c.yaml"
    config.write_text("service: {name: tips, resources: {limits: {cpu: 1, memory: 2Gi}}}\n")
    settings = (
        "service.resources.limits.memory=4Gi",
        "service.resources.limits.nvidia.com/gpu=1",
        "service.runtimeVersion=2.20",
        "service.minReplicas=2",
        "reading.separator=;",
        "delivery.checks.load.rate=50",
        "hyperparameters.learning_rate=1e-3",
        "span=2013.01",
        "compute.steps.transform_data=spark",
        "compute.spark.spark.executor.cores=2",
        "compute.beam_pipeline_args=[--streaming]",
    )
    assert arguments.of_command_line(str(config), settings, ours) == {
        "service": {
            "name": "tips",
            "resources": {"limits": {"cpu": 1, "memory": "4Gi", "nvidia.com/gpu": "1"}},
            "runtimeVersion": "2.20",  # A number would be 2.2, another version.
            "minReplicas": 2,
        },
        "reading": {"separator": ";"},
        "delivery": {"checks": {"load": {"rate": 50}}},
        "hyperparameters": {"learning_rate": 1e-3},
        "span": "2013.01",
        "compute": {
            "steps": {"transform_data": "spark"},
            "spark": {"spark.executor.cores": "2"},
            "beam_pipeline_args": ["--streaming"],
        },
    }
    assert arguments.of_command_line(str(config), ("service={name: other}",), ours) == {
        "service": {"name": "other"}
    }


def test_a_dotted_setting_into_what_is_no_mapping_is_an_error(ours: plan.Plan):
    with pytest.raises(ParameterError, match=r"service='tips' is no mapping"):
        arguments.from_settings(["service.name=x"], ours, {"service": "tips"})


def test_a_parameter_that_has_become_a_key_is_told_where_it_went(ours: plan.Plan):
    names = ("namespace", "train_step", "predictor_image", "environment", "module_name")
    others = dict.fromkeys(names, "x")
    values = {"cpu": 1, "min_replicas": 2, "service_name": "tips", "splits": "a=1", "on_active": ""}
    values["beam_pipeline_args"] = []
    with pytest.raises(ParameterError) as raised:
        arguments.checked(ours, {**values, "checks": {}, **others})
    for name, place in {
        "cpu": "service.resources.limits.cpu",
        "min_replicas": "service.minReplicas",
        "service_name": "service.name",
        "namespace": "service.namespace",
        "splits": "reading.splits",
        "on_active": "delivery.on_active",
        "checks": "delivery.checks",
        "beam_pipeline_args": "compute.beam_pipeline_args",
        "train_step": "train_steps",
        "predictor_image": "service.image",
        "environment": "schema_environment",
        "module_name": "module_file",
    }.items():
        assert re.search(rf"{name}=[^;]*: did you mean {place}\?", str(raised.value)), name


def test_all_faults_of_all_mappings_come_with_those_of_the_others(ours: plan.Plan):
    values = {
        "service": {"name": "Tips", "minReplicas": "2"},
        "reading": {"column_types": {"zip": 5}},
        "compute": {"engine": "dask"},
        "delivery": "supersede",
        "train_steps": "many",
    }
    with pytest.raises(ParameterError) as raised:
        arguments.checked(ours, values)
    for fault in (
        "service.name='Tips'",
        "service.minReplicas='2': write a whole number",
        "reading.column_types.zip=5: write text",
        "compute.engine='dask': use auto, local, spark, beam",
        "delivery='supersede': give a mapping",
        "train_steps='many'",
        "data is missing",
    ):
        assert fault in str(raised.value)


def test_a_service_of_somebody_elses_pipeline_is_theirs():
    theirs = plan.Plan(name="bake", parameters={"service": {"parameterType": "STRUCT"}}, tasks=())
    assert arguments.checked(theirs, {"service": {"oven": 1}}) == {"service": {"oven": 1}}
