from pathlib import Path

import pytest
import yaml

from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.step_images import CONTROL_IMAGE, TRAINING_GPU_IMAGE, TRAINING_IMAGE
from kanaria.pipelines import requirements
from kanaria.pipelines.compile import compile_pipeline
from kanaria.pipelines.submit import parameters, pipeline_package


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("own\n")
    return path


def document(*images: str) -> dict:
    executors = {str(number): {"container": {"image": i}} for number, i in enumerate(images)}
    return {"deploymentSpec": {"executors": executors}}


def test_only_the_training_images_get_the_packages(listed: Path):
    # The hash is that of `sha256sum requirements.txt`, which the Makefile calls.
    others = CONTROL_IMAGE, "python:3.11", "kanaria-training-of-ours:1"
    images = TRAINING_IMAGE, f"registry:5000/ml/{TRAINING_GPU_IMAGE}", *others
    documents = requirements.with_packages(document(*images), listed)
    own, gpu = (f"{i}-with-7e6518373b1a" for i in (TRAINING_IMAGE, TRAINING_GPU_IMAGE))
    assert documents == document(own, f"registry:5000/ml/{gpu}", *others)
    assert requirements.with_packages(documents, listed) == documents


@pytest.mark.usefixtures("listed")
def test_without_a_list_the_images_stay():
    assert requirements.with_packages(document(TRAINING_IMAGE), None) == document(TRAINING_IMAGE)


def test_the_list_is_no_parameter_of_the_pipeline(listed: Path):
    arguments = {"requirements_file": str(listed), "seed": 3}
    assert requirements.split_off(arguments, {}) == (listed, {"seed": 3})
    assert requirements.split_off({"seed": 3}, {}) == (None, {"seed": 3})
    # One that a compiled pipeline of the user's declares is his own.
    assert requirements.split_off(arguments, {"requirements_file": {}}) == (None, arguments)


@pytest.mark.parametrize("value", ["nowhere.txt", "s3://bucket/requirements.txt", 7, ["own"]])
def test_a_list_that_is_no_file_is_refused(value: object):
    with pytest.raises(ParameterError, match="requirements_file="):
        requirements.split_off({"requirements_file": value}, {})


def test_lines_that_name_files_or_options_are_told_together_with_their_numbers(listed: Path):
    refused = ["-r more.txt", "--index-url https://x", "./own.whl", "own @ file:///own.whl"]
    accepted = [
        "# -r no.txt",
        "own==1 --hash=sha256:00",
        "    --hash=sha256:01",
        "a @ https://x/a.whl",
    ]
    listed.write_text("\n".join([*accepted, *refused]))
    with pytest.raises(ParameterError) as error:
        requirements.split_off({"requirements_file": str(listed)}, {})
    assert [f"{listed}:{number}:" in str(error.value) for number in range(1, 9)] == (
        [False] * 4 + [True] * 4
    )


def test_a_list_that_is_not_utf8_is_refused(listed: Path):
    listed.write_bytes("größer\n".encode("latin-1"))
    with pytest.raises(ParameterError, match="not UTF-8"):
        requirements.split_off({"requirements_file": str(listed)}, {})


def images_of(text: str) -> set[str]:
    executors = yaml.safe_load(text)["deploymentSpec"]["executors"].values()
    return {executor["container"]["image"] for executor in executors}


def test_compiling_and_submitting_name_the_same_images(listed: Path, tmp_path: Path):
    compile_pipeline("watch_for_drift", tmp_path / "out.yaml", "registry/ml", str(listed))
    arguments = {"requirements_file": str(listed)}
    submitted = pipeline_package.read(
        "watch_for_drift", image_prefix="registry/ml", arguments=arguments
    )
    own = f"registry/ml/{requirements.image(listed)}"
    assert images_of((tmp_path / "out.yaml").read_text()) == images_of(submitted.text)
    assert images_of(submitted.text) == {own, f"registry/ml/{CONTROL_IMAGE}"}


def test_a_submission_sends_no_parameter_for_the_list(listed: Path):
    interface = pipeline_package.read("watch_for_drift").interface
    arguments = {"data": "s3://bucket/new", "service": {"name": "tips"}}
    with_list = arguments | {"requirements_file": str(listed)}
    checked = parameters.checked(interface, with_list, "s3://bucket/artifacts")
    assert checked == parameters.checked(interface, arguments, "s3://bucket/artifacts")
