"""Settings of steps, and images that no registry is named for, on their way to the server."""

import logging
from pathlib import Path
from typing import Any

import kfp_pods
import pytest
import yaml
from kfp_contract import Contract

from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.step_images import CONTROL_IMAGE, TRAINING_GPU_IMAGE, TRAINING_IMAGE
from kanaria.pipelines.resources import settings_of_steps
from kanaria.pipelines.submit import pipeline_package, schedule
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.schedule_times import trigger
from kanaria.pipelines.submit.submit_pipeline import submit

SAID = {
    "cook": {"nodeSelector": {"pool": "big"}, "cachingOptions": {"enableCache": True}},
    "serve_dish": {"env": [{"name": "A", "value": "1"}]},
}


def test_the_servers_stand_in_refuses_pods_that_kubernetes_would(pipeline: str):
    text = pipeline_package.read(pipeline, resources=settings_of_steps.of(SAID)).text
    assert kfp_pods.faults(text) == []
    for right, wrong, fault in (
        ("nodeSelector:", "nodeselector:", 'no field named "nodeselector"'),
        (
            "nodeSelector:",
            "pvcMount: [{constant: a.b, mountPath: /s3}]\n          nodeSelector:",
            "/s3",
        ),
        ("exec-cook:\n          nodeSelector", "exec-x:\n          nodeSelector", "exec-x: no"),
    ):
        assert right in text
        assert fault in "; ".join(kfp_pods.faults(wrong.join(text.rsplit(right, 1))))


def test_a_version_is_named_by_its_settings_too(pipeline: str):
    plain = pipeline_package.read(pipeline)
    first = pipeline_package.read(pipeline, resources=settings_of_steps.of(SAID))
    again = pipeline_package.read(
        pipeline, resources=settings_of_steps.of(dict(reversed(SAID.items())))
    )
    other = pipeline_package.read(
        pipeline, resources=settings_of_steps.of({"cook": {"labels": {"a": "b"}}})
    )
    assert first.version == again.version
    assert len({plain.version, first.version, other.version}) == 3


def test_the_server_gets_the_pipeline_with_its_platform(
    contract: Contract, server: Server, pipeline: str, arguments: dict[str, Any], root: str
):
    submit(
        pipeline, arguments, server=server, pipeline_root=root, resources=settings_of_steps.of(SAID)
    )
    (text,) = contract.state.texts.values()
    document, platform = yaml.safe_load_all(text)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors == {"exec-cook": {"nodeSelector": {"labels": {"pool": "big"}}}}
    container = document["deploymentSpec"]["executors"]["exec-serve-dish"]["container"]
    assert container["env"] == [{"name": "A", "value": "1"}]


def test_no_cache_goes_over_the_settings(pipeline: str):
    package = pipeline_package.read(pipeline, resources=settings_of_steps.of(SAID), cached=False)
    document = next(iter(yaml.safe_load_all(package.text)))
    assert document["root"]["dag"]["tasks"]["cook"]["cachingOptions"] == {}


def test_a_file_with_a_platform_keeps_it(pipeline: str, tmp_path: Path):
    written = tmp_path / "own.yaml"
    written.write_text(pipeline_package.read(pipeline, resources=settings_of_steps.of(SAID)).text)
    assert (
        pipeline_package.read(str(written)).version
        == pipeline_package.read(pipeline, resources=settings_of_steps.of(SAID)).version
    )
    more = pipeline_package.read(
        str(written), resources=settings_of_steps.of({"cook": {"labels": {"a": "b"}}})
    )
    _, platform = yaml.safe_load_all(more.text)
    pod = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-cook"]
    assert pod == {
        "nodeSelector": {"labels": {"pool": "big"}},
        "podMetadata": {"labels": {"a": "b"}},
    }


def test_wrong_settings_send_nothing(
    contract: Contract, server: Server, pipeline: str, arguments: dict[str, Any], root: str
):
    wrong = settings_of_steps.of({"kook": {}, "cook": {"cpu": 1}}, "r.yaml")
    with pytest.raises(ParameterError, match=r"r.yaml: kook: .*did you mean cook\?; cook: cpu"):
        submit(pipeline, arguments, server=server, pipeline_root=root, resources=wrong)
    assert not contract.state.versions


def test_an_accelerator_for_an_image_that_uses_none_is_told_of():
    gpu: dict[str, Any] = {"train_model": {"resources": {"limits": {"nvidia.com/gpu": 1}}}}
    prefix = "registry.example.com/ml"
    package = pipeline_package.read(
        "train_and_deploy", image_prefix=prefix, resources=settings_of_steps.of(gpu)
    )
    assert package.remarks == (
        f"an accelerator is asked for, but {prefix}/{TRAINING_IMAGE} computes on the CPU; `make "
        f"image-gpu` builds one that does not: write image: {prefix}/{TRAINING_GPU_IMAGE}",
    )
    gpu["train_model"]["image"] = f"{prefix}/{TRAINING_GPU_IMAGE}"
    package = pipeline_package.read(
        "train_and_deploy", image_prefix=prefix, resources=settings_of_steps.of(gpu)
    )
    assert package.remarks == ()


def test_images_without_a_registry_are_told_of(
    server: Server,
    pipeline: str,
    arguments: dict[str, Any],
    root: str,
    caplog: pytest.LogCaptureFixture,
):
    options: dict[str, Any] = {"server": server, "pipeline_root": root}
    with caplog.at_level(logging.WARNING):
        submit(pipeline, arguments, **options, image_prefix="registry.example.com/ml")
        assert "registry:" not in caplog.text
        submit(pipeline, arguments, **options)
        remark = f"{CONTROL_IMAGE} names no registry: nodes find it only if it was loaded onto them"
        assert caplog.text.count(remark) == 1
        schedule.create("nightly", pipeline, arguments, **options, trigger=trigger(every="1d"))
        assert caplog.text.count(remark) == 2
