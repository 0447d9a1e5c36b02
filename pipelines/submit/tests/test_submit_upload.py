"""`kanaria pipelines upload`: the pipelines of the package stand in the server's list."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kfp_contract import Contract

from kanaria.components.shared.errors import NotReadyError
from kanaria.components.shared.step_images import CONTROL_IMAGE, TRAINING_IMAGE
from kanaria.pipelines.compiled_pipelines import NAMES
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.pipeline_upload import Uploaded, UploadError, upload

KANARIA = Path(sys.executable).with_name("kanaria")


def kanaria(contract: Contract, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [KANARIA, "pipelines", "upload", *arguments, "--host", contract.url]
    return subprocess.run(command, capture_output=True, text=True)


def test_all_pipelines_are_uploaded_and_said_with_version_and_link(contract: Contract):
    done = kanaria(contract, "--image-prefix", "registry.example.com/ml")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(NAMES)
    for name, line in zip(NAMES, lines, strict=True):
        page = rf"{re.escape(contract.url)}/#/pipelines/details/pipeline-\d+/version/version-\d+"
        version = rf"{name.replace('_', '-')}-[0-9a-f]{{12}}"
        assert re.fullmatch(rf"{name}: {version} \(uploaded\) {page}", line), line
    names = {entry["name"] for entry in contract.state.pipelines.values()}
    assert names == {name.replace("_", "-") for name in NAMES}


def test_what_the_server_has_is_said_to_be_unchanged(contract: Contract, server: Server):
    first = upload(["promote"], server=server)
    again = upload(["promote"], server=server)
    assert [one.is_new for one in (*first, *again)] == [True, False]
    assert first[0].link == again[0].link
    assert len(contract.state.versions) == 1


def test_another_image_prefix_is_another_version(contract: Contract, server: Server):
    upload(["promote"], server=server)
    (second,) = upload(["promote"], server=server, image_prefix="registry.example.com/ml")
    assert second.is_new
    assert len(contract.state.pipelines) == 1
    newest = list(contract.state.texts.values())[-1]
    assert "registry.example.com/ml/kanaria-control" in newest


def test_a_broken_pipeline_does_not_stop_the_others(contract: Contract, tmp_path: Path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("root: [")
    prefix = ("--image-prefix", "registry.example.com/ml")
    done = kanaria(contract, "train_and_deplox", str(broken), "promote", *prefix)
    assert done.returncode == 1
    assert done.stdout.startswith("promote: promote-")
    first, second = done.stderr.splitlines()
    assert first.startswith("error: train_and_deplox: pipeline='train_and_deplox': unknown")
    assert second.startswith(f"error: {broken}: ")


def test_a_pipeline_that_the_server_refuses_does_not_stop_the_others(
    contract: Contract, server: Server
):
    contract.break_next("upload_version", 400)
    shown: list[Uploaded] = []
    with pytest.raises(UploadError) as refused:
        upload(["promote", "watch_for_drift"], server=server, show=shown.append)
    assert list(refused.value.faults) == ["promote"]
    assert [one.pipeline for one in shown] == ["watch_for_drift"]


def test_one_reason_is_told_once(contract: Contract):
    contract.token = "needed"
    prefix = ("--image-prefix", "registry.example.com/ml")
    done = kanaria(contract, "promote", "watch_for_drift", *prefix)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: promote, watch_for_drift: ")


def test_a_server_that_is_away_is_asked_for_the_first_only(
    contract: Contract, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("kanaria.pipelines.submit.kfp_client.READ_SECONDS", 0.0)
    contract.break_next("pipelines", 503, times=100)
    with pytest.raises(NotReadyError):
        upload(NAMES, server=server)
    assert len(contract.requests_like("GET pipelines")) <= 2


def test_a_compiled_file_is_uploaded_under_its_own_name(
    contract: Contract, server: Server, pipeline: str
):
    (uploaded,) = upload([pipeline], server=server)
    assert uploaded.version.startswith("taste-")
    assert yaml.safe_load(next(iter(contract.state.texts.values())))["pipelineInfo"]


@pytest.mark.usefixtures("contract")
def test_a_pipeline_named_twice_is_uploaded_once(server: Server):
    assert len(upload(["promote", "promote"], server=server)) == 1


def test_one_file_of_resources_serves_all_pipelines(contract: Contract, tmp_path: Path):
    file = tmp_path / "resources.yaml"
    file.write_text(
        "train_model: {resources: {limits: {memory: 7Gi}}}\nall: {env: [{name: A, value: b}]}\n"
    )
    done = kanaria(contract, "promote", "retrain", "--resources", str(file))
    assert done.returncode == 0, done.stderr
    promoted, trained = contract.state.texts.values()
    assert "7Gi" in trained
    assert "7Gi" not in promoted
    assert "name: A" in promoted


def test_settings_of_a_step_that_no_pipeline_has_upload_nothing(contract: Contract, tmp_path: Path):
    file = tmp_path / "resources.yaml"
    file.write_text("trian_model: {resources: {limits: {memory: 7Gi}}}\n")
    done = kanaria(contract, "promote", "retrain", "--resources", str(file))
    assert done.returncode == 1
    assert "trian_model" in done.stderr
    assert "train_model" in done.stderr
    assert not contract.state.versions


def test_images_without_a_registry_are_told_of_once(contract: Contract):
    done = kanaria(contract, "promote", "watch_for_drift")
    assert done.returncode == 0
    assert sorted(line.partition(" ")[0] for line in done.stderr.splitlines()) == sorted(
        [CONTROL_IMAGE, TRAINING_IMAGE]
    )


def test_the_command_of_the_page_uploads_all(contract: Contract):
    lines = (Path(__file__).parents[3] / "docs/how-to/pipelines.md").read_text().splitlines()
    (line,) = [one for one in lines if one.startswith("kanaria pipelines upload")]
    words = shlex.split(line.replace("https://kfp.example.com", contract.url))
    done = subprocess.run([KANARIA, *words[1:]], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("(uploaded)") == len(NAMES)
