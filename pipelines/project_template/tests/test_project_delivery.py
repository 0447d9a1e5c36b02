"""The commands by which the workflow delivers, as it calls them."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kfp_contract import Contract, serving
from kfp_state import Frame

REGISTRY = "registry.example.com/ml"
MANIFESTS = Path(__file__).parents[3] / "manifests"
OF_A_MACHINE = ("KF_PIPELINES_ENDPOINT", "KFP_EXISTING_TOKEN", "KFP_COOKIES", "MAKEFLAGS")
Done = subprocess.CompletedProcess[str]


@pytest.fixture
def contract() -> Iterator[Contract]:
    with serving() as contract:
        contract.state.accounts.apply(MANIFESTS / "standalone")
        yield contract


@pytest.fixture
def own(project: Path, tmp_path: Path) -> Path:
    """A copy of the project that a test may change."""
    return Path(shutil.copytree(project, tmp_path / "my-project"))


def make(project: Path, *words: str, **variables: str) -> Done:
    usual = {name: value for name, value in os.environ.items() if name not in OF_A_MACHINE}
    environment = {**usual, "KUBECONFIG": "/nowhere/kubeconfig", **variables}
    command = ["make", "--no-print-directory", *words]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


@pytest.fixture
def settings(contract: Contract, tmp_path: Path) -> dict[str, str]:
    return {
        "KF_PIPELINES_ENDPOINT": contract.url,
        "DATA": "s3://bucket/data/*.csv",
        "NAMESPACE": "team",
        "SERVICE_ACCOUNT": "kubeflow:kanaria-pipeline",
        "PIPELINE_ROOT": f"file://{tmp_path}/artifacts",
        "IMAGE_PREFIX": REGISTRY,
        "RUN_NAME": "my-project-17-1",
    }


def test_submit_runs_the_compiled_file_on_the_server(
    own: Path, contract: Contract, settings: dict[str, str]
):
    done = make(own, "submit", **settings)
    assert done.returncode == 0, done.stderr
    assert "succeeded after" in done.stdout
    (run,) = contract.state.runs.values()
    assert run["display_name"] == "my-project-17-1"
    values = run["runtime_config"]["parameters"]
    assert values["data"] == "s3://bucket/data/*.csv"
    assert values["service"]["name"] == "my-project"
    assert values["service"]["namespace"] == "team"
    assert values["rollout_policy_file"].endswith("/policy.yaml")
    assert values["schema_file"].endswith("/schema.pbtxt")
    (text,) = contract.state.texts.values()
    sent = next(yaml.safe_load_all(text))["deploymentSpec"]["executors"]
    executors = next(yaml.safe_load_all((own / "pipeline.yaml").read_text()))
    executors = executors["deploymentSpec"]["executors"]
    images = {name: one["container"]["image"] for name, one in sent.items()}
    expected = {name: f"{REGISTRY}/{one['container']['image']}" for name, one in executors.items()}
    assert images == expected


def test_a_run_is_followed_and_cancelled_by_the_name_that_the_workflow_gave_it(
    own: Path, contract: Contract, settings: dict[str, str]
):
    contract.state.frames = (Frame("RUNNING", {"train-model": "RUNNING"}),)
    started = make(own, "submit", SUBMIT_FLAGS="--no-wait", **settings)
    assert started.returncode == 0, started.stderr
    cancelled = make(own, "cancel", **settings)
    assert cancelled.returncode == 0, cancelled.stderr
    followed = make(own, "follow", **settings)
    assert followed.returncode != 0
    assert "my-project-17-1: " in followed.stdout
    assert "cancelled after" in followed.stdout


def test_what_is_lacking_is_told_at_once_and_nothing_is_sent(own: Path):
    done = make(own, "submit", DATA="", PIPELINE_ROOT="", IMAGE_PREFIX="")
    assert done.returncode != 0
    message = "error: make submit: give KF_PIPELINES_ENDPOINT DATA PIPELINE_ROOT IMAGE_PREFIX"
    assert done.stderr.startswith(message)
    assert make(own, "settings", "NAMES=KANARIA_REPOSITORY").returncode != 0
    assert make(own, "settings", "NAMES=X", X="$(shell touch made)").returncode == 0
    assert not (own / "made").exists()
    assert (
        make(own, "settings", "NAMES=KANARIA_REPOSITORY", KANARIA_REPOSITORY="a/b").returncode == 0
    )


def test_on_a_server_of_many_users_every_command_names_the_own_namespace(
    own: Path, settings: dict[str, str]
):
    for target in ("submit", "follow", "cancel"):
        done = make(own, "--dry-run", target, KFP_NAMESPACE="kim", **settings)
        assert done.stdout.count('--namespace "kim"') == 1, done.stdout


def test_the_kubeconfig_is_a_private_file(own: Path, tmp_path: Path):
    file = tmp_path / "kubeconfig"
    text = 'a: "$HOME `id`"\nb: 1'
    done = make(own, "kubeconfig", KUBECONFIG=str(file), KUBECONFIG_TEXT=text)
    assert done.returncode == 0, done.stderr
    assert file.read_text() == f"{text}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert text not in done.stdout + done.stderr


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """Stands for docker, which tests of images start for real: writes down how it is called."""
    file = tmp_path / "engine"
    file.write_text(
        '#!/bin/sh\necho "$@" >> "$0.calls"\n'
        '[ "$1" = login ] && cat >> "$0.password"\n[ "$1" = image ] && echo 1000000\nexit 0\n'
    )
    file.chmod(0o755)
    return file


def test_images_are_built_and_pushed_with_own_packages_where_there_are_some(
    own: Path, engine: Path
):
    variables = {"DOCKER": str(engine), "IMAGE_PREFIX": REGISTRY}
    done = make(own, "images", "push-images", f"DOCKER={engine}", **variables)
    assert done.returncode == 0, done.stderr
    calls = Path(f"{engine}.calls").read_text()
    assert f"--tag {REGISTRY}/kanaria-training:" in calls
    assert f"--tag {REGISTRY}/kanaria-control:" in calls
    assert f"push --all-tags {REGISTRY}/kanaria-training" in calls
    assert "-with-" not in calls
    (own / "requirements.txt").write_text("tinycss2==1.3.0\n")
    assert make(own, "images", f"DOCKER={engine}", **variables).returncode == 0
    assert f"--tag {REGISTRY}/kanaria-training:" in (calls := Path(f"{engine}.calls").read_text())
    assert "-with-" in calls


def test_the_registrys_password_goes_by_the_standard_input_and_is_not_shown(
    own: Path, engine: Path
):
    registry = {
        "IMAGE_PREFIX": REGISTRY,
        "REGISTRY_USER": "robot",
        "REGISTRY_PASSWORD": "s3cr$t '\"x",
    }
    done = make(own, "login", f"DOCKER={engine}", **registry)
    assert done.returncode == 0, done.stderr
    calls = Path(f"{engine}.calls").read_text()
    assert calls == "login --username robot --password-stdin registry.example.com\n"
    assert Path(f"{engine}.password").read_text() == "s3cr$t '\"x\n"
    assert "s3cr" not in done.stdout + done.stderr + calls


def test_without_kanaria_make_says_what_to_do(own: Path):
    (own / "local.mk").unlink()
    lacking = {
        "check": "error: no Python at /nowhere/.venv/training/bin/python: call 'make install'",
        "images": "error: KANARIA='/nowhere' is no checkout of Kanaria",
    }
    for target, message in lacking.items():
        done = make(own, target, KANARIA="/nowhere", IMAGE_PREFIX=REGISTRY)
        assert done.returncode != 0
        assert done.stderr.startswith(message)
        assert done.stdout == ""


def test_compile_writes_what_is_in_git_already(own: Path):
    before = (own / "pipeline.yaml").read_bytes()
    done = make(own, "check", "compile", KANARIA_SERVING_PYTHON=sys.executable)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (own / "pipeline.yaml").read_bytes() == before
