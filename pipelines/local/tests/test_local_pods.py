"""What becomes here of settings that are made for pods."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler, dsl, kubernetes
from toy_runner import Runner, compiled

from kanaria.components.shared.step_images import CONTROL_IMAGE
from kanaria.pipelines.local import pods
from kanaria.pipelines.local.launch import launch
from kanaria.pipelines.local.machine_folders import Root
from kanaria.pipelines.local.record import State
from kanaria.pipelines.resources import settings_of_steps
from kanaria.pipelines.resources.apply_settings import applied


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def look(name: str) -> str:
    import os

    return os.environ.get(name, "nothing")


@dsl.pipeline(name="looking")
def looking(name: str = "DISH") -> None:
    look(name=name)


SAID: dict[str, Any] = {
    "resources": {"requests": {"memory": "1Gi"}},
    "env": [{"name": "DISH", "value": "rice"}],
    "envFrom": [{"secretRef": {"name": "store"}}],
    "nodeSelector": {"pool": "big"},
    "retryPolicy": {"maxRetryCount": 2},
    "activeDeadlineSeconds": 60,
}


@pytest.fixture
def plain(tmp_path: Path) -> dict[str, Any]:
    return compiled(looking, tmp_path)


def with_settings(document: dict[str, Any], **changed: Any) -> list[Any]:
    return applied([document], settings_of_steps.of({"look": {**SAID, **changed}}))


def test_a_steps_environment_counts_here(runner: Runner, plain: dict[str, Any]):
    (task,) = runner.run(plain).tasks
    assert task.parameters == {"Output": "nothing"}
    (task,) = runner.run(with_settings(plain)[0]).tasks
    assert task.parameters == {"Output": "rice"}


def test_other_amounts_let_results_be_reused_and_another_environment_does_not(
    runner: Runner, plain: dict[str, Any]
):
    runner.run(with_settings(plain)[0])
    more = {"requests": {"memory": "2Gi"}}
    (task,) = runner.run(with_settings(plain, resources=more)[0]).tasks
    assert task.state is State.REUSED
    other = [{"name": "DISH", "value": "soup"}]
    (task,) = runner.run(with_settings(plain, env=other)[0]).tasks
    assert (task.state, task.parameters) == (State.SUCCEEDED, {"Output": "soup"})


def test_a_file_runs_and_what_is_left_out_is_told_in_one_line(
    plain: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "looking.yaml"
    path.write_text(yaml.safe_dump_all(with_settings(plain)))
    record, _ = launch(str(path), root=Root(path=tmp_path / "root"), show=lambda _: None)
    assert record.state is State.SUCCEEDED
    assert capsys.readouterr().err == (
        "note: not applied on this machine: activeDeadlineSeconds, nodeSelector, resources, "
        "retryPolicy, variables from Secrets; variables come from this shell\n"
    )


def test_nothing_is_told_of_a_pipeline_without_settings(plain: dict[str, Any]):
    assert pods.remark([plain]) == ""


def test_every_setting_of_kfp_is_told(tmp_path: Path):
    @dsl.pipeline(name="mounting")
    def mounting() -> None:
        task = look(name="A")
        kubernetes.mount_pvc(task, "data", "/data")
        kubernetes.use_field_path_as_env(task, "A", "metadata.name")
        task.set_caching_options(False)

    path = tmp_path / "mounting.yaml"
    compiler.Compiler().compile(mounting, str(path))
    remark = pods.remark(list(yaml.safe_load_all(path.read_text())))
    assert remark.startswith(
        "not applied on this machine: pvcMount, variables from fields of the pod;"
    )
