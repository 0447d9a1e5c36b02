"""What train_model says of its device, and that no GPU stays unused in silence."""

import os

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.components.train import devices
from kanaria.components.train.train import train

POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}
FILES = ["null", "nvidiactl", "nvidia-uvm", "nvidia1", "nvidia0"]


@pytest.mark.parametrize(
    ("environment", "files", "is_given"),
    [
        ({}, [], ""),
        # NVIDIA's device plugin, whichever way it is set up.
        ({"NVIDIA_VISIBLE_DEVICES": "GPU-8a3f"}, [], "NVIDIA_VISIBLE_DEVICES='GPU-8a3f'"),
        ({"NVIDIA_VISIBLE_DEVICES": "MIG-1,MIG-2"}, [], "NVIDIA_VISIBLE_DEVICES='MIG-1,MIG-2'"),
        ({"NVIDIA_VISIBLE_DEVICES": "0"}, [], "NVIDIA_VISIBLE_DEVICES='0'"),
        ({"NVIDIA_VISIBLE_DEVICES": "void", **POD}, FILES, "/dev/nvidia0"),
        (POD, FILES, "/dev/nvidia0"),
        # An image of CUDA that was given none, a workstation, the control files alone.
        ({"NVIDIA_VISIBLE_DEVICES": "all", **POD}, FILES, ""),
        ({}, FILES, ""),
        (POD, ["nvidiactl", "nvidia-uvm"], ""),
        # Who hides the GPUs wants none.
        ({"NVIDIA_VISIBLE_DEVICES": "GPU-8a3f", "CUDA_VISIBLE_DEVICES": "-1"}, FILES, ""),
        ({"CUDA_VISIBLE_DEVICES": "", **POD}, FILES, ""),
        ({"CUDA_VISIBLE_DEVICES": "0", **POD}, FILES, "/dev/nvidia0"),
    ],
)
def test_what_a_process_was_given_shows_in_it(environment, files, is_given):
    assert devices.gpu_given(environment, files) == is_given


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], "CPU"),
        (["NVIDIA H200"], "GPU:0 NVIDIA H200"),
        (["NVIDIA A100", "NVIDIA A100"], "GPU:0 NVIDIA A100, GPU:1 NVIDIA A100"),
    ],
)
def test_devices_are_told_by_number_and_name(names, expected):
    assert devices.text(names) == expected


def test_a_given_gpu_that_tensorflow_does_not_see_ends_the_step_before_user_code(
    request_with, tmp_path, monkeypatch
):
    monkeypatch.setenv("NVIDIA_VISIBLE_DEVICES", "GPU-8a3f")
    request = request_with("raise SystemExit('user code ran')")
    with pytest.raises(ParameterError, match=r"GPU-8a3f.*sees none.*CUDA_VISIBLE_DEVICES=-1$"):
        train(request, tmp_path / "model", tmp_path / "logs")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(("set_by_the_user", "expected"), [(None, "true"), ("false", "false")])
def test_memory_grows_unless_the_user_says_otherwise(monkeypatch, set_by_the_user, expected):
    monkeypatch.delenv(devices.GROWTH, raising=False)
    if set_by_the_user:
        monkeypatch.setenv(devices.GROWTH, set_by_the_user)
    devices.let_memory_grow()
    assert os.environ[devices.GROWTH] == expected
    monkeypatch.delenv(devices.GROWTH)
